#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A wall clock that jumps by an hour and back: deadlines, budgets and results do not notice, and a
signature of the wrong hour costs its own batch only."""

import os
import tempfile
import unittest

import common
from common import LambdaLocal
from fault_case import SMALL, FaultCase
from test_signature import SECRET, Environment

OPTIONS = ["q14", "--num-events", 100 * SMALL.rows, "--batch-rows", SMALL.rows, "--workers", 2]


class Clock(FaultCase):
    def run_jumping(self, server, *words, least, **more):
        """least: times that the clock must have been looked at, to show that it matters."""
        with tempfile.TemporaryDirectory() as folder:
            log = folder + "/calls"
            with Environment(LD_PRELOAD=os.environ["SPILLWAY_CLOCK_JUMP"], CLOCK_JUMP_LOG=log,
                             AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY=SECRET):
                told = self.run_query(server, OPTIONS, *words, **more)
            with open(log) as file:
                self.assertGreaterEqual(int(file.read()), least)
        return told["burst"]

    def test_nothing_happens(self):
        """Signed or not, with a budget or not; the server does not look at signatures."""
        for words in [[], ["--sign", "always", "--region", "eu-west-1"],
                      ["--budget-usd-per-hour", "1"]]:
            with self.subTest(words=words), self.server() as server:
                burst = self.run_jumping(server, *words, "--deadline-ms", 30000,
                                         least=100 if "--sign" in words else 1)
                self.assertEqual(sum(burst["errors"].values()), 0)
                self.assertEqual(burst["batches_merged"], burst["batches_spilled"])
                self.assertEqual(burst["attempts"], burst["batches_spilled"] + burst["hedges"])
                self.assertLess(burst["usd"], 0.01)

    def test_signatures(self):
        """An hour off they are refused. What is refused is run here; once the clock is right they
        are taken again."""
        with tempfile.TemporaryDirectory() as folder:
            keys = folder + "/keys"
            with open(keys, "w") as file:
                file.write("[default]\naws_access_key_id=AKIDEXAMPLE\n"
                           f"aws_secret_access_key={SECRET}\n")
            with LambdaLocal("--require-signature", keys, "--concurrency", 4) as server:
                burst = self.run_jumping(
                    None, "--region", "eu-west-1", "--max-inflight", 1, url=server.url,
                    ca=server.ca, least=10)
                executions = len(server.ledger())
        self.assertGreater(burst["errors"]["transport"], 0)
        self.assertGreater(burst["batches_merged"], 0)
        self.assertEqual(executions, burst["batches_merged"])


if __name__ == "__main__":
    common.main()
