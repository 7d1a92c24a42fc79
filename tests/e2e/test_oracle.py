#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program against the oracle, which first has to prove itself on the golden results.

SPILLWAY_TEST_SEED repeats a run of the random configurations, SPILLWAY_TEST_CONFIGURATIONS says
how many; configuration number n of a run with seed s is the first one of a run with seed s + n.
"""

import collections
import csv
import datetime
import glob
import hashlib
import json
import os
import random
import re
import sys
import tempfile
import unittest

import common
import oracle
from common import lines_of, spillway, stream_options
from oracle_random import Configuration

CONFIGURATIONS = 40
# Patience with a machine that does something else as well.
RUN_TIMEOUT_S = 180


class OracleIsRight(unittest.TestCase):
    def test_files(self):
        for case in ["tiny", "edge", "edgeooo"]:
            folder = f"{common.GOLDEN_QUERIES}/{case}"
            judge = oracle.Oracle(folder + "/in")
            for query in oracle.ALL:
                with self.subTest(case=case, query=query):
                    header, lines = judge.result(query)
                    self.assertEqual([header, *lines], lines_of(f"{folder}/{query}.csv"))
            judge.close()

    def test_digests(self):
        """20,000 generated events each: the rows sorted by their bytes, hashed."""
        streams = collections.defaultdict(list)
        with open(common.GOLDEN_QUERIES + "/digests.jsonl") as file:
            for case in map(json.loads, file):
                streams[json.dumps(case["options"])].append(case)
        self.assertEqual(len(streams), 4)
        for options, cases in streams.items():
            self.assertEqual(sorted(case["query"] for case in cases), sorted(oracle.ALL))
            with tempfile.TemporaryDirectory() as folder:
                spillway("generate", "--output", folder, *stream_options(json.loads(options)),
                         check=0, timeout=RUN_TIMEOUT_S)
                judge = oracle.Oracle(folder, delay_ms=None)
            for case in cases:
                with self.subTest(stream=case["stream"], query=case["query"]):
                    header, lines = judge.result(case["query"])
                    text = "".join(line + "\n" for line in lines)
                    self.assertEqual((header, len(lines)), (case["columns"], case["rows"]))
                    self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), case["sha256"])
            judge.close()


def write_stream(folder, people=(), auctions=(), bids=()):
    """The three files; rows without the texts that do not matter."""
    for name, header, rows in [
            ("person", "seq,id,name,emailAddress,creditCard,city,state,dateTime,extra",
             [f"{seq},{key},Ann,,,,OR,{time}," for seq, key, time in people]),
            ("auction", "seq,id,itemName,description,initialBid,reserve,dateTime,expires,"
             "seller,category,extra",
             [f"{seq},{key},,,1,1,{time},{expires},{seller},{category},"
              for seq, key, time, expires, seller, category in auctions]),
            ("bid", "seq,auction,bidder,price,channel,url,dateTime,extra",
             [f"{seq},{auction},{bidder},{price},,,{time},"
              for seq, auction, bidder, price, time in bids])]:
        with open(f"{folder}/{name}.csv", "w") as file:
            file.write("\n".join([header, *rows]) + "\n")


class LateRows(unittest.TestCase):
    """The rule for late rows, which no golden result has, on a stream small enough to see."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        bids = [(2, 10000), (3, 5999), (5, 6000), (6, 8000), (7, 7999), (8, 9000)]
        write_stream(self.folder.name, [(4, 1000, 12000)], [(1, 1000, 1000, 99000, 1000, 10)],
                     [(seq, 1000, 1001, 100 * seq, time) for seq, time in bids])

    def test_rule(self):
        late = oracle.late_rows(self.folder.name, 4000)
        # 3 is 1 ms below 10000 - 4000. From the person on, 12000 - 4000 counts: 6 is just at it.
        self.assertEqual(late, {"person": set(), "auction": set(), "bid": {3, 5, 7}})
        self.assertEqual(oracle.late_rows(self.folder.name, 6001)["bid"], set())

    def test_results(self):
        judge = oracle.Oracle(self.folder.name, 4000)
        self.assertEqual(judge.result("q12")[1], ["1001,1,10000,20000", "1001,2,0,10000"])
        self.assertEqual(judge.result("q11")[1], ["1001,3,8000,20000"])
        self.assertEqual(len(judge.result("q0")[1]), 6)
        self.assertEqual((judge.late_count("q11"), judge.late_count("q0")), (3, 0))
        judge.close()


class Extremes(unittest.TestCase):
    """Prices of both signs near 2^63: what is over 64 bits on the way need not be in the end, and
    that depends neither on the batches nor on the order."""

    LARGEST, LEAST = 2**63 - 1, -2**63
    # Results of q1 and cep3 are a price multiplied, and a difference of two; q10 writes a folder.
    QUERIES = [query for query in oracle.ALL if query not in ("q1", "cep3", "q10")]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, dice, prices):
        """Each of them once for each of some auctions, in any order; each auction in the end has
        a sum that 64 bits hold, which those on the way are far from."""
        auctions = [(1 + n, 1000 + n, 1000, 90000, 10 + n % 2, 10 + n % 3) for n in range(12)]
        bids = [(key, price) for _, key, *_ in auctions for price in prices]
        dice.shuffle(bids)
        write_stream(self.folder, [(13, 10, 1000), (14, 11, 1000)], auctions, [
            (20 + n, key, 10 + dice.randrange(3), price, 2000 + dice.randrange(3) + 40 * n)
            for n, (key, price) in enumerate(bids)])

    def run_query(self, query, rows, *words):
        return spillway("run", query, "--input", self.folder, "--watermark-delay-ms", 1000,
                        "--batch-rows", rows, "--workers", 1 + rows % 2, *words,
                        *common.query_options(query), timeout=RUN_TIMEOUT_S)

    def test_sums_on_the_way(self):
        seed = int(os.environ.get("SPILLWAY_TEST_SEED", random.randrange(1 << 32)))
        print(f"SPILLWAY_TEST_SEED={seed}", file=sys.stderr, flush=True)
        self.write(random.Random(seed), [self.LARGEST] * 8 + [self.LEAST] * 8 + [0, 1, -1, 12345])
        judge = oracle.Oracle(self.folder, 1000)
        for query in self.QUERIES:
            header, lines = judge.result(query)
            for rows in [1, 6, 1024]:
                with self.subTest(query=query, batch_rows=rows):
                    output = self.folder + "/result.csv"
                    done = self.run_query(query, rows, "--output", output)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    got = lines_of(output)
                    self.assertEqual((got[0], sorted(got[1:], key=str.encode)), (header, lines))
        judge.close()

    def test_price_that_cannot_be_converted(self):
        most = 2**53 - 1
        for price in [most, -most - 1, most + 1, -most - 2, self.LARGEST, self.LEAST]:
            write_stream(self.folder, bids=[(1, 1000, 10, 5, 1000), (2, 1001, 10, price, 1000)])
            with self.subTest(price=price):
                done = self.run_query("q1", 2)
                if -most - 1 <= price <= most:
                    self.assertEqual(done.returncode, 0, done.stderr)
                    continue
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"q1: price {price}: its thousandths are over 64 bits "
                              f"({-most - 1} to {most})", done.stderr)

    def test_sums_in_the_end(self):
        for price, limit in [(1, "over 2^63 - 1"), (-2, "below -2^63")]:
            first = self.LARGEST if price > 0 else self.LEAST + 1
            write_stream(self.folder, bids=[
                (1, 1000, 10, first, 1000), (2, 1001, 10, first, 1000), (3, 1001, 10, price, 1001),
                (4, 1002, 10, 5, 90000000)])
            for rows in [1, 1024]:
                with self.subTest(price=price, batch_rows=rows):
                    done = self.run_query("q17", rows)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(f"q17: auction 1001 on 1970-01-01: sum_price is {limit}, the "
                                  "limit of 64 bits", done.stderr)


def partitions(test, folder):
    """q10's rows; each folder is the minute of its rows, and complete."""
    header, lines = None, []
    for path in sorted(glob.glob(folder + "/*/*/*.csv")):
        found = lines_of(path)
        test.assertIn(header, [None, found[0]])
        header = found[0]
        lines += found[1:]
        for row in csv.reader(found[1:]):
            time = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=int(row[3]))
            test.assertEqual(os.path.relpath(os.path.dirname(path), folder),
                             time.strftime("dt=%Y-%m-%d/hm=%H%%3A%M"))
        test.assertTrue(os.path.exists(os.path.dirname(path) + "/_SUCCESS"), path)
    return header, lines


class Randomised(unittest.TestCase):
    def setUp(self):
        printed = spillway("queries", check=0).stdout
        self.listed = re.findall(r"^(\S+)", printed, re.MULTILINE)
        printed = spillway("run", "--help", check=0).stdout
        self.known = set(re.findall(r"^  --([a-z-]+)", printed, re.MULTILINE))

    def test_all_are_there(self):
        self.assertEqual(sorted(self.listed), sorted(oracle.ALL))
        self.assertLessEqual({"state", "side-input"}, self.known)

    def test_configurations(self):
        seed = int(os.environ.get("SPILLWAY_TEST_SEED", random.randrange(1 << 32)))
        count = int(os.environ.get("SPILLWAY_TEST_CONFIGURATIONS", CONFIGURATIONS))
        print(f"SPILLWAY_TEST_SEED={seed}", file=sys.stderr, flush=True)
        queries = [query for query in oracle.ALL if query in self.listed]
        times = collections.Counter()
        for number in range(seed, seed + count):
            with tempfile.TemporaryDirectory() as folder:
                configuration = Configuration(number, folder, queries, self.known)
                configuration.generate()
                judge = oracle.Oracle(folder, configuration.delay_ms)
                for run in configuration.runs:
                    times[run.query] += 1
                    with self.subTest(configuration=number, query=run.query):
                        self.check(configuration, run, judge)
                judge.close()
        if count >= CONFIGURATIONS:
            self.assertGreaterEqual(min(times[query] for query in queries), 3, times)

    def check(self, configuration, run, judge):
        output = configuration.folder + ("/q10" if run.query == "q10" else "/result.csv")
        path = configuration.folder + "/report.json"
        again = configuration.again(run, output)
        done = spillway("run", *configuration.run_words(run), "--output", output, "--report",
                        path, timeout=RUN_TIMEOUT_S)
        self.assertEqual(done.returncode, 0, f"{done.stderr}\n{again}")
        if run.query == "q10":
            header, lines = partitions(self, output)
        else:
            header, *lines = lines_of(output)
        self.compare(run, judge, header, lines, again)
        with open(path) as file:
            told = json.load(file)
        self.assertIs(told["complete"], True, again)
        self.assertEqual(told["result"]["rows"], len(lines), again)
        self.assertEqual(told["result"]["late_rows"], judge.late_count(run.query), again)
        if "policy" in run.options:
            self.assertEqual((told["burst"]["lost"], told["burst"]["doubled"]), (0, 0), again)

    def compare(self, run, judge, header, lines, again):
        columns, expected = run.expected(judge)
        if header is not None or expected:
            self.assertEqual(header, columns, again)
        if not run.ordered:
            lines = sorted(lines, key=str.encode)
        if lines == expected:
            return
        missing = list((collections.Counter(expected) - collections.Counter(lines)).elements())
        extra = list((collections.Counter(lines) - collections.Counter(expected)).elements())
        self.fail("\n".join([
            f"{len(lines)} rows, {len(expected)} expected", again,
            f"{len(missing)} are missing:", *missing[:5], f"{len(extra)} are too many:",
            *extra[:5]]))


if __name__ == "__main__":
    common.main()
