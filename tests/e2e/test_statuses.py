#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every status that Invoke documents and some that nobody does, hints to wait, failed functions."""

import json
import time
import unittest

import common
from fault_case import SMALL, FaultCase
from hostile_server import AFTER, BEFORE, DURING, NO_ERROR, Fault

NOT_RUN, UNKNOWN, THROTTLED, PERMANENT = "not run", "unknown", "throttled", "permanent"

# What Invoke documents, and how each is to be taken.
DOCUMENTED = {
    NOT_RUN: {
        "EC2UnexpectedException": 502, "EFSMountConnectivityException": 408,
        "EFSMountTimeoutException": 408, "ENILimitReachedException": 502,
        "ResourceConflictException": 409, "ResourceNotReadyException": 502,
        "S3FilesMountConnectivityException": 408, "S3FilesMountTimeoutException": 408,
        "SnapStartNotReadyException": 409, "SnapStartTimeoutException": 408,
        "SubnetIPAddressLimitReachedException": 502},
    UNKNOWN: {"EFSIOException": 410, "ServiceException": 500},
    THROTTLED: {"EC2ThrottledException": 502, "TooManyRequestsException": 429},
    PERMANENT: {
        "DurableExecutionAlreadyStartedException": 409, "EC2AccessDeniedException": 502,
        "EFSMountFailureException": 403, "InvalidParameterValueException": 400,
        "InvalidRequestContentException": 400, "InvalidRuntimeException": 502,
        "InvalidSecurityGroupIDException": 502, "InvalidSubnetIDException": 502,
        "InvalidZipFileException": 502, "KMSAccessDeniedException": 502,
        "KMSDisabledException": 502, "KMSInvalidStateException": 502,
        "KMSNotFoundException": 502, "NoPublishedVersionException": 400,
        "RecursiveInvocationException": 400, "RequestTooLargeException": 413,
        "ResourceNotFoundException": 404, "S3FilesMountFailureException": 403,
        "SerializedRequestEntityTooLargeException": 413, "SnapStartException": 400,
        "UnsupportedMediaTypeException": 415},
}
# By the status alone.
BARE = {
    UNKNOWN: [408, 500, 501, 502, 503, 504, 505, 511, 520, 599, 600, 999],
    THROTTLED: [429],
    PERMANENT: [201, 202, 204, 206, 226, 299, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404,
                405, 406, 407, 409, 410, 411, 413, 414, 415, 418, 421, 422, 425, 431, 451, 499],
}


def failure(status, kind=None, fields=(), body=None):
    def act(stream):
        told = list(fields)
        if kind:
            told.append(("x-amzn-errortype", kind))
        text = body if body is not None else json.dumps(
            {"Type": "Service", "Message": f"{kind or status} by wish"}).encode()
        if status == 301:
            told.append(("location", "https://127.0.0.1:1/elsewhere"))
        if status in (204, 304):
            stream.headers(status, told, end=True)  # must not have a body
        else:
            stream.answer(text, status, told)
    return act


def fault(name, sort, act, when=AFTER):
    return Fault(f"{name}: {sort}", when, act,
                 {"throttled": 1} if sort == THROTTLED else {"transport": 1})


def documented():
    for sort, errors in DOCUMENTED.items():
        for name, status in errors.items():
            yield fault(name, sort, failure(status, name))


def bare():
    for sort, statuses in BARE.items():
        for status in statuses:
            yield fault(status, sort, failure(status))


def odd():
    """Names that are none, or not quite; bodies that are endless, empty or no text."""
    yield fault("with an address", NOT_RUN,
                failure(409, "ResourceConflictException:http://internal.amazon.com/coral/"))
    yield fault("with a namespace behind", THROTTLED, failure(502, "EC2ThrottledException; x=1"))
    yield fault("begin of a name", PERMANENT, failure(409, "ResourceConflict"))
    yield fault("longer than a name", PERMANENT, failure(409, "ResourceConflictException" * 9))
    yield fault("name of bytes", UNKNOWN, failure(500, b"\x80\xff%s%n"))
    yield fault("large body", UNKNOWN, failure(500, body=b"x" * 500000))
    yield fault("large body", THROTTLED, failure(429, body=b"x" * 500000))
    yield fault("endless body", PERMANENT, endless(404))
    yield fault("endless body", THROTTLED, endless(429))
    yield fault("endless hint", THROTTLED, failure(429, fields=[("retry-after", "9" * 99)]))
    yield fault("no body", UNKNOWN, failure(503, body=b""))
    yield fault("bytes", UNKNOWN, failure(503, body=bytes(range(256))))


def endless(status):
    def act(stream):
        stream.headers(status)
        stream.data(b"?" * 100000)
    return act


def early():
    """Before the body is there, which nobody wants any more."""
    def act(status):
        def both(stream):
            failure(status)(stream)
            stream.reset(NO_ERROR)
        return both

    for when in (BEFORE, DURING):
        for status, sort in [(413, PERMANENT), (429, THROTTLED), (500, UNKNOWN), (503, UNKNOWN)]:
            yield fault(f"{status}, {when}", sort, act(status), when)


class Statuses(FaultCase):
    def check_sorts(self, told, faults, server):
        """Permanent ones are never tried again, of the others some are."""
        tries = {}
        for entry in server.ledger:
            tries.setdefault(entry["key"], []).append(entry["fault"])
        again = {name for names in tries.values() for name in names[:-1]}
        for one in faults:
            if one.name.endswith(PERMANENT):
                self.assertNotIn(one.name, again)
        for sort in {one.name.rsplit(": ", 1)[1] for one in faults} - {PERMANENT}:
            self.assertTrue(any(name and name.endswith(sort) for name in again), sort)
        self.assertGreaterEqual(told["burst"]["batches_reclaimed"],
                                sum(one.name.endswith(PERMANENT) for one in faults))

    def run_sorted(self, faults):
        faults = list(faults)
        with self.server() as server:
            told = self.run_script(server, faults, "--retries", 20)
            self.check_sorts(told, faults, server)

    def test_documented(self):
        self.run_sorted(documented())

    def test_bare(self):
        self.run_sorted(bare())

    def test_odd(self):
        self.run_sorted(odd())

    def test_early(self):
        self.run_script_of(early())

    def run_script_of(self, faults, *words, **more):
        with self.server() as server:
            return self.run_script(server, faults, *words, **more)

    def test_none_is_missing(self):
        """Held against botocore's own list, as new as it is here."""
        try:
            from botocore.session import get_session
        except ImportError:
            print("SKIPPED: botocore is missing", flush=True)
            self.skipTest("botocore is missing")
        ours = {name: status for errors in DOCUMENTED.values() for name, status in errors.items()}
        model = get_session().get_service_model("lambda").operation_model("Invoke")
        for shape in model.error_shapes:
            with self.subTest(error=shape.name):
                self.assertEqual(ours.get(shape.name), shape.metadata["error"]["httpStatusCode"])


class Hints(FaultCase):
    def times_after(self, hints, deadline_ms=20000):
        """Runs with one 429 or 503 with such a hint for each; seconds until each batch came again,
        None for those that did not."""
        seen = {}

        def hinted(number, status, hint):
            def act(stream):
                seen[number] = stream.entry["key"], time.monotonic()
                failure(status, fields=[("retry-after", hint)])(stream)
            return act

        with self.server() as server:
            again = {}
            begin = server.begin

            def timed(stream):
                begin(stream)
                again[id(stream.entry)] = time.monotonic()

            server.begin = timed
            told = self.run_script(server, [
                fault(f"{status} {hint}", THROTTLED if status == 429 else UNKNOWN,
                      hinted(number, status, hint))
                for number, (status, hint) in enumerate(hints)], "--deadline-ms", deadline_ms)
            found = []
            for number in range(len(hints)):
                key, since = seen[number]
                times = [again[id(entry)] - since for entry in server.ledger
                         if entry["key"] == key and again[id(entry)] > since]
                found.append(min(times, default=None))
        return found, told

    def test_is_kept(self):
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3))
        found, told = self.times_after([(429, "1"), (503, "1"), (429, date)])
        for seconds, least in zip(found, [1, 1, 1]):
            self.assertGreaterEqual(seconds, least)
        self.assertEqual(told["burst"]["batches_reclaimed"], 0)

    def test_is_capped(self):
        """What would take longer than an attempt may is run here at once."""
        hints = ["3600", "86400", "4294967296"]
        found, told = self.times_after([(429, hint) for hint in hints], deadline_ms=5000)
        self.assertEqual(found, [None] * len(hints))
        self.assertEqual(told["burst"]["batches_reclaimed"], len(hints))

    def test_is_none(self):
        hints = ["0", "-1", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT", "1e3"]
        found, told = self.times_after([(429, hint) for hint in hints])
        self.assertNotIn(None, found)
        self.assertEqual(told["burst"]["batches_reclaimed"], 0)


class FailedFunctions(FaultCase):
    """Status 200, and the function has failed."""

    def test_all(self):
        bodies = {
            "an error": b'{"errorMessage":"no","errorType":"E","stackTrace":["a","b"]}',
            "none": b"", "no JSON": b"<html>", "null": b"null", "bytes": bytes(range(256)),
            "large": b'{"errorMessage":"' + b"x" * 1000000 + b'"}',
        }

        def failed(kind, body):
            return lambda stream: stream.answer(body, 200, [("x-amz-function-error", kind)])

        def endlessly(stream):
            stream.headers(200, [("x-amz-function-error", "Unhandled")])
            stream.data(b"?" * 100000)

        def good_frame(stream):
            stream.answer(stream.run(), 200, [("x-amz-function-error", "Unhandled")])

        faults = [Fault(f"{kind}, {name}", AFTER, failed(kind, body), {"function_error": 1})
                  for kind in ("Handled", "Unhandled", "") for name, body in bodies.items()]
        faults += [Fault("endless", AFTER, endlessly, {"function_error": 1}),
                   Fault("a good frame", AFTER, good_frame, {"function_error": 1})]
        with self.server() as server:
            self.run_script(server, faults, size=SMALL)


if __name__ == "__main__":
    common.main()
