#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The first events of every golden stream, byte for byte: what `generate` writes and where it differs."""

import json
import os
import tempfile
import unittest

import common
from common import spillway, stream_options

# A stream that is one of several generators, or has their delays, is made with all its options.
SPLIT = {f"generators-4-part{number}": number for number in range(4)}


def options_of(config):
    words = stream_options(config["options"])
    words += ["--base-time", config["baseTime"]]
    words += ["--first-event-number", config["firstEventNumber"]]
    if config["name"] in SPLIT:
        return words + ["--generator", SPLIT[config["name"]]]
    if config["name"] == "generators-4-unsplit":
        # Generator 0 of a stream four times as long has these delays and all its ids.
        return words + ["--num-events", 4 * config["options"]["numEvents"], "--generator", 0]
    return words + ["--first-event-id", config["firstEventId"], "--num-events", config["events"]]


class Samples(unittest.TestCase):
    def test_every_sample(self):
        names = sorted(os.listdir(common.GOLDEN_SAMPLES))
        self.assertEqual(len(names), 22)
        for name in names:
            with self.subTest(stream=name), tempfile.TemporaryDirectory() as folder:
                expected = f"{common.GOLDEN_SAMPLES}/{name}"
                with open(expected + "/config.json") as file:
                    config = json.load(file)
                spillway("generate", "--output", folder, *options_of(config), check=0)
                rows = 0
                for file in ["person.csv", "auction.csv", "bid.csv"]:
                    with open(f"{expected}/{file}", "rb") as golden:
                        want = golden.read()
                    with open(f"{folder}/{file}", "rb") as made:
                        got = made.read(len(want))
                    self.assertEqual(got, want, f"{name}/{file}")
                    rows += want.count(b"\n") - 1
                self.assertEqual(rows, config["events"])


if __name__ == "__main__":
    common.main()
