#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Spilling changes nothing: the same results at any share, and under every kind of fault."""

import collections
import os
import unittest

import common
from common import LambdaLocal, QUERIES, checksum_of, query_options, report

# Of the eligible batches. Some is enough for what a sanitizer looks for.
SHARES = os.environ.get("SPILLWAY_TEST_SHARES", "0 0.5 1").split()
FAULTS = ["error", "timeout", "truncate", "corrupt", "kill", "reset"]


class Shares(unittest.TestCase):
    def test_fixed(self):
        """Shares of the eligible batches, for every query: all have a stage that spills."""
        with LambdaLocal() as server:
            for query in QUERIES:
                options = [query, "--num-events", 20000, "--workers", 2, "--batch-rows", 500,
                           *query_options(query)]
                expected = checksum_of(*options)
                for share in SHARES:
                    with self.subTest(query=query, share=share):
                        self.check_share(report(
                            *options, "--checksum", "--policy", "fixed", "--spill-share", share,
                            *server.options()), expected, share)

    def check_share(self, told, expected, share):
        result, burst = told["result"], told["burst"]
        self.assertEqual((result["rows"], result["checksum"]), expected)
        self.assertTrue(told["complete"])
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        eligible = burst["batches_eligible"]
        self.assertGreater(eligible, 4)
        # Chosen by their numbers: a kind of event that a batch lacks moves the share.
        self.assertAlmostEqual(burst["batches_spilled"], eligible * float(share),
                               delta=3 if share == "0.5" else 0, msg=(burst, told["stderr"]))
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"],
                         burst["batches_spilled"])

    def test_shapes(self):
        """Batch sizes and workers, with half of everything spilled."""
        with LambdaLocal("--concurrency", 4) as server:
            for query in ["q7", "tokenize", "q2", "q4", "q16", "q20", "cep3"]:
                options = [query, "--num-events", 3000]
                expected = checksum_of(*options)
                for workers, rows in [(1, 7), (2, 64), (3, 1024)]:
                    with self.subTest(query=query, workers=workers, batch_rows=rows):
                        got = checksum_of(*options, "--workers", workers, "--batch-rows", rows,
                                          "--policy", "fixed", *server.options())
                        self.assertEqual(got, expected)

    def test_spillway(self):
        """The policy itself, under a load that one worker cannot take."""
        options = ["tokenize", "--num-events", 20000, "--workers", 1, "--batch-rows", 200]
        expected = checksum_of(*options)
        told = report(*options, "--checksum", "--op-delay-us", 50, "--policy", "spillway",
                      "--is-rate-limited", "--first-event-rate", 50000, "--next-event-rate",
                      50000, "--lambda-local=concurrency=8")
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]),
                         checksum_of(*options, "--first-event-rate", 50000, "--next-event-rate",
                                     50000))
        self.assertNotEqual(told["result"]["checksum"], expected[1], "the rate is in the rows")
        self.assertEqual(told["simulated_op_delay_us"], 50)
        self.assertGreater(told["burst"]["batches_spilled"], 0)
        self.assertEqual((told["burst"]["lost"], told["burst"]["doubled"]), (0, 0))
        self.assertTrue(any(edge["why"] for edge in told["edges"]))

    def test_never_worth_it(self):
        """An edge where shipping costs more than computing does not spill."""
        told = report("q0", "--num-events", 2000000, "--workers", 1, "--policy", "spillway",
                      "--lambda-local")
        self.assertLess(told["burst"]["batches_spilled"],
                        0.05 * told["burst"]["batches_eligible"] + 5)


class Faults(unittest.TestCase):
    def test_all_kinds(self):
        """1,200 spilled batches, a tenth of the invocations faulted; the ledgers agree."""
        options = ["q12", "--num-events", 120000, "--workers", 2, "--batch-rows", 100,
                   "--processing-time", "event"]
        expected = checksum_of(*options)
        spec = ",".join(f"{kind}:{0.1 / len(FAULTS):.4f}" for kind in FAULTS)
        with LambdaLocal("--faults", spec, "--seed", 11, "--concurrency", 16, "--timeout-ms",
                         1000) as server:
            told = report(*options, "--checksum", "--policy", "fixed", "--spill-share", 1,
                          "--max-inflight", 8, "--deadline-ms", 500, "--retries", 4,
                          *server.options())
            ledger = server.ledger()
        burst = told["burst"]
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
        self.assertEqual(burst["batches_spilled"], 1200)
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"], 1200)
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.check_ledger(ledger, burst)

    def check_ledger(self, ledger, burst):
        """Each execution is an attempt of ours; each merged batch was answered by a good one."""
        attempts, good = collections.Counter(), set()
        outcomes = collections.Counter(line["outcome"] for line in ledger)
        for line in ledger:
            attempts[line["key"], line["attempt"]] += 1
            if line["outcome"] == "ok":
                good.add(line["key"])
        self.assertGreaterEqual(len({key for key, _ in attempts}), 1000, "too few were run")
        self.assertLessEqual(len({key for key, _ in attempts}), burst["batches_spilled"])
        self.assertLessEqual(len(ledger), burst["attempts"])
        self.assertGreaterEqual(len(good), burst["batches_merged"])
        for outcome in ["ok", "error", "timeout", "killed", "corrupt"]:
            self.assertGreater(outcomes[outcome], 0, outcomes)
        faults = burst["errors"]
        self.assertGreater(faults["function_error"], 0)
        # What never answers is given up at the deadline, or overtaken by a second request.
        self.assertGreater(faults["timeout"] + burst["hedges"], 0)
        self.assertGreater(faults["corrupt"] + faults["transport"], 0)

    def test_each_kind(self):
        """Every invocation meets the same fault: all is reclaimed or throttled, none lost."""
        options = ["q7", "--num-events", 6000, "--workers", 2, "--batch-rows", 200]
        expected = checksum_of(*options)
        for kind in [*FAULTS, "throttle", "duplicate"]:
            with self.subTest(kind=kind):
                # Where good answers are expected a busy machine must have time for them.
                deadline = 20000 if kind == "duplicate" else 300
                told = report(*options, "--checksum", "--policy", "fixed", "--spill-share", 1,
                              "--deadline-ms", deadline, "--retries", 1, "--lambda-local="
                              f"faults={kind}:1,timeout-ms={2 * deadline},concurrency=4")
                burst = told["burst"]
                self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
                self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
                if kind == "duplicate":
                    self.assertGreater(burst["batches_merged"], 0)
                else:
                    self.assertEqual(burst["batches_merged"], 0)
                    self.assertEqual(burst["batches_reclaimed"], burst["batches_spilled"])


if __name__ == "__main__":
    common.main()
