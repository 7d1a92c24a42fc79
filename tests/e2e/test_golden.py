#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Results and streams against the golden data, whatever the workers and the batch size."""

import hashlib
import json
import tempfile
import unittest

import common
from common import ONE_FILE, lines_of, query_options, result_of, spillway, stream_options

SHAPES = [(1, 1), (2, 7), (3, 1024)]


class FromFiles(unittest.TestCase):
    def check(self, case):
        folder = f"{common.GOLDEN_QUERIES}/{case}"
        for query in ONE_FILE:
            expected = lines_of(f"{folder}/{query}.csv")
            for workers, rows in SHAPES:
                with self.subTest(query=query, workers=workers, batch_rows=rows):
                    header, lines = result_of(query, "--input", folder + "/in", "--workers",
                                              workers, "--batch-rows", rows,
                                              *query_options(query))
                    self.assertEqual(header, expected[0])
                    self.assertEqual(sorted(lines, key=str.encode), expected[1:])

    def test_tiny(self):
        self.check("tiny")

    def test_edge(self):
        self.check("edge")

    def test_edge_out_of_order(self):
        self.check("edgeooo")


class FromGenerator(unittest.TestCase):
    def test_digests(self):
        """20,000 generated events each: the rows sorted by their bytes, hashed."""
        with open(common.GOLDEN_QUERIES + "/digests.jsonl") as file:
            cases = [json.loads(line) for line in file]
        cases = [case for case in cases if case["query"] in ONE_FILE]
        self.assertTrue(cases)
        for number, case in enumerate(cases):
            workers, rows = SHAPES[number % 3]
            with self.subTest(stream=case["stream"], query=case["query"], workers=workers,
                              batch_rows=rows):
                header, lines = result_of(case["query"], "--workers", workers, "--batch-rows",
                                          rows, *stream_options(case["options"]),
                                          *query_options(case["query"]))
                text = "".join(line + "\n" for line in sorted(lines, key=str.encode))
                self.assertEqual(header, case["columns"])
                self.assertEqual(len(lines), case["rows"])
                self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), case["sha256"])

    def test_ordered(self):
        """--ordered gives the golden order itself, and an order of rows is no other result."""
        options = ["--num-events", 30000, "--workers", 2, "--batch-rows", 100]
        _, free = result_of("q1", *options)
        _, ordered = result_of("q1", *options, "--ordered")
        self.assertEqual(ordered, sorted(free, key=str.encode))

    def test_checksum(self):
        """`checksum FILE` gives what --checksum gives, with and without a file."""
        options = ["tokenize", "--num-events", 20000, "--workers", 2]
        rows, checksum = common.checksum_of(*options)
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/result.csv"
            told = common.report(*options, "--checksum", "--output", path)
            printed = spillway("checksum", path, check=0).stdout
            self.assertEqual(told["result"]["rows"], rows)
            self.assertEqual(told["result"]["checksum"], checksum)
            self.assertEqual(printed.split()[-1], checksum)
            lines = lines_of(path)
            self.assertEqual(len(lines) - 1, rows)
            # A changed row changes it, a changed order does not.
            for name, changed in [("order", lines[:1] + lines[:0:-1]),
                                  ("row", lines[:-1] + [lines[-1] + "x"])]:
                with open(f"{folder}/{name}.csv", "w") as file:
                    file.write("".join(line + "\n" for line in changed))
            self.assertEqual(spillway("checksum", folder + "/order.csv", check=0).stdout, printed)
            self.assertNotEqual(spillway("checksum", folder + "/row.csv", check=0).stdout,
                                printed)


class Streams(unittest.TestCase):
    def test_digests(self):
        """Every golden stream that is not too long, by `generate --digest`."""
        with open(common.GOLDEN_STREAMS) as file:
            cases = [json.loads(line) for line in file]
        tried = 0
        for case in cases:
            if case["events"] > 300000 or "part" in case["name"] or "unsplit" in case["name"]:
                continue
            tried += 1
            with self.subTest(stream=case["name"]):
                words = stream_options(case["options"])
                words += ["--base-time", case["baseTime"], "--first-event-id",
                          case["firstEventId"], "--first-event-number",
                          case["firstEventNumber"], "--num-events", case["events"]]
                printed = spillway("generate", "--digest", *words, check=0).stdout
                self.assertEqual(printed.splitlines(), [
                    f"{name}.csv {case['rows'][name]} {case['sha256'][name]}"
                    for name in ["person", "auction", "bid"]])
        self.assertGreater(tried, 3)

    def test_files_and_back(self):
        """What generate writes hashes to its digest, and gives as a source what it was made of."""
        options = ["--num-events", 30000, "--out-of-order-group-size", 50]
        with tempfile.TemporaryDirectory() as folder:
            spillway("generate", "--output", folder, *options, check=0)
            printed = spillway("generate", "--digest", *options, check=0).stdout
            for line in printed.splitlines():
                name, rows, digest = line.split()
                with open(f"{folder}/{name}", "rb") as file:
                    text = file.read().split(b"\n", 1)[1]
                self.assertEqual(text.count(b"\n"), int(rows))
                self.assertEqual(hashlib.sha256(text).hexdigest(), digest)
            for query in ONE_FILE:
                with self.subTest(query=query):
                    made = common.checksum_of(query, *options, "--workers", 2,
                                              *query_options(query))
                    read = common.checksum_of(query, "--input", folder, "--workers", 2,
                                              *query_options(query))
                    replayed = common.checksum_of(query, *options, "--workers", 2, "--replay",
                                                  *query_options(query))
                    self.assertEqual(made, read)
                    self.assertEqual(made, replayed)


if __name__ == "__main__":
    common.main()
