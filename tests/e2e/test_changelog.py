#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log of a query's changes, folded, is its result."""

import collections
import csv
import tempfile
import unittest

import common
from common import lines_of, spillway

REVISED = ["q3", "q4", "q6", "q9", "q15", "q16", "q17", "q18", "q19", "q20", "q23"]
# Inner joins of rows that are never taken back give rows that are never taken back.
ONLY_INSERT = ["q3", "q20", "q23"]


def records(path):
    """The file's lines, quoted line ends within them, without their ends."""
    with open(path, newline="") as file:
        text = file.read()
    found, begun = [], []
    for line in text.split("\n"):
        begun.append(line)
        # Within quotes there is an odd number of them so far.
        if sum(part.count('"') for part in begun) % 2 == 0:
            found.append("\n".join(begun))
            begun = []
    assert not begun and found.pop() == "", path
    return found


def fold(log):
    """The rows that the changes come to; fails where one is taken back that is not there."""
    rows = collections.Counter()
    kinds = collections.Counter()
    for line in log:
        kind, _, row = line.split(",", 2)
        kinds[kind] += 1
        if kind in ("+I", "+U"):
            rows[row] += 1
        else:
            assert kind in ("-U", "-D"), line
            assert rows[row] > 0, f"taken back before it was given: {row}"
            rows[row] -= 1
    return rows, kinds


class Changelog(unittest.TestCase):
    def check(self, query, *words):
        with tempfile.TemporaryDirectory() as folder:
            told = common.report(query, *words, "--output", folder + "/result.csv",
                                 "--changelog", folder + "/log.csv", timeout=120)
            header, *rows = records(folder + "/result.csv")
            log_header, *log = records(folder + "/log.csv")
        self.assertEqual(log_header, "kind,watermark," + header)
        folded, kinds = fold(log)
        self.assertEqual(+folded, collections.Counter(rows))
        self.assertEqual(told["result"]["rows"], len(rows))
        self.assertEqual(kinds["-U"], kinds["+U"])
        if query in ONLY_INSERT:
            self.assertEqual(set(kinds), {"+I"} if rows else set())
        else:
            self.assertEqual(told["result"]["changes"], len(log))
        return kinds

    def test_folds(self):
        for number, query in enumerate(REVISED):
            for workers, rows in [(1, 1), (2, 64), (3, 1024)]:
                with self.subTest(query=query, workers=workers, batch_rows=rows):
                    self.check(query, "--num-events", 20000, "--workers", workers,
                               "--batch-rows", rows, "--out-of-order-group-size",
                               1 + 10 * (number % 3), "--state",
                               ["auto", "dense", "hash"][workers - 1])

    def test_folds_files(self):
        for case in ["edge", "edgeooo"]:
            for query in REVISED:
                with self.subTest(query=query, case=case):
                    self.check(query, "--input", f"{common.GOLDEN_QUERIES}/{case}/in",
                               "--watermark-delay-ms", 100, "--workers", 2,
                               "--batch-rows", 5)

    def test_results_change(self):
        """With small batches of little time each, results are really revised."""
        for query in ["q4", "q9", "q15", "q16", "q17", "q18", "q19"]:
            with self.subTest(query=query):
                kinds = self.check(query, "--num-events", 20000, "--batch-rows", 64,
                                   "--workers", 1)
                self.assertGreater(kinds["+U"], 0)

    def test_watermarks_rise(self):
        """One worker: changes come in the order of their watermarks, and end at the end of time."""
        with tempfile.TemporaryDirectory() as folder:
            spillway("run", "q17", "--num-events", 20000, "--workers", 1, "--batch-rows", 64,
                     "--changelog", folder + "/log.csv", check=0)
            marks = [int(line.split(",")[1]) for line in lines_of(folder + "/log.csv")[1:]]
        self.assertEqual(marks, sorted(marks))
        self.assertGreater(len(set(marks)), 10)

    def test_refused(self):
        done = spillway("run", "q10", "--changelog", "/dev/null", "--num-events", 10)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("changelog", done.stderr)


if __name__ == "__main__":
    common.main()
