#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The spillway command's words: help, version, refusals with their exit codes, and quiet."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
COMMANDS = ["run", "generate", "queries", "topology", "demo", "checksum", "nexmark"]


def run(*words, **more):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, **more)


class Refused(unittest.TestCase):
    """Exit 2, one line on standard error that names the thing, nothing on standard output."""

    def refused(self, thing, *words):
        with tempfile.TemporaryDirectory() as folder:
            done = run(*words, cwd=folder)
            left = os.listdir(folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(left, [], "something was written")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], r"^spillway: [^:]+: .+")
        self.assertIn(thing, lines[0])

    def test_commands(self):
        self.refused("frobnicate", "frobnicate")
        self.refused("--frobnicate", "--frobnicate")

    def test_options(self):
        self.refused("--frobnicate", "run", "q0", "--frobnicate")
        self.refused("--frobnicate", "run", "q0", "--frobnicate=3")
        self.refused("-x", "run", "q0", "-x")
        self.refused("--workers", "run", "q0", "--workers")
        self.refused("q1", "run", "q0", "q1")
        self.refused("--output", "topology", "--output", "x")

    def test_queries_and_policies(self):
        self.refused("which one is missing", "run")
        self.refused("q99", "run", "q99")
        self.refused("Q0", "run", "Q0")
        self.refused("nosuch", "run", "q0", "--policy", "nosuch")
        self.refused("--endpoint", "run", "q0", "--policy", "fixed")
        self.refused("q99", "topology", "--query", "q99")

    def test_sizes(self):
        for option, value in [
            ("workers", "0"), ("workers", "257"), ("workers", "-1"), ("workers", "two"),
            ("batch-rows", "0"), ("batch-rows", "65537"), ("ring-slots", "1"),
            ("ring-slots", "1000000"), ("op-delay-us", "-1"), ("spill-share", "1.01"),
            ("sample-us", "1"), ("max-inflight", "0"), ("max-inflight", "1000000"),
            ("deadline-ms", "0"), ("retries", "1000"), ("prewarm", "1025"),
            ("prewarm-every-s", "0"), ("max-state-bytes", "lots"),
            ("huge-pages", "on"), ("progress", "some"), ("processing-time", "now"),
            ("first-event-rate", "0"), ("out-of-order-group-size", "0"),
            ("hot-auction-ratio", "0"), ("num-events", "-1"), ("num-events", "1e99"),
            ("avg-bid-byte-size", "-5"), ("rate-shape", "ROUND"),
        ]:
            with self.subTest(option=option, value=value):
                self.refused(option, "run", "q0", "--" + option, value)
                self.refused(option, "run", "q0", f"--{option}={value}")

    def test_camel_case(self):
        self.refused("rate", "run", "q0", "--firstEventRate=0")
        self.refused("batch-rows", "run", "q0", "--batchRows=0")

    def test_clashes(self):
        self.refused("--input", "run", "q0", "--input", "in", "--num-events", "10")
        self.refused("--is-rate-limited", "run", "q0", "--input", "in", "--is-rate-limited")
        self.refused("--ordered", "run", "q0", "--ordered")
        self.refused("--prewarm", "run", "q0", "--prewarm", "9", "--max-inflight", "8")
        self.refused("--late", "run", "q0", "--late", "late.csv")
        self.refused("./out.csv", "run", "q17", "--num-events", "10", "--output", "./out.csv",
                     "--changelog", "out.csv")
        self.refused("--replay", "run", "q0", "--replay", "--num-events", "0")
        self.refused("--lambda-local", "run", "q0", "--lambda-local", "--endpoint",
                     "https://127.0.0.1:1")

    def test_places(self):
        self.refused("--pin", "run", "q0", "--pin", "nowhere")
        self.refused("--pin", "run", "q0", "--pin", "100000")
        self.refused("--pin", "topology", "--pin", "3-")

    def test_generate(self):
        self.refused("--output", "generate", "--num-events", "10")
        self.refused("--num-events", "generate", "--digest", "--num-events", "0")
        self.refused("which file", "checksum")


class Told(unittest.TestCase):
    def test_help(self):
        for words in [["--help"], ["help"], *[[name, "--help"] for name in COMMANDS],
                      ["run", "q99", "--workers", "0", "--help"]]:
            with self.subTest(words=words):
                done = run(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr, "")
                self.assertTrue(done.stdout.strip())
        for name in COMMANDS:
            self.assertIn(name, run("--help").stdout)
        for option in ["--workers", "--policy", "--lambda-local", "--report", "--num-events",
                       "--first-event-rate", "--out-of-order-group-size"]:
            self.assertIn(option, run("run", "--help").stdout)

    def test_nothing(self):
        done = run()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^spillway \d+\.\d+\.\d+\n$")

    def test_queries(self):
        done = run("queries")
        self.assertEqual(done.returncode, 0)
        for query in ["q0", "q1", "q2", "q7", "q12", "tokenize"]:
            self.assertRegex(done.stdout, rf"(?m)^{query} ")

    def test_topology(self):
        done = run("topology", "--workers", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        for worker in range(3):
            self.assertRegex(done.stdout, rf"(?m)^  {worker} +(cpu \d+|not pinned)")
        self.assertIn("plan of q7", done.stdout)

    def test_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


class Runs(unittest.TestCase):
    def test_quiet_and_report(self):
        with tempfile.TemporaryDirectory() as folder:
            report, trace = folder + "/r.json", folder + "/t.jsonl"
            done = run("run", "q2", "--num-events", "50000", "--checksum", "--report", report,
                       "--trace", trace, "--workers", "2")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr, "")
            with open(report) as file:
                told = json.load(file)
            with open(trace) as file:
                for line in file:
                    json.loads(line)
        self.assertIs(told["complete"], True)
        self.assertEqual(told["query"], "q2")
        self.assertEqual(told["source"]["events"], 50000)
        self.assertRegex(told["result"]["checksum"], r"^[0-9a-f]{16}$")
        self.assertIsNone(told["result"]["changes"])
        self.assertEqual(sorted(told["source"]["columns"]), ["bid.auction", "bid.price"])
        self.assertEqual(len(told["workers"]), 2)
        self.assertIn("run q2 --num-events 50000", told["command"])
        for worker in told["workers"]:
            total = worker["busy_ms"] + worker["idle_ms"] + worker["backpressured_ms"]
            wall = told["time"]["wall_s"] * 1000
            self.assertLess(abs(total - wall), max(0.01 * wall, 2))
        self.assertEqual(told["burst"]["policy"], "none")
        self.assertEqual(told["burst"]["batches_spilled"], 0)
        self.assertIsNone(told["burst"]["round_trip_us"]["p50"])

    def test_no_checksum_is_null(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("run", "q0", "--num-events", "1000", "--report", folder + "/r.json")
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(folder + "/r.json") as file:
                self.assertIsNone(json.load(file)["result"]["checksum"])

    def test_progress_on_demand(self):
        done = run("run", "q0", "--num-events", "4000", "--first-event-rate", "10000",
                   "--is-rate-limited", "--progress", "always")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("events/s", done.stderr)

    def test_unwritable(self):
        for option in ["--report", "--trace", "--output"]:
            with self.subTest(option=option):
                done = run("run", "q0", "--num-events", "1000", option, "/nowhere/at/all.csv")
                self.assertEqual(done.returncode, 1)
                self.assertIn("/nowhere/at/all.csv", done.stderr)
                self.assertRegex(done.stderr, r"^spillway: ")

    def test_full(self):
        for option in ["--report", "--output"]:
            with self.subTest(option=option):
                done = run("run", "q0", "--num-events", "100000", option, "/dev/full")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("/dev/full", done.stderr)

    def test_missing_input(self):
        done = run("run", "q0", "--input", "/nowhere/at/all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/at/all", done.stderr)
        done = run("checksum", "/nowhere/at/all.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/at/all.csv", done.stderr)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
