#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The C function behind the local Lambda: batches in frames, and the faults that meet them."""

import time
import unittest

import lambda_local_fixture as local
from lambda_local_fixture import Server


class Frames(unittest.TestCase):
    def server(self, *options):
        return Server(*options, functions={"f": local.BOOTSTRAP})

    def test_every_answer_is_right_and_in_the_ledger(self):
        with self.server() as server:
            told = server.load(count=2000, inflight=32)
            self.assertEqual(told["good"], 2000, told)
            server.stop()
            keys = [line["key"] for line in server.ledger]
            self.assertEqual(len(keys), 2000)
            self.assertEqual(set(keys), {f"7/0/{seq}" for seq in range(2000)})
            for line in server.ledger:
                self.assertEqual(set(line), {"key", "attempt", "function", "environment",
                                             "start_us", "end_us", "cold", "rows", "outcome"})
                self.assertEqual((line["attempt"], line["rows"], line["function"],
                                  line["outcome"]), (1, 50, "f", "ok"))
                self.assertLessEqual(line["start_us"], line["end_us"])
            colds = [line["environment"] for line in server.ledger if line["cold"]]
            self.assertEqual(len(colds), len(set(colds)))
            self.assertEqual(set(colds), {line["environment"] for line in server.ledger})

    def test_large_frames(self):
        with self.server() as server:
            for kernel in ["q12.event", "q7.partial", "tokenize.partial", "q0", "q1", "q2"]:
                told = server.load(count=24, inflight=8, rows=12000, kernel=kernel)
                self.assertEqual(told["good"], 24, (kernel, told))

    def test_function_sleeps_the_simulated_cost(self):
        with self.server() as server:
            told = server.load(count=4, inflight=2, rows=100, delay_ns=1000000)
            self.assertEqual(told["good"], 4)
            server.stop()
            for line in server.ledger:
                self.assertGreaterEqual(line["end_us"] - line["start_us"], 100000)

    def test_events_that_are_no_frames(self):
        with self.server() as server:
            for value in [{}, {"frame": 1}, {"frame": "QUJD"}, 7]:
                answer = server.invoke(value)
                self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
                self.assertRegex(answer.json()["errorType"], r"^Spillway\.")
                self.assertIn("frame", answer.json()["errorMessage"])
            server.stop()
            self.assertEqual({(line["key"], line["outcome"]) for line in server.ledger},
                             {(None, "error")})

    def check_fault(self, kind, end, outcome, executions, count=20, **more):
        limit = "300" if kind == "timeout" else "60000"
        with self.server("--faults", f"{kind}:1", "--timeout-ms", limit) as server:
            told = server.load(count=count, **more)
            self.assertEqual(told[end], count, (kind, told))
            # What still runs when the server ends would be ended with it.
            server.wait_for_lines(executions)
            server.stop()
            self.assertEqual([line["outcome"] for line in server.ledger], [outcome] * executions)

    def test_faults(self):
        self.check_fault("error", "function_error", "error", 20)
        self.check_fault("truncate", "truncated", "corrupt", 20)
        self.check_fault("corrupt", "wrong", "corrupt", 20)
        self.check_fault("kill", "function_error", "killed", 20)
        self.check_fault("reset", "reset", "reset", 20)
        self.check_fault("throttle", "throttled", None, 0)

    def test_fault_timeout(self):
        self.check_fault("timeout", "timed_out", "timeout", 4, count=4, timeout_ms=100, inflight=4)
        # Without a caller's deadline the stream ends too, in the end.
        self.check_fault("timeout", "reset", "timeout", 4, count=4, timeout_ms=9000, inflight=4)

    def test_fault_duplicate(self):
        with self.server("--faults", "duplicate:1") as server:
            self.assertEqual(server.load(count=20)["good"], 20)
            time.sleep(0.3)
            server.stop()
            keys = sorted(line["key"] for line in server.ledger)
            self.assertEqual(keys, sorted(2 * [f"7/0/{seq}" for seq in range(20)]))

    def test_fault_slow(self):
        with self.server("--faults", "slow:1") as server:
            self.assertEqual(server.load(count=3, inflight=3)["good"], 3)
            server.stop()
            for line in server.ledger:
                self.assertGreaterEqual(line["end_us"] - line["start_us"], 500000)

    def outcomes(self, seed):
        with self.server("--seed", str(seed), "--faults",
                         "error:0.2,throttle:0.2,corrupt:0.2") as server:
            told = server.load(count=150)
            server.stop()
            lines = [(line["key"], line["outcome"]) for line in server.ledger]
        self.assertEqual(told["good"] + told["function_error"] + told["wrong"] +
                         told["throttled"], 150, told)
        for end in ["good", "function_error", "wrong", "throttled"]:
            self.assertGreater(told[end], 0)
        return lines

    def test_faults_repeat_with_the_seed(self):
        first = self.outcomes(5)
        self.assertEqual(first, self.outcomes(5))
        self.assertNotEqual(first, self.outcomes(6))

    def test_all_faults_at_once(self):
        faults = ("error:0.05,timeout:0.02,truncate:0.05,corrupt:0.05,kill:0.03,reset:0.01,"
                  "throttle:0.05,duplicate:0.05,slow:0.01")
        with self.server("--faults", faults, "--timeout-ms", "800", "--rtt-ms", "1") as server:
            told = server.load(count=1500, inflight=24)
            self.assertEqual(told["sent"], 1500)
            self.assertEqual(told["other"] + told["refused"], 0, told)
            self.assertGreater(told["good"], 300)
            server.stop()
            outcomes = [line["outcome"] for line in server.ledger]
            self.assertEqual(set(outcomes), {"ok", "error", "timeout", "killed", "reset",
                                             "corrupt"})
            # Whatever was good had been run well. (How often is curl's affair: it sends again
            # what was under way on a connection that is reset.)
            self.assertGreaterEqual(outcomes.count("ok"), told["good"])

if __name__ == "__main__":
    local.main()
