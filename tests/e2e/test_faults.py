#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fault matrix: what connections and endpoints do to requests, when, and of which size."""

import contextlib
import random
import socket
import ssl
import threading
import unittest

import common
from fault_case import ALONE, LARGE, MIDDLE, SMALL, FaultCase
from faults_transport import TIMEOUT, all_faults, hole, run_first, silence
from hostile_server import (
    AFTER, BEFORE, DURING, MAX_CONCURRENT_STREAMS, Certificates, Ended, Fault, Server)

FAULTS = list(all_faults())
HOLES = [Fault(f"black hole, {when}", when, run_first(hole) if when == AFTER else hole, TIMEOUT)
         for when in (BEFORE, DURING, AFTER)]
QUICK = [fault for fault in FAULTS if fault.errors != TIMEOUT]
SLOW = [fault for fault in FAULTS if fault.errors == TIMEOUT] + HOLES


LIVES = Fault("lives", BEFORE, silence, {}, answered=True)


class Matrix(FaultCase):
    def test_small(self):
        self.run_all(QUICK)

    def test_middle(self):
        self.run_all(QUICK, size=MIDDLE)

    def test_large(self):
        self.run_all(QUICK, size=LARGE)

    def test_silent(self):
        """Each costs a deadline, and no second one: a dead connection is not used again. They wait
        at the same time."""
        told = []

        def run(size, faults, deadline_ms):
            self.run_all(faults, "--deadline-ms", deadline_ms, size=size, slow=True)
            told.append(size)

        runs = [threading.Thread(target=run, args=(size, faults[part::2], deadline_ms))
                for size, faults, deadline_ms in [
                    (SMALL, SLOW, 1000), (MIDDLE, SLOW if ALONE else SLOW[::2], 2000),
                    (LARGE, SLOW if ALONE else SLOW[1::2], 2500)]
                for part in range(2)]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join()
        self.assertEqual(len(told), len(runs))


class Together(FaultCase):
    """Many requests at once: what breaks a connection breaks its neighbours' requests, too."""

    def test_all(self):
        seed = int(common.os.environ.get("SPILLWAY_TEST_SEED", random.randrange(1 << 32)))
        print(f"seed: {seed}")
        faults = QUICK + SLOW
        random.Random(seed).shuffle(faults)
        with self.server() as server:
            server.script(faults)
            told = self.run_query(
                server, ["q14", "--num-events", 400 * 142, "--batch-rows", 142, "--workers", 2,
                         "--avg-bid-byte-size", 400],
                "--max-inflight", 16, "--deadline-ms", 1500, "--retries", 5)
        self.assertGreater(sum(told["burst"]["errors"].values()), 10)

    def test_answers_nobody_waits_for(self):
        """They come when the client has given up their streams, on a connection that lives."""
        late = next(fault for fault in FAULTS if fault.name == "late")
        came = []

        def act(stream):
            answer = stream.run()
            stream.at_reset = lambda: (stream.answer(answer), came.append(stream))

        with self.server() as server:
            server.script([late._replace(act=act)] * 2)
            told = self.run_query(
                server, ["q14", "--num-events", 60 * 142, "--batch-rows", 142, "--workers", 2,
                         "--is-rate-limited", "--first-event-rate", 3000, "--next-event-rate", 3000],
                "--max-inflight", 8, "--deadline-ms", 1000, "--retries", 10)
            self.assertFalse(server.faults)
            # A second request may have been quicker than the deadline.
            self.assertGreaterEqual(len(came) + told["burst"]["hedges"], 2)
            # libcurl may take an idle connection with bytes on it for broken.
            self.assertLessEqual(len(server.connections), 3)
        burst = told["burst"]
        self.assertGreaterEqual(burst["errors"]["timeout"] + burst["hedges"], 2)
        self.assertEqual(burst["batches_merged"], burst["batches_spilled"])

    def test_streams_come_and_go(self):
        """The peer allows fewer streams than are wanted, then none for a while, then many."""
        def allow(count):
            def act(stream):
                stream.connection.settings({MAX_CONCURRENT_STREAMS: count})
            return act

        def again(stream):
            with contextlib.suppress(OSError):  # the run may be over
                allow(50)(stream)

        def none_for_a_while(stream):
            allow(0)(stream)
            timer = threading.Timer(0.2, again, [stream])
            self.addCleanup(timer.join)
            timer.start()

        script = [Fault(f"allows {count}", BEFORE, allow(count), {}, answered=True)
                  for count in (1, 2, 30, 1, 3)]
        script.insert(3, Fault("none for a while", BEFORE, none_for_a_while, {}, answered=True))
        with self.server() as server:
            server.script(script)
            told = self.run_query(
                server, ["q14", "--num-events", 100 * 142, "--batch-rows", 142, "--workers", 2],
                "--max-inflight", 16, "--deadline-ms", 60000)
            self.assertFalse(server.faults)
        self.assertEqual(sum(told["burst"]["errors"].values()), 0, told["stderr"])
        self.assertEqual(told["burst"]["batches_merged"], told["burst"]["batches_spilled"])


class Endpoints(FaultCase):
    """What an endpoint as a whole may be."""

    OPTIONS = ["q14", "--num-events", 20 * 142, "--batch-rows", 142, "--workers", 2]

    def reclaimed(self, says, deadline_ms=500, server=None, **more):
        told = self.run_query(server, self.OPTIONS, "--deadline-ms", deadline_ms, **more)
        self.assertEqual(told["burst"]["batches_merged"], 0)
        self.assertIn(says, told["stderr"])
        return told

    def refused(self, says, certificate, **more):
        """For good: nothing was asked at all."""
        ca = more.pop("ca", None)
        with Server(certificate, function=False, **more) as server:
            # Nobody waits for it: a busy machine may take its time with a handshake.
            told = self.reclaimed(says, deadline_ms=20000, server=server, ca=ca)
            self.assertEqual(server.ledger, [])
        self.assertIn(": refused: ", told["stderr"])
        self.assertEqual(told["burst"]["attempts"], 0)

    def test_expired(self):
        self.refused("has expired", self.certificates.sign("old", end="20210101000000Z"))

    def test_wrong_host(self):
        self.refused("certificate subject name",
                     self.certificates.sign("other", host="DNS:other.example"))

    def test_unknown_authority(self):
        for name, says in [("another", "certificate problem"), ("test authority", "TLS")]:
            other = Certificates(name)
            self.refused(says, self.certificate, ca=other.ca)
            other.cleanup()

    def test_old_protocol(self):
        self.refused("alert protocol version", self.certificate, tls=ssl.TLSVersion.TLSv1_1)

    def test_no_alpn(self):
        for alpn in [(), ("http/1.1",)]:
            self.refused("speaks no HTTP/2", self.certificate, alpn=alpn)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.reclaimed("connect", url=f"https://127.0.0.1:{port}")

    def test_no_such_name(self):
        self.reclaimed("resolve host", url="https://no-such-host.invalid")

    def test_connecting_never_ends(self):
        """A listener whose queue is full: the kernel drops what comes."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            self.reclaimed("timed out", url=f"https://127.0.0.1:{port}")
            for one in waiting:
                one.close()

    def test_no_handshake(self):
        """Accepts, and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.reclaimed("timed out",
                           url="https://127.0.0.1:%d" % listener.getsockname()[1])

    def test_never_a_stream(self):
        """None allowed, or no byte of a body; found at once by each new connection."""
        for more in [{"streams_max": 0}, {"window": 0}]:
            with Server(self.certificate, function=False, **more) as server:
                self.reclaimed("timed out", server=server)

    def test_goes_away(self):
        """In the midst of a run and for good, with all its connections, or only in silence."""
        def breaks(stream):
            server.stop_listening()
            server.cut_all()
            raise Ended

        def falls_silent(stream):
            server.stop_listening()
            server.mute = True

        for act in (breaks, falls_silent):
            with self.server() as server:
                server.script([LIVES] * 3 + [Fault("goes", AFTER, act, {})])
                told = self.run_query(server, self.OPTIONS, "--deadline-ms", 1000,
                                      "--max-inflight", 4)
                self.assertFalse(server.faults)
            self.assertGreater(told["burst"]["batches_merged"], 0)
            self.assertGreater(told["burst"]["batches_reclaimed"], 0)


if __name__ == "__main__":
    common.main()
