#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many run at once and for how long, starts that fail, an end that leaves nothing behind."""

import os
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import lambda_local_fixture as local
from lambda_local_fixture import FUNCTION, Server


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for_group(pid):
    """Signals may take a moment to end what was killed."""
    for _ in range(100):
        os.killpg(pid, 0)
        time.sleep(0.02)


class Limits(unittest.TestCase):
    def test_concurrency(self):
        with Server("--concurrency", "2") as server, ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: server.invoke({"do": "tell", "sleep": 1.5}),
                                    range(6)))
            good = [answer for answer in answers if answer.status == 200]
            self.assertEqual(len(good), 2)
            self.assertEqual(len({answer.json()["pid"] for answer in good}), 2)
            for answer in answers:
                if answer not in good:
                    self.assertEqual(answer.status, 429)
                    self.assertEqual(answer.headers["x-amzn-errortype"],
                                     "toomanyrequestsexception")
                    self.assertEqual(answer.json(), {
                        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                        "Type": "User", "message": "Rate Exceeded."})
            server.stop()
            self.assertEqual(len(server.ledger), 2)

    def test_timeout(self):
        with Server("--timeout-ms", "300") as server:
            server.invoke(1)
            answer = server.invoke({"do": "hang"})
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
            self.assertIn("Task timed out after 0.30 seconds", answer.json()["errorMessage"])
            self.assertEqual(answer.json()["errorType"], "Sandbox.Timedout")
            self.assertEqual(server.invoke(2).headers["x-spillway-cold"], "1")
            server.stop()
            self.assertEqual([line["outcome"] for line in server.ledger], ["ok", "timeout", "ok"])

    def test_end_after_an_answer(self):
        """A process that ends, or hangs, before it asks for the next event does not take along
        the invocation that came meanwhile: that has not run."""
        for after in [0.2, 60]:
            with self.subTest(after=after), Server("--concurrency", "1", "--timeout-ms",
                                                   "1000") as server:
                value = {"do": "answer and end", "after": after}
                answer = server.invoke(value)
                self.assertEqual(answer.json(), value)
                answer = server.invoke({"do": "tell"})
                self.assertEqual(answer.status, 200)
                self.assertNotIn("x-amz-function-error", answer.headers, answer.body)
                self.assertEqual(answer.headers["x-spillway-cold"], "1")
                server.stop()
                self.assertEqual([line["outcome"] for line in server.ledger], ["ok", "ok"])
                self.assertEqual(len({line["environment"] for line in server.ledger}), 2)

    def test_start_that_fails(self):
        with Server(functions={"f": FUNCTION + " 'init error'", "g": FUNCTION + " 'init exit'",
                               "h": "/no/such/program"}) as server:
            answer = server.invoke(1)
            self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
            self.assertEqual(answer.json(), {"errorMessage": "not today", "errorType": "Init"})
            for name, why in [("g", "exit status 3"), ("h", "exit status 127")]:
                answer = server.invoke(1, name=name)
                self.assertEqual(answer.json()["errorType"], "Runtime.ExitError")
                self.assertIn(why, answer.json()["errorMessage"])

    def test_delays_are_added(self):
        with Server("--rtt-ms", "200", "--cold-start-ms", "300") as server:
            for low_s in [0.5, 0.2]:
                begin = time.monotonic()
                self.assertEqual(server.invoke(1).status, 200)
                self.assertGreaterEqual(time.monotonic() - begin, low_s)

    def test_ends_with_all_it_started(self):
        for how in [signal.SIGTERM, signal.SIGINT]:
            with Server(functions={"f": "sleep 1000 & " + FUNCTION}) as server, \
                    ThreadPoolExecutor(3) as pool:
                told = list(pool.map(lambda _: server.invoke({"do": "tell", "sleep": 0.5}),
                                     range(3)))
                groups = [answer.json()["pid"] for answer in told]
                hanging = pool.submit(server.invoke, {"do": "hang"})
                time.sleep(0.3)
                server.stop(how)
                self.assertEqual(server.more_output, "")
                self.assertNotEqual(hanging.result().code, 0)
                self.assertEqual(len(server.ledger), 4)
                self.assertEqual(server.ledger[3]["outcome"], "killed")
                for pid in groups:
                    self.assertTrue(gone(pid))
                    with self.assertRaises(ProcessLookupError):
                        wait_for_group(pid)

if __name__ == "__main__":
    local.main()
