#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What queries remember: no more than they must, and never more than they may."""

import resource
import unittest

import common
from common import report, spillway

# Windows, sessions and intervals end: what is remembered does not grow with the stream.
BOUNDED = ["q4", "q5", "q7", "q8", "q9", "q11", "q12"]
# These must remember, for a row of any time may still matter.
UNBOUNDED = ["q3", "q15", "q16", "q17", "q18", "q19", "q20", "q23", "cep0", "cep1", "cep2",
             "tokenize"]
STATELESS = ["q0", "q1", "q2", "q14", "q21", "q22"]
# Many windows, also in a short run.
RATES = ["--first-event-rate", 10000, "--next-event-rate", 10000]
SLOWER = ["--first-event-rate", 2500, "--next-event-rate", 2500]


def state_of(query, events, *words, rates=RATES):
    # Of two workers one may be ahead by as many windows as fit into their rings.
    told = report(query, "--num-events", events, *rates, "--workers", 1, "--batch-rows", 256,
                  *common.query_options(query), *words, timeout=240)
    return told["memory"]["state_bytes_max"]


class Bounded(unittest.TestCase):
    def test_bounded(self):
        """Ten times the events in the same memory, after some windows have come and gone."""
        for query in BOUNDED:
            for mode in ["dense", "hash", "auto"]:
                with self.subTest(query=query, state=mode):
                    once = state_of(query, 150000, "--state", mode, rates=SLOWER)
                    tenfold = state_of(query, 1500000, "--state", mode, rates=SLOWER)
                    self.assertLess(tenfold, 1.2 * once + 50000)


class Limits(unittest.TestCase):
    def test_unbounded(self):
        """They say what they remember, and the limit ends them with a message."""
        for query in UNBOUNDED:
            for mode in ["dense", "hash"]:
                with self.subTest(query=query, state=mode):
                    limit = 200000
                    self.assertGreater(state_of(query, 400000, "--state", mode), limit)
                    done = spillway("run", query, "--num-events", 400000, *RATES, "--state",
                                    mode, "--max-state-bytes", limit, "--workers", 2,
                                    "--batch-rows", 256, timeout=120)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("--max-state-bytes", done.stderr)
                    self.assertIn(str(limit), done.stderr)
                    self.assertEqual(done.stdout, "")

    def test_enough(self):
        """A limit that is not reached changes nothing."""
        for query in ["q5", "q9", "q18"]:
            with self.subTest(query=query):
                options = [query, "--num-events", 50000]
                self.assertEqual(common.checksum_of(*options, "--max-state-bytes", "1G"),
                                 common.checksum_of(*options))

    def test_little_address_space(self):
        """As where the kernel does not overcommit: the limit goes down, with a warning."""
        def limited(*words):
            return spillway(*words, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_AS, (1 << 30, 1 << 30)))

        if limited("--version").returncode:
            print("\nSKIPPED: this build needs more address space than the test gives", flush=True)
            self.skipTest("address space")
        for workers in [1, 4]:
            options = ["run", "q17", "--num-events", 20000, "--workers", workers]
            done = limited(*options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("--max-state-bytes", done.stderr)
            done = limited(*options, "--max-state-bytes", 10000000)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_stateless(self):
        for query in STATELESS:
            with self.subTest(query=query):
                self.assertEqual(state_of(query, 100000), 0)


if __name__ == "__main__":
    common.main()
