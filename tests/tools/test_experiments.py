#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spillway experiments, a few of them in short: its files, its figures, its page, and what it refuses."""

import csv
import html.parser
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
# Charts of the short form.
CHARTS = {"backpressure": ["scaled"], "interval": ["completion", "latency", "held-back"],
          "batch-size": ["latency-box", "latency", "throughput"]}
TEXTS = {"experiment", "part", "series", "label", "query", "policy", "function"}


def run(*words, code=0, folder=None):
    done = subprocess.run([PROGRAM, "experiments", *words], capture_output=True, text=True,
                          timeout=240, cwd=folder)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit code {done.returncode}, not {code}:\n"
                             f"{done.stdout}{done.stderr}")
    return done


class Page(html.parser.HTMLParser):
    """Which elements stand where, and that each is closed."""

    VOID = {"meta", "path", "rect", "use", "circle", "line", "br", "polygon", "polyline"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.texts = [], [], [], {}
        self.outside, self.svgs = [], 0
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.svgs += tag == "svg"
        if tag in ("section", "figure"):
            self.ids.append(attributes["id"])
        for name, value in attributes.items():
            if name in ("href", "xlink:href") and not value.startswith("#"):
                self.outside.append(value)
            if name in ("src", "srcset", "data") or "://" in (value or ""):
                self.outside.append(value)
        if tag not in self.VOID:
            self.open.append((tag, attributes.get("class", "")))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open[-1][0] != tag:
            raise AssertionError(f"</{tag}> in {self.open}")
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1][1], []).append(data)


def read(*path):
    with open(os.path.join(*path)) as file:
        return file.read()


def rows_of(folder, name):
    with open(os.path.join(folder, name + ".csv"), newline="") as file:
        return list(csv.DictReader(file))


class Refused(unittest.TestCase):
    """Exit 2, one line on standard error that names the thing, and nothing was written."""

    def refused(self, thing, *words):
        with tempfile.TemporaryDirectory() as folder:
            done = run(*words, code=2, folder=folder)
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, r"^spillway: [^:]+: .+")
        self.assertIn(thing, done.stderr)

    def test_words(self):
        self.refused("speed", "speed")
        self.refused("not one of parallelism, ", "speed")
        self.refused("twice", "latency", "latency")
        self.refused("--long", "--long")
        self.refused("--output a,b", "--output", "a,b")

    def test_others_files(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/report.html", "w") as file:
                file.write("mine")
            done = run("latency", "--output", folder, code=2)
            self.assertIn("it holds other things", done.stderr)
            self.assertEqual(os.listdir(folder), ["report.html"])
            self.assertEqual(read(folder, "report.html"), "mine")
            done = run("latency", "--output", folder + "/report.html", code=2)
            self.assertIn("Not a directory", done.stderr)

    def test_help(self):
        told = run("--help").stdout
        for name in ["parallelism", "backpressure", "interval", "batch-size", "latency",
                     "language", "policies", "reaction", "--short", "--output"]:
            self.assertIn(name, told)


class Short(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = cls.scratch.name + "/out"
        cls.told = run(*CHARTS, "--short", "--output", cls.folder).stdout
        cls.html = read(cls.folder, "report.html")
        cls.page = Page(cls.html)

    def test_files(self):
        there = os.listdir(self.folder)
        for name, charts in CHARTS.items():
            self.assertIn(name + ".csv", there)
            for chart in charts:
                svg = read(self.folder, f"{name}-{chart}.svg")
                self.assertIn("<svg", svg)
                self.assertTrue(svg.rstrip().endswith("</svg>"))
        self.assertIn("experiments " + " ".join(CHARTS), read(self.folder,
                                                              "spillway-experiments.txt"))

    def test_figures(self):
        columns = None
        for name in CHARTS:
            rows = rows_of(self.folder, name)
            self.assertGreater(len(rows), 2)
            for row in rows:
                with self.subTest(row=row):
                    self.assertNotIn(None, row)
                    self.assertEqual(columns or list(row), list(row))
                    columns = list(row)
                    self.assertEqual(row["experiment"], name)
                    self.check_numbers(row)

    def check_numbers(self, row):
        """Absent or a number; none is below 0, and of each kind no more than there can be."""
        numbers = {name: float(text) for name, text in row.items()
                   if name not in TEXTS and text != ""}
        for name, number in numbers.items():
            self.assertTrue(math.isfinite(number) and number >= 0, name)
            if name.endswith("_percent"):
                self.assertLessEqual(number, 100, name)
        self.assertGreater(numbers["events"], 0)
        self.assertAlmostEqual(numbers["events"] / numbers["wall_s"], numbers["events_per_s"],
                               delta=numbers["events_per_s"] * 1e-3)
        self.assertLessEqual(numbers["latency_p50_ms"], numbers["latency_p99_ms"])
        self.assertLessEqual(numbers["latency_p99_ms"], numbers["latency_max_ms"])
        self.assertEqual(numbers.get("lost_batches", 0), 0)
        self.assertEqual(numbers.get("doubled_batches", 0), 0)

    def test_cells(self):
        cells = {(row["series"], row["x"]) for row in rows_of(self.folder, "backpressure")}
        self.assertEqual(cells, {(series, x) for series in ["vanilla", "no offload", "bursting"]
                                 for x in ["4000", "40000"]})
        by_series = {row["series"]: row for row in rows_of(self.folder, "backpressure")}
        self.assertEqual(by_series["vanilla"]["invocations"], "")
        self.assertLessEqual(int(by_series["no offload"]["invocations"]), 1)
        self.assertGreater(int(by_series["bursting"]["invocations"]), 1)
        # Five times as much as one worker can do: without spilling most of it is left undone.
        self.assertGreater(float(by_series["vanilla"]["behind_max_events"]), 10000)
        self.assertLess(int(by_series["vanilla"]["events"]), 32000)
        self.assertEqual([row["sample_us"] for row in rows_of(self.folder, "interval")],
                         ["250", "10000", "800000"])
        sizes = {(row["series"], row["x"]) for row in rows_of(self.folder, "batch-size")}
        for language in ["c", "python"]:
            self.assertLessEqual({(language, x) for x in ["1", "10", "100", "1280"]}, sizes)

    def test_page(self):
        self.assertEqual(self.page.ids, [text for name in CHART_ORDER
                                         for text in [name, *(f"{name}-{chart}"
                                                              for chart in CHARTS[name])]])
        self.assertEqual(self.page.svgs, sum(map(len, CHARTS.values())))
        self.assertEqual(self.page.outside, [])
        self.assertNotRegex(self.html, r"https?://|@import|url\((?!'?#)")
        self.assertIn("viewport", self.html)
        self.assertIn("prefers-color-scheme:dark", self.html)
        self.assertIn("spillway experiments " + " ".join(CHARTS) + " --short", self.html)
        self.assertNotIn("INTERRUPTED", self.html)
        self.assertIn("0 lost, 0 doubled", self.html)

    def test_sentences(self):
        """The same ones on standard output and on the page; what is skipped, too."""
        sentences = self.page.texts["told"]
        self.assertGreaterEqual(len(sentences), len(CHARTS))
        for sentence in sentences:
            self.assertIn(sentence + "\n", self.told)
            self.assertNotIn("nan", sentence)
        for line in re.findall(r"(?m)^SKIPPED: \S+: (.*)$", self.told):
            print(f"\nSKIPPED: {line}", flush=True)
            self.assertIn("SKIPPED: " + line, self.html)


CHART_ORDER = ["backpressure", "interval", "batch-size"]


class Other(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name + "/out"

    def test_without_sources(self):
        """Only the C function is there: the others are skipped, loudly. Twice into one folder."""
        for _ in range(2):
            told = run("batch-size", "--short", "--output", self.folder, "--functions",
                       self.scratch.name).stdout
        self.assertEqual({row["series"] for row in rows_of(self.folder, "batch-size")}, {"c"})
        page = read(self.folder, "report.html")
        for language in ["Python", "Java"]:
            self.assertRegex(told, rf"(?m)^SKIPPED: batch-size: the function in {language}: ")
            self.assertIn(f"SKIPPED: the function in {language}: ", page)

    def test_interrupted(self):
        """^C once the first cell is done: that one is kept, the page says so."""
        words = [PROGRAM, "experiments", "parallelism", "latency", "--short", "--progress",
                 "always", "--output", self.folder]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            seen = b""
            while b"parallelism: bursting" not in seen:
                more = process.stderr.read1()
                self.assertTrue(more, f"it ended too soon: {seen}")
                seen += more
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, rest)
        self.assertIn(b"experiments interrupted: parallelism", rest)
        rows = rows_of(self.folder, "parallelism")
        self.assertEqual(rows[0]["series"], "vanilla")
        self.assertLess(len(rows), 8)
        text = read(self.folder, "report.html")
        self.assertIn("INTERRUPTED", text)
        self.assertIn("latency", Page(text).ids)
        self.assertIn("Nothing was measured.", text)
        self.assertFalse(os.path.exists(self.folder + "/latency.csv"))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
