#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo, with a short spike."""

import json
import os
import tempfile
import unittest

import common
from common import spillway


class Demo(unittest.TestCase):
    def test_short(self):
        with tempfile.TemporaryDirectory() as folder:
            done = spillway("demo", "--output", "here", "--phase-sec", 1, check=0, cwd=folder)
            here = folder + "/here/"
            self.assertIn("without spilling", done.stdout)
            self.assertIn("Nothing lost, nothing doubled.", done.stdout)
            told = {}
            for name in ["none", "spillway"]:
                with open(f"{here}{name}.json") as file:
                    told[name] = json.load(file)
                with open(f"{here}{name}.csv") as file:
                    self.assertGreater(len(file.readlines()), 10)
            for name in ["demo.svg", "demo.png", "demo.gp", "ledger.jsonl"]:
                self.assertGreater(os.path.getsize(here + name), 1000, name)
            with open(here + "demo.png", "rb") as file:
                self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        self.assertEqual(told["none"]["result"], told["spillway"]["result"])
        self.assertGreater(told["spillway"]["burst"]["batches_spilled"], 10)
        self.assertEqual(told["none"]["burst"]["batches_spilled"], 0)
        self.assertLess(told["spillway"]["latency_us"]["p99"], told["none"]["latency_us"]["p99"])


if __name__ == "__main__":
    common.main()
