#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions that dial back: the same results as without, whatever becomes of them; what they cost
stays within the caps, and lambda-local's ledger agrees."""

import json
import os
import sys
import unittest

import common
from common import LambdaLocal, checksum_of, report

HERE = os.path.dirname(os.path.abspath(__file__))
DIAL = ["--dial-back", "127.0.0.1:0", "--policy", "fixed", "--spill-share", 1]
QUERIES = [["tokenize", "--num-events", 40000, "--batch-rows", 100],
           ["q12", "--processing-time", "event", "--num-events", 60000, "--batch-rows", 100]]
# For functions in Python, which take their time to start again.
FEW = ["q12", "--processing-time", "event", "--num-events", 15000, "--batch-rows", 100]
EXPECTED = {}


def expected_of(query):
    key = tuple(query)
    if key not in EXPECTED:
        EXPECTED[key] = checksum_of(*query)
    return EXPECTED[key]


def function(how):
    return f"exec {sys.executable} -B {HERE}/dialback_function.py {how}"


class DialBack(unittest.TestCase):
    def run_query(self, query, *words, harm=None, local=()):
        """The report's figures of bursting, and the ledger's lines. As many as may be in flight are
        invited first, so that it begins with them."""
        expected = expected_of(query)
        with LambdaLocal(*local, function=function(harm) if harm else None) as server:
            told = report(*query, *DIAL, "--checksum", "--max-inflight", 2, *words,
                          *server.options())
            ledger = server.ledger()
        burst = told["burst"]
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertEqual(burst["batches_spilled"], burst["batches_eligible"])
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"],
                         burst["batches_spilled"])
        dial, invoke = burst["dial_back"], burst["invoke"]
        self.assertEqual(dial["batches"] + invoke["batches"], burst["batches_merged"])
        self.assertLessEqual(burst["inflight_max"], 2)
        # Each invocation is an execution, be it for a batch or for a visit.
        self.assertEqual(len(ledger), burst["invocations"])
        self.assertEqual(sum(line["key"] is None for line in ledger), dial["invitations"])
        # No secret is told.
        self.assertNotRegex(told["stderr"] + json.dumps(told), "[0-9a-f]{64}")
        burst["stderr"] = told["stderr"]
        return burst, ledger

    def test_all_by_dial_back(self):
        for query in QUERIES:
            with self.subTest(query=query[0]):
                burst, _ = self.run_query(query)
                dial = burst["dial_back"]
                self.assertGreater(dial["batches"], 0.5 * burst["batches_merged"])
                self.assertLess(dial["invitations"], 0.2 * dial["batches"])
                self.assertEqual(dial["refused"], 0)
                self.assertEqual(sum(burst["errors"].values()), 0)
                for name in ["bytes_sent", "bytes_received", "rows", "ship_ns_per_row"]:
                    self.assertGreater(dial[name], 0)
                self.assertGreater(dial["round_trip_us"]["p99"], 0)

    def test_functions_that_fail(self):
        """Killed in the middle of a batch, cut, lying: what was on its way is tried again."""
        for harm, error in [("die", "transport"), ("cut", "transport"), ("lie", "transport"),
                            ("spoil", "corrupt")]:
            with self.subTest(harm=harm):
                burst, _ = self.run_query(FEW, harm=harm)
                self.assertGreater(burst["dial_back"]["batches"], 0)
                self.assertGreater(burst["errors"][error], 0, burst["errors"])
                self.assertEqual(burst["dial_back"]["refused"], 0)

    def test_strangers(self):
        """Wrong tokens, tokens again, and a runtime that is not the one of the invitation."""
        for harm in ["token", "certificate", "ignorant", "twice"]:
            with self.subTest(harm=harm):
                burst, _ = self.run_query(FEW, harm=harm)
                refused = burst["dial_back"]["refused"]
                if harm == "twice":
                    self.assertGreater(burst["dial_back"]["batches"], 0)
                    continue
                self.assertEqual(burst["dial_back"]["batches"], 0)
                self.assertEqual(refused > 0, harm != "ignorant")
                self.assertGreater(burst["errors"]["function_error"], 0)
                self.assertIn("did not come", burst["stderr"])

    def test_faults(self):
        """What lambda-local makes go wrong with invocations goes wrong with visits, too."""
        burst, ledger = self.run_query(
            QUERIES[0], "--retries", 10, local=["--faults", "kill:0.4,error:0.3"])
        self.assertGreater(burst["dial_back"]["batches"], 0)
        self.assertGreater(sum(line["outcome"] != "ok" for line in ledger), 0)

    def test_invocations_are_capped(self):
        burst, ledger = self.run_query(QUERIES[1], "--max-invocations", 3)
        self.assertLessEqual(len(ledger), 3)
        self.assertGreater(burst["dial_back"]["batches"], 0)

    def test_they_leave_in_time(self):
        """A function's time is over again and again; none is cut off by it, no batch fails."""
        query = ["tokenize", "--num-events", 20000, "--batch-rows", 100,
                 "--first-event-rate", 10000, "--next-event-rate", 10000]
        burst, ledger = self.run_query(query, "--is-rate-limited", local=["--timeout-ms", 1500])
        self.assertGreater(burst["dial_back"]["batches"], 0)
        self.assertEqual({line["outcome"] for line in ledger}, {"ok"})
        self.assertEqual(sum(burst["errors"].values()), 0)

    def test_bad_addresses(self):
        words = ["run", "q12", "--num-events", 100, "--endpoint", "https://127.0.0.1:1"]
        told = common.spillway(*words, "--dial-back-advertise", "127.0.0.1:1", check=2).stderr
        self.assertIn("--dial-back-advertise: nobody listens there", told)
        for address, text in [("there", "not HOST:PORT"), ("0.0.0.0:0", "dial-back-advertise")]:
            told = common.spillway(*words, "--dial-back", address, check=1).stderr
            self.assertIn(f"dial-back: {address}: ", told)
            self.assertIn(text, told)


if __name__ == "__main__":
    common.main()
