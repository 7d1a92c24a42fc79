#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Function URLs and an HTTP API: events of format 2.0, and what answers become."""

import base64
import json
import time
import unittest

import lambda_local_fixture as local
from lambda_local_fixture import CAP, Server


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def post(self, path, data, *options, kind="application/json", server=None):
        return (server or self.server).curl(path, "-H", "Content-Type: " + kind, *options,
                                            data=data)

    def give(self, value, path="/url/f"):
        """The function's answer is this text."""
        text = value if isinstance(value, str) else json.dumps(value)
        return self.post(path, json.dumps({"do": "give", "value": text}).encode())

    def test_event(self):
        authority = self.server.url.removeprefix("https://")
        for path, raw, identity in [("/url/f", "/", "x-amzn-requestid"),
                                    ("/url/f/a%20b/c", "/a%20b/c", "x-amzn-requestid"),
                                    ("/api/f", "/f", "apigw-requestid"),
                                    ("/api/f/x", "/f/x", "apigw-requestid")]:
            with self.subTest(path=path):
                answer = self.post(path + "?q=1&r", b'{"\xc3\xa9": "\\"}', "-H", "X-Two: 1", "-H",
                                   "x-two: b", "-H", "User-Agent: me", "-X", "PUT")
                self.assertEqual((answer.status, answer.headers["content-type"]),
                                 (200, "application/json"))
                event = answer.json()
                context, headers = event.pop("requestContext"), event.pop("headers")
                self.assertEqual(event, {
                    "version": "2.0", "routeKey": "$default", "rawPath": raw,
                    "rawQueryString": "q=1&r", "body": '{"\u00e9": "\\"}',
                    "isBase64Encoded": False})
                self.assertEqual(context["http"], {
                    "method": "PUT", "path": raw, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "me"})
                self.assertEqual(context["requestId"], answer.headers[identity])
                self.assertEqual((context["domainName"], context["stage"]),
                                 (authority, "$default"))
                self.assertAlmostEqual(context["timeEpoch"] / 1000, time.time(), delta=60)
                self.assertEqual((headers["x-two"], headers["host"], headers["content-length"]),
                                 ("1,b", authority, "11"))

    def test_bodies(self):
        binary = bytes(range(256))
        for kind, data, body in [
                ("application/octet-stream", b"abc", "YWJj"), ("", b"abc", "YWJj"),
                ("image/png", binary, base64.b64encode(binary).decode()),
                ("text/plain; charset=utf-8", b"a\0b", None), ("application/x+xml", b"<a/>", None)]:
            event = self.post("/url/f", data, kind=kind).json()
            with self.subTest(kind=kind):
                self.assertIs(event["isBase64Encoded"], body is not None)
                self.assertEqual(event["body"], body or data.decode())
        # Text that is none: frames that are sent as JSON by mistake do not get through.
        self.assertEqual(self.post("/url/f", b"\xff").status, 400)
        event = self.post("/url/f", None).json()
        self.assertEqual(event["requestContext"]["http"]["method"], "GET")
        self.assertNotIn("body", event)

    def test_answers(self):
        for path in ["/url/f", "/api/f"]:
            for value, status, kind, body in [
                    ({"a": 1}, 200, "application/json", b'{"a": 1}'),
                    ("[1]", 200, "application/json", b"[1]"),
                    ({"statusCode": 201, "body": "x\u00e9\n"}, 201, "application/json",
                     b"x\xc3\xa9\n"),
                    ({"statusCode": 404, "headers": {"Content-Type": "text/x", "X-N": 5,
                                                     "Content-Length": "9"}, "body": None},
                     404, "text/x", b""),
                    ({"body": "AP/+", "isBase64Encoded": True, "statusCode": 200,
                      "headers": {"content-type": "a/b"}}, 200, "a/b", b"\0\xff\xfe"),
                    ({"isBase64Encoded": False, "statusCode": 200, "body": "AP/+"}, 200,
                     "application/json", b"AP/+")]:
                with self.subTest(path=path, value=value):
                    answer = self.give(value, path)
                    self.assertEqual((answer.status, answer.headers["content-type"], answer.body),
                                     (status, kind, body))
                    self.assertGreater(int(answer.headers["x-spillway-function-us"]), 0)
                    self.assertNotIn("x-amz-executed-version", answer.headers)
        self.assertEqual(self.give({"statusCode": 200, "headers": {"X-N": 5}}).headers["x-n"], "5")

    def failed(self, answer, path):
        status, body = {"/url/f": (502, b"Internal Server Error"), "/api/f": (
            500, b'{"message":"Internal Server Error"}')}[path]
        self.assertEqual((answer.status, answer.body), (status, body))
        self.assertNotIn("x-amz-function-error", answer.headers)

    def test_failures(self):
        for path in ["/url/f", "/api/f"]:
            for value in ["{", {"statusCode": "x"}, {"statusCode": 99}, {"statusCode": 600},
                          {"statusCode": 200, "body": 5}, {"statusCode": 200, "headers": []},
                          {"statusCode": 200, "headers": {"a b": "c"}},
                          {"statusCode": 200, "headers": {"a": "c\r\nd: e"}},
                          {"statusCode": 200, "headers": dict.fromkeys(map(str, range(33)), "x")},
                          {"statusCode": 200, "body": "!!!!", "isBase64Encoded": True}]:
                with self.subTest(path=path, value=value):
                    self.failed(self.give(value, path), path)
            for do in [{"do": "raise"}, {"do": "exit", "code": 1},
                       {"do": "large", "bytes": CAP + 1}]:
                self.failed(self.post(path, json.dumps(do).encode()), path)

    def test_refusals(self):
        for path in ["/url/nosuch", "/url/", "/api", "/api/", "/url/" + "x" * 65]:
            self.assertEqual(self.post(path, b"1").status, 404, path)
        # As Base64 in the event it must fit into Lambda's 6 MB.
        for path in ["/url/f", "/api/f"]:
            self.assertEqual(self.post(path, bytes(4 << 20), kind="a/b").status, 200)
            for size in [4718592, CAP, CAP + 1, 11 << 20]:
                answer = self.post(path, bytes(size), kind="a/b")
                self.assertEqual((answer.status, answer.json()),
                                 (413, {"message": "Request Entity Too Large"}))

    def test_largest_event(self):
        """Of what the function gets: the caller's headers and query count as its body does."""
        with Server() as server:
            for path in ["/url/f", "/api/f"]:
                def event_of(size, more, path=path, server=server):
                    return self.post(f"{path}?{more * 'q'}", bytes(size), kind="a/b",
                                     server=server)

                # Four bytes for each three: the query makes it exact.
                size = 4700001
                rest = CAP - len(event_of(size, 0).body) - 4
                size, more = size + rest // 4 * 3, rest % 4 + 4
                for by in [-1, 0]:
                    answer = event_of(size, more + by)
                    self.assertEqual((answer.status, len(answer.body)), (200, CAP + by))
                    self.assertEqual(base64.b64decode(answer.json()["body"]), bytes(size))
                answer = event_of(size, more + 1)
                self.assertEqual((answer.status, answer.json()),
                                 (413, {"message": "Request Entity Too Large"}))
                # The largest frame that is sent to hosts of AWS's.
                self.assertEqual(event_of((CAP - 16384) // 4 * 3, 0).status, 200)
            server.stop()
            self.assertEqual([line["outcome"] for line in server.ledger], ["ok"] * 8)

    def test_largest_text(self):
        """A body that is text is not Base64 in the event, but as it stands in JSON."""
        def post(data):
            return self.post("/url/f", data, kind="text/plain")

        size = CAP - len(post(b"x" * 1000000).body) + 1000000
        for by in [-1, 0]:
            answer = post(b"x" * (size + by))
            self.assertEqual((answer.status, len(answer.body)), (200, CAP + by))
        for data in [b"x" * (size + 1), b'"' + b"x" * (size - 1)]:
            self.assertEqual(post(data).status, 413)

    def test_largest_answer(self):
        for path in ["/url/f", "/api/f"]:
            for by in [-1, 0]:
                answer = self.post(path, json.dumps({"do": "large", "bytes": CAP + by}).encode())
                self.assertEqual((answer.status, len(answer.body)), (200, CAP + by))
            self.failed(self.post(path, json.dumps({"do": "large", "bytes": CAP + 1}).encode()),
                        path)

    def test_throttled(self):
        with Server("--faults", "throttle:1") as server:
            for path, message in [("/url/f", "Rate Exceeded."), ("/api/f", "Too Many Requests")]:
                answer = self.post(path, b"1", server=server)
                self.assertEqual((answer.status, answer.json()["message"]), (429, message))

    def test_faults(self):
        for kind, outcome in [("error", "error"), ("kill", "killed")]:
            with Server("--faults", kind + ":1") as server:
                for path in ["/url/f", "/api/f"]:
                    self.failed(self.post(path, b"1", server=server), path)
                server.stop()
                self.assertEqual([line["outcome"] for line in server.ledger], [outcome] * 2)
        with Server("--faults", "truncate:1") as server:
            self.assertIn(self.post("/url/f", b"1", server=server).code, (18, 92))

    def test_api_waits_so_long(self):
        """The caller is told, and the function goes on."""
        with Server("--api-timeout-ms", "100") as server:
            self.assertEqual(self.post("/url/f", b"1", server=server).status, 200)
            answer = self.post("/api/f", b'{"do": "tell", "sleep": 0.5}', server=server)
            self.assertEqual((answer.status, answer.json()),
                             (503, {"message": "Service Unavailable"}))
            server.wait_for_lines(2)
            server.stop()
            self.assertEqual([line["outcome"] for line in server.ledger], ["ok", "reset"])

if __name__ == "__main__":
    local.main()
