# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: how programs are run, and where the golden data are."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = None
GOLDEN_QUERIES = None
GOLDEN_STREAMS = None
GOLDEN_SAMPLES = None
QUERIES = [*(f"q{n}" for n in range(24)), *(f"cep{n}" for n in range(4)), "tokenize"]
# q10 writes a folder of files; it has a test of its own.
ONE_FILE = [query for query in QUERIES if query != "q10"]


def main():
    """unittest's main, after the paths have been taken from the command line."""
    global BIN, GOLDEN_QUERIES, GOLDEN_STREAMS, GOLDEN_SAMPLES
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--golden-queries", help="folder of tiny, edge, ..., digests.jsonl")
    parser.add_argument("--golden-streams", help="digests.jsonl of the streams")
    parser.add_argument("--golden-samples", help="folder of the streams' first events")
    known, rest = parser.parse_known_args()
    BIN = os.path.abspath(known.bin)
    GOLDEN_QUERIES = known.golden_queries
    GOLDEN_STREAMS = known.golden_streams
    GOLDEN_SAMPLES = known.golden_samples
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])


def kebab(name):
    return re.sub("([A-Z])", lambda match: "-" + match.group(1).lower(), name)


def stream_options(options):
    """Beam's options, as golden data name them, as the command's words."""
    words = []
    for name, value in options.items():
        words += ["--" + kebab(name), str(value)]
    return words


def spillway(*words, timeout=60, check=None, **more):
    """Runs the command; check: the exit code it must have."""
    if words[0] == "run" and "--huge-pages" not in words:
        # Making huge pages takes longer than most of these runs.
        words += "--huge-pages", "off"
    done = subprocess.run([BIN + "/spillway", *map(str, words)], capture_output=True, text=True,
                          timeout=timeout, **more)
    if check is not None and done.returncode != check:
        raise AssertionError(f"{' '.join(map(str, words))}: exit code {done.returncode}, "
                             f"not {check}:\n{done.stdout}{done.stderr}")
    return done


def start(*words):
    return subprocess.Popen([BIN + "/spillway", *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def report(*words, check=0, timeout=60):
    """Runs a query and gives its report."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/report.json"
        done = spillway("run", *words, "--report", path, timeout=timeout, check=check)
        with open(path) as file:
            told = json.load(file)
    told["stderr"] = done.stderr
    return told


def lines_of(path):
    with open(path, newline="") as file:
        text = file.read()
    assert text.endswith("\n"), path
    return text.split("\n")[:-1]


def result_of(*words, timeout=60):
    """Runs a query into a file; gives the file's header and rows, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/result.csv"
        spillway("run", *words, "--output", path, check=0, timeout=timeout)
        lines = lines_of(path)
    return lines[0], lines[1:]


def checksum_of(*words):
    told = report(*words, "--checksum")
    assert told["complete"] is True
    return told["result"]["rows"], told["result"]["checksum"]


def query_options(query):
    """q12's golden results are by event time."""
    return ["--processing-time", "event"] if query == "q12" else []


class LambdaLocal:
    """A lambda-local with the C function, for as long as the block lasts."""

    def __init__(self, *words, function=None):
        self.words = [str(word) for word in words]
        self.function = function or BIN + "/bootstrap"

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.ca = self.folder.name + "/ca.pem"
        self.ledger_path = self.folder.name + "/ledger.jsonl"
        self.process = subprocess.Popen(
            [BIN + "/lambda-local", "--listen", "127.0.0.1:0", "--ca-out", self.ca, "--function",
             "spillway=" + self.function, "--ledger", self.ledger_path, *self.words],
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("https://"):
            self.__exit__()
            raise AssertionError("lambda-local did not start")
        return self

    def options(self):
        return ["--endpoint", self.url, "--ca", self.ca]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=10)

    def ledger(self):
        """Its executions; it is ended first, so that all are there."""
        self.stop()
        with open(self.ledger_path) as file:
            return [json.loads(line) for line in file]

    def __exit__(self, *_):
        self.stop()
        self.process.stdout.close()
        self.folder.cleanup()


def wait_until(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False
