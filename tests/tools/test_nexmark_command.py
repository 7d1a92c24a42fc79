#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spillway nexmark: the table in its forms, failures, interruption, and Google's compare.py."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
COMPARE = "/usr/share/benchmark/compare.py"
SMALL = ["--num-events", "20000", "--workers", "2"]

# What compare.py takes from numpy and scipy, for machines without them. The U test is not asked for.
NUMPY = """
class array(list):
    def any(self):
        return any(value != 0 for value in self)
"""
SCIPY_STATS = """
import math
from numpy import array
def gmean(rows):
    return array(math.exp(sum(map(math.log, column)) / len(rows)) for column in zip(*rows))
def mannwhitneyu(*ignored, **named):
    raise NotImplementedError
"""


def run(*words, code=0):
    done = subprocess.run([PROGRAM, "nexmark", *words], capture_output=True, text=True, timeout=60)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit code {done.returncode}, not {code}:\n"
                             f"{done.stdout}{done.stderr}")
    return done


def all_queries():
    listed = subprocess.run([PROGRAM, "queries"], capture_output=True, text=True, check=True)
    return re.findall(r"(?m)^(\w+) ", listed.stdout)


def table_rows(text):
    """Cells of the lines between the table's rules."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]


class Refused(unittest.TestCase):
    """Exit 2, one line on standard error that names the thing, and nothing has run."""

    def refused(self, thing, *words):
        done = run(*words, code=2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, r"^spillway: [^:]+: .+")
        self.assertIn(thing, done.stderr)

    def test_lists(self):
        self.refused("q99", "q0,q99")
        self.refused("Q0", "Q0")
        self.refused("twice", "q0,q1,q0")
        self.refused("missing", "q0,,q1")
        self.refused("missing", "")
        self.refused("q1", "q0", "q1")
        self.refused("all", "q0,all")

    def test_options(self):
        for option in ["--output=x", "--late=x", "--report=x", "--trace=x", "--ordered"]:
            self.refused(option.split("=")[0], "q0", option)
        self.refused("--num-events", "q0", "--num-events", "0")
        self.refused("--repetitions", "q0", "--repetitions", "0")
        self.refused("--warmup", "q0", "--warmup", "1001")
        self.refused("--format", "q0", "--format", "xml")
        self.refused("--workers", "q0", "--workers", "0")
        self.refused("--endpoint", "q0", "--policy", "fixed")

    def test_help(self):
        told = run("--help").stdout
        for option in ["--format", "--repetitions", "--warmup", "--workers", "--num-events"]:
            self.assertIn(option, told)
        for option in ["--output", "--report", "--trace"]:
            self.assertNotRegex(told, rf"(?m)^ +{option} ")


class Forms(unittest.TestCase):
    def test_all_by_default(self):
        done = run("--num-events", "2000")
        self.assertEqual(done.stderr, "")
        names = [row[0] for row in table_rows(done.stdout)]
        self.assertEqual(names, ["Nexmark Query", *all_queries(), "Total"])
        self.assertEqual(names, [row[0] for row in
                                 table_rows(run("all", "--num-events", "2000").stdout)])

    def test_table(self):
        done = run("q2,q0", *SMALL)
        self.assertEqual(done.stderr, "")
        title, q2, q0, total = table_rows(done.stdout)
        self.assertEqual(title, ["Nexmark Query", "Events Num", "Cores", "Time(s)",
                                 "Cores * Time(s)", "Throughput/Cores"])
        self.assertEqual([q2[0], q0[0], total[0]], ["q2", "q0", "Total"])
        self.assertEqual([q2[1], q0[1], total[1]], ["20,000", "20,000", "40,000"])
        for row in [q2, q0]:
            self.assertRegex(row[2], r"^[12]\.00$")
            self.assertRegex(row[3], r"^\d+\.\d{3}$")
            self.assertRegex(row[5], r"^\d+\.\d\d [KMG]/s$")
        self.assertIn("Run it again: spillway nexmark q2,q0 --num-events 20000 --workers 2\n",
                      done.stdout)
        self.assertRegex(done.stdout, r"\d+ cores?, \d+ nodes?; Linux")

    def test_markdown(self):
        lines = run("q0", "--format", "md", *SMALL).stdout.splitlines()
        self.assertRegex(lines[0], r"^\| Nexmark Query \| Events Num \|")
        self.assertRegex(lines[2], r"^\| q0 \| 20,000 \|")
        self.assertRegex(lines[3], r"^\| Total \| 20,000 \|")

    def test_csv(self):
        done = run("q0,q2", "--format", "csv", "--repetitions", "3", "--warmup", "1", "--checksum",
                   *SMALL)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([(row["query"], row["run"]) for row in rows],
                         [(query, which) for query in ["q0", "q2"]
                          for which in ["1", "2", "3", "median", "min", "max"]])
        q0 = rows[:6]
        self.assertEqual({row["checksum"] for row in q0[3:]}, {""})
        self.assertEqual(len({row["checksum"] for row in q0[:3]}), 1)
        times = sorted(float(row["time_s"]) for row in q0[:3])
        self.assertEqual([times[1], times[0], times[2]], [float(row["time_s"]) for row in q0[3:]])
        for row in rows:
            self.assertNotIn(None, row)
            self.assertEqual(row["events"], "20000")
            self.assertIn("nexmark q0,q2", row["command"])

    def test_json(self):
        told = json.loads(run("q0,q2", "--format", "json", "--repetitions", "2", *SMALL).stdout)
        self.assertIs(told["context"]["complete"], True)
        self.assertIn("nexmark q0,q2", told["context"]["command"])
        for name in ["date", "host_name", "num_cpus", "library_build_type", "environment"]:
            self.assertIsNotNone(told["context"][name])
        self.assertEqual(told["failed"], [])
        self.assertEqual([entry["name"] for entry in told["benchmarks"][:5]],
                         ["nexmark/q0", "nexmark/q0", "nexmark/q0_median", "nexmark/q0_min",
                          "nexmark/q0_max"])
        first = told["benchmarks"][0]
        self.assertEqual((first["run_type"], first["repetition_index"], first["threads"],
                          first["time_unit"], first["events"]), ("iteration", 0, 2, "ms", 20000))
        self.assertAlmostEqual(first["items_per_second"], 20000 / first["real_time"] * 1000,
                               delta=first["items_per_second"] * 1e-6)
        self.assertIsNone(first["checksum"])
        self.assertGreater(first["rows"], 0)
        self.assertEqual(told["benchmarks"][2]["aggregate_name"], "median")

    def test_full_disk(self):
        for form in ["table", "json", "csv", "md"]:
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, "nexmark", "q0", "--format", form, *SMALL],
                                      stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("standard output", done.stderr)


class Failures(unittest.TestCase):
    """tokenize has more state than it is allowed; the queries around it have none."""

    WORDS = ["q0,tokenize,q1", "--max-state-bytes", "200K", "--num-events", "200000"]

    def test_table(self):
        done = run(*self.WORDS, code=1)
        rows = {row[0]: row for row in table_rows(done.stdout)}
        self.assertEqual(rows["tokenize"][1:], ["failed", "-", "-", "-", "-"])
        self.assertEqual(rows["q1"][1], "200,000")
        self.assertEqual(rows["Total"][1], "400,000")
        self.assertRegex(done.stdout, r"(?m)^tokenize failed: .*--max-state-bytes")
        self.assertIn("1 of 3", done.stderr)

    def test_json_and_csv(self):
        told = json.loads(run(*self.WORDS, "--format", "json", code=1).stdout)
        self.assertEqual([entry["name"] for entry in told["failed"]], ["nexmark/tokenize"])
        self.assertIn("--max-state-bytes", told["failed"][0]["error_message"])
        self.assertEqual([entry["name"] for entry in told["benchmarks"]],
                         ["nexmark/q0", "nexmark/q1"])
        rows = list(csv.DictReader(io.StringIO(run(*self.WORDS, "--format", "csv",
                                                   code=1).stdout)))
        self.assertEqual([row["run"] for row in rows], ["1", "failed", "1"])
        self.assertIn("--max-state-bytes", rows[1]["failure"])
        self.assertEqual(rows[1]["events"], "")

    def test_interrupted(self):
        """q0 has had its runs when q2's first sample appears."""
        words = [PROGRAM, "nexmark", "q0,q2,q1", "--num-events", "1500", "--first-event-rate",
                 "1000", "--is-rate-limited", "--progress", "always", "--format", "json"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            seen = b""
            while b"q2 (2/3, run 1/1)" not in seen:
                more = process.stderr.read1()
                self.assertTrue(more, "it ended before q2 began")
                seen += more
            process.send_signal(signal.SIGINT)
            out, rest = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, rest)
        told = json.loads(out)
        self.assertIs(told["context"]["complete"], False)
        self.assertEqual([entry["name"] for entry in told["benchmarks"]], ["nexmark/q0"])
        self.assertRegex(rest.decode(), r"spillway: nexmark interrupted: q2: ")


@unittest.skipUnless(os.path.exists(COMPARE), "libbenchmark-tools is not installed")
class Compare(unittest.TestCase):
    """Google Benchmark's own tool, unchanged, on what the command wrote."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        try:
            import scipy.stats  # noqa: F401 compare.py wants it
        except ImportError:
            os.mkdir(self.path("scipy"))
            self.write("numpy.py", NUMPY)
            self.write("scipy/__init__.py", "")
            self.write("scipy/stats.py", SCIPY_STATS)
            self.environment["PYTHONPATH"] = self.folder.name

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def compare(self, old, new):
        self.write("old.json", json.dumps(old))
        self.write("new.json", json.dumps(new))
        done = subprocess.run(
            [sys.executable, COMPARE, "--no-utest", "--no-color", "-d", self.path("diff.json"),
             "benchmarks", self.path("old.json"), self.path("new.json")],
            env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("diff.json")) as file:
            return {entry["name"]: entry for entry in json.load(file)}, done.stdout

    def test_twice_as_slow(self):
        words = ["q0,q2", "--format", "json", "--repetitions", "3", *SMALL]
        old = json.loads(run(*words).stdout)
        new = json.loads(json.dumps(old))
        for entry in new["benchmarks"]:
            entry["real_time"] *= 2
        diff, text = self.compare(old, new)
        self.assertEqual(set(diff), {"OVERALL_GEOMEAN"} | {
            f"nexmark/{query}{suffix}" for query in ["q0", "q2"]
            for suffix in ["", "_median", "_min", "_max"]})
        self.assertEqual(len(diff["nexmark/q0"]["measurements"]), 3)
        for entry in diff.values():
            for measurement in entry["measurements"]:
                self.assertAlmostEqual(measurement["time"], 1, places=6)
                self.assertAlmostEqual(measurement["cpu"], 0, places=6)
        self.assertRegex(text, r"nexmark/q2_median +\+1\.0000 +\+0\.0000")

    def test_with_a_failure(self):
        words = ["q0,tokenize", "--format", "json", "--num-events", "200000"]
        old = json.loads(run(*words).stdout)
        new = json.loads(run(*words, "--max-state-bytes", "200K", code=1).stdout)
        self.assertEqual(set(self.compare(old, new)[0]), {"nexmark/q0", "OVERALL_GEOMEAN"})
        self.assertEqual(set(self.compare(new, old)[0]), {"nexmark/q0", "OVERALL_GEOMEAN"})


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    if not os.path.exists(COMPARE):
        print("SKIPPED: libbenchmark-tools is not installed; "
              "the JSON was NOT read by Google Benchmark's compare.py", flush=True)
    unittest.main()
