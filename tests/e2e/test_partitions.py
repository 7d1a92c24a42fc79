#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""q10's folders: every bid in that of its minute, each complete, whatever made them."""

import json
import os
import signal
import tempfile
import unittest

import common
from common import checksum_of, lines_of, report, spillway, start, wait_until

SHAPES = [(1, 1), (2, 7), (3, 1024)]
HEADER = "auction,bidder,price,dateTime,extra"
MINUTES = ["--first-event-rate", 100, "--next-event-rate", 100]  # some 100 minutes of events


def partitions_of(folder):
    """The rows of each folder, by its name; all but the last level hold folders only."""
    found = {}
    for path, folders, files in os.walk(folder):
        if folders:
            assert not files, path
        else:
            found[os.path.relpath(path, folder)] = sorted(files)
    return found


def read_back(folder):
    """Rows of each folder, which has to be complete, and nothing else."""
    rows = {}
    for name, files in partitions_of(folder).items():
        assert files == ["_SUCCESS", "part-0.csv"], (name, files)
        assert os.path.getsize(f"{folder}/{name}/_SUCCESS") == 0
        lines = lines_of(f"{folder}/{name}/part-0.csv")
        assert lines[0] == HEADER, lines[0]
        rows[name] = lines[1:]
    return rows


def concatenated(rows, path):
    with open(path, "w", newline="") as file:
        for line in [HEADER, *(row for part in rows.values() for row in part)]:
            file.write(line + "\n")
    return spillway("checksum", path, check=0).stdout.split()[-1]


class Partitions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = self.folder.name + "/out"

    def test_golden(self):
        for case in ["tiny", "edge", "edgeooo"]:
            golden = f"{common.GOLDEN_QUERIES}/{case}"
            counts = dict(line.split(",") for line in lines_of(golden + "/q10_partitions.csv")[1:])
            for workers, batch_rows in SHAPES:
                with self.subTest(case=case, workers=workers, batch_rows=batch_rows):
                    path = f"{self.path}-{case}-{workers}"
                    told = report("q10", "--input", golden + "/in", "--output", path,
                                  "--workers", workers, "--batch-rows", batch_rows, "--checksum")
                    rows = read_back(path)
                    self.assertEqual({name: str(len(part)) for name, part in rows.items()}, counts)
                    self.assertEqual(sorted((row for part in rows.values() for row in part),
                                            key=str.encode), lines_of(golden + "/q10.csv")[1:])
                    self.assertEqual(told["result"]["rows"], sum(map(len, rows.values())))
                    self.assertEqual(told["result"]["checksum"],
                                     concatenated(rows, self.folder.name + "/all.csv"))

    def check_generated(self, *more):
        options = ["--num-events", 600000, "--workers", 2, *MINUTES]
        expected = checksum_of("q10", *options)
        told = report("q10", *options, "--output", self.path, "--checksum", *more)
        rows = read_back(self.path)
        self.assertEqual(len(rows), 100)
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
        self.assertEqual(concatenated(rows, self.folder.name + "/all.csv"), expected[1])
        for name, part in rows.items():
            hour, minute = name.split("hm=")[1].split("%3A")
            for row in part:
                since = (int(row.split(",")[3]) - 1436918400000) // 60000
                self.assertEqual((int(hour), int(minute)), divmod(since, 60))
        return told

    def test_generated(self):
        """More minutes than files may be open; the order of files on disk is that of time."""
        self.check_generated()
        self.assertEqual(os.listdir(self.path), ["dt=2015-07-15"])

    def test_out_of_order(self):
        """The same rows, up to 200 seconds from their place."""
        self.check_generated("--out-of-order-group-size", 20000)

    def test_spilled(self):
        told = self.check_generated("--policy", "fixed", "--spill-share", 0.5, "--batch-rows", 5000,
                                    "--lambda-local")
        self.assertGreater(told["burst"]["batches_spilled"], 0)
        self.assertEqual((told["burst"]["lost"], told["burst"]["doubled"]), (0, 0))

    def test_folder(self):
        """An empty folder is taken; one with something in it is refused, and left as it is."""
        os.mkdir(self.path)
        spillway("run", "q10", "--num-events", 100, "--output", self.path, check=0)
        before = sorted(os.walk(self.path))
        done = spillway("run", "q10", "--num-events", 200, "--output", self.path, check=1)
        self.assertIn(f"{self.path}: the folder is not empty", done.stderr)
        self.assertEqual(sorted(os.walk(self.path)), before)

    def test_write_error(self):
        done = spillway("run", "q10", "--num-events", 100, "--output", "/dev/null", check=1)
        self.assertIn("/dev/null: Not a directory", done.stderr)

    def test_interrupted(self):
        """What was written until then are whole rows, and the report counts them."""
        path = self.folder.name + "/report.json"
        process = start("run", "q10", "--num-events", 0, "--is-rate-limited", "--first-event-rate",
                        20000, "--next-event-rate", 20000, "--output", self.path, "--report", path)
        with process:
            part = self.path + "/dt=2015-07-15/hm=00%3A00/part-0.csv"
            self.assertTrue(wait_until(lambda: os.path.exists(part) and
                                       os.path.getsize(part) > 100000))
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=20), 130)
        with open(path) as file:
            told = json.load(file)
        self.assertFalse(told["complete"])
        rows = sum(len(lines_of(f"{self.path}/{name}/part-0.csv")) - 1
                   for name in partitions_of(self.path))
        self.assertEqual(told["result"]["rows"], rows)
        self.assertEqual({len(line.split(",")) for line in lines_of(part)}, {5})


if __name__ == "__main__":
    common.main()
