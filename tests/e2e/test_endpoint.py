#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Endpoints that refuse, answer garbage or cannot be trusted: said clearly, and nothing is lost."""

import collections
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import common
from common import LambdaLocal, checksum_of, report, spillway, start, wait_until

PYTHON = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                      "tools", "functions", "python")
OPTIONS = ["q7", "--num-events", 10000, "--workers", 2, "--batch-rows", 500]
SPILL_ALL = ["--policy", "fixed", "--spill-share", 1, "--retries", 1, "--deadline-ms", 1000]


class Garbage:
    """Answers every connection with words that are no TLS."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "https://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                peer.sendall(b"this is no TLS at all\r\n" * 20)
            except OSError:
                pass
            peer.close()

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Endpoints(unittest.TestCase):
    def reclaimed(self, *words):
        """All comes home and is run locally; a warning says why."""
        told = report(*OPTIONS, *SPILL_ALL, "--checksum", *words)
        burst = told["burst"]
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]),
                         checksum_of(*OPTIONS))
        self.assertEqual(burst["batches_merged"], 0)
        self.assertEqual(burst["batches_reclaimed"], burst["batches_spilled"])
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertRegex(told["stderr"], r"^spillway: ")
        return told

    def test_refuses(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.reclaimed("--endpoint", f"https://127.0.0.1:{port}")

    def test_garbage(self):
        with Garbage() as server:
            self.reclaimed("--endpoint", server.url)

    def test_wrong_certificate(self):
        """Not the peer's CA: the system's, and another lambda-local's. With sanitizers on a busy
        machine it takes more than a second to read all of the system's."""
        with LambdaLocal() as server, LambdaLocal() as other:
            told = self.reclaimed("--endpoint", server.url, "--deadline-ms", 10000)
            self.assertIn("ertificate", told["stderr"])
            self.reclaimed("--endpoint", server.url, "--ca", other.ca)
            self.assertEqual(server.ledger(), [])

    def test_unknown_function(self):
        with LambdaLocal() as server:
            self.reclaimed(*server.options(), "--function", "nosuch")

    def test_function_that_does_not_answer(self):
        with LambdaLocal("--timeout-ms", 300, function="/bin/false") as server:
            self.reclaimed(*server.options())

    def test_bad_words(self):
        for words in [["--endpoint", "ftp://127.0.0.1"], ["--endpoint", "nonsense"],
                      ["--endpoint", "https://127.0.0.1:1", "--ca", "/nowhere/at/all.pem"]]:
            with self.subTest(words=words):
                done = spillway("run", *OPTIONS, *SPILL_ALL, *words)
                self.assertIn(done.returncode, (1, 2), done.stderr)
                self.assertRegex(done.stderr, r"^spillway: ")

    def test_lambda_local_that_does_not_start(self):
        """Its certificate has nowhere to go."""
        done = spillway("run", *OPTIONS, "--lambda-local=ca-out=/nowhere/at/all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("lambda-local", done.stderr)

    def test_lambda_local_that_refuses_its_options(self):
        """One line that says which; nothing is written."""
        for options, what in [("no-such-option=1", "--no-such-option=1: no such option"),
                              ("concurrency=0", "--concurrency: 0: out of range (1 to 1000)"),
                              ("--rtt-ms", "--rtt-ms: needs a value"),
                              ("--rtt-ms 1 more", "more: no such argument"),
                              ("faults=smoke:0.1", "smoke"),
                              ("--seed 1 " * 60, "too many options")]:
            with self.subTest(options=options), tempfile.TemporaryDirectory() as folder:
                done = spillway("run", *OPTIONS, f"--lambda-local={options}", "--report",
                                folder + "/report.json", "--output", folder + "/out.csv",
                                check=2)
                self.assertIn("--lambda-local: ", done.stderr)
                self.assertIn(what, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertEqual(os.listdir(folder), [])


QUERIES = [["q12", "--processing-time", "event", "--num-events", 40000],
           ["tokenize", "--num-events", 10000]]
ALL = ["--policy", "fixed", "--spill-share", 1, "--workers", 2, "--batch-rows", 200]


class Contracts(unittest.TestCase):
    """However batches get there, the result is that of a run without spilling."""

    def check(self, contract, query, expected, *words):
        told = report(*query, *ALL, "--checksum", *words)
        burst = told["burst"]
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
        self.assertEqual(burst["contract"], contract)
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertGreater(burst["batches_merged"], 0)
        return burst

    def test_each(self):
        """Told, or chosen by the URL; the same batches take fewer bytes without Base64."""
        for query in QUERIES:
            expected = checksum_of(*query)
            with LambdaLocal() as server:
                bursts = [self.check(contract, query, expected, *words)
                          for contract, words in [
                              ("invoke", server.options()),
                              ("http", ["--endpoint", server.url + "/url/spillway", "--ca",
                                        server.ca]),
                              ("http", ["--endpoint", server.url + "/api/spillway?any", "--ca",
                                        server.ca])]]
                ledger = server.ledger()
            for burst in bursts:
                self.assertEqual(burst["batches_merged"], burst["batches_spilled"])
                self.assertEqual(set(burst["errors"].values()), {0})
                self.assertGreater(burst["function_ms_billed"], 0)
            self.assertEqual(len({line["key"] for line in ledger}),
                             sum(burst["batches_spilled"] for burst in bursts))
            for burst in bursts[1:]:
                self.assertLess(burst["bytes_sent"], 0.8 * bursts[0]["bytes_sent"])

    def test_faults(self):
        spec = "faults=" + ",".join(f"{kind}:0.03" for kind in [
            "error", "timeout", "truncate", "corrupt", "kill", "reset", "throttle", "duplicate"])
        for contract in ["invoke", "http"]:
            errors = collections.Counter()
            for query in QUERIES:
                with self.subTest(contract=contract, query=query[0]):
                    burst = self.check(
                        contract, query, checksum_of(*query), "--contract", contract,
                        "--deadline-ms", 1000, "--retries", 4, "--max-inflight", 16,
                        f"--lambda-local={spec},timeout-ms=2000,seed=5")
                    errors.update(burst["errors"])
            for error in ["function_error", "corrupt", "throttled"]:
                self.assertGreater(errors[error], 0, error)

    def test_api_with_faults(self):
        """What fails behind a gateway says less."""
        query = QUERIES[0]
        with LambdaLocal("--faults", "error:0.05,kill:0.05,corrupt:0.05") as server:
            burst = self.check("http", query, checksum_of(*query), "--endpoint",
                               server.url + "/api/spillway", "--ca", server.ca, "--max-inflight",
                               16, "--retries", 9)
        self.assertEqual(burst["errors"]["function_error"], 0)
        self.assertGreater(burst["errors"]["transport"], 0)
        self.assertGreater(burst["errors"]["corrupt"], 0)

    def test_errors_the_function_tells(self):
        """Another kernel than those it has: its own answer, not the service's."""
        with LambdaLocal(function=f"exec {sys.executable} -B {PYTHON}") as server:
            told = report("q7", "--num-events", 2000, *ALL, "--checksum", "--retries", 0,
                          "--endpoint", server.url + "/url/spillway", "--ca", server.ca)
        burst = told["burst"]
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]),
                         checksum_of("q7", "--num-events", 2000))
        self.assertEqual(burst["batches_reclaimed"], burst["batches_spilled"])
        self.assertGreater(burst["errors"]["function_error"], 0)
        self.assertEqual(burst["errors"]["transport"], 0)
        self.assertIn("this function has none such", told["stderr"])

    def test_too_large(self):
        """A batch that the endpoint does not take is run here: we know, or are told."""
        query = ["q0", "--num-events", 20000, "--avg-bid-byte-size", 300]
        expected = checksum_of(*query)
        for contract, why in [("invoke", "at most 6291556"), ("http", "status 413")]:
            told = report(*query, *ALL[:4], "--workers", 1, "--batch-rows", 20000, "--ring-slots",
                          2, "--checksum", "--contract", contract,
                          "--lambda-local=timeout-ms=20000")
            burst = told["burst"]
            self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
            self.assertEqual((burst["batches_spilled"], burst["batches_reclaimed"]), (1, 1))
            self.assertEqual(burst["attempts"], 0 if contract == "invoke" else 1)
            self.assertIn(why, told["stderr"])

    def test_bad_words(self):
        for words, code, what in [
                (["--contract", "often"], 2, "contract"),
                (["--contract", "http", "--function", "f"], 2, "the URL says which"),
                (["--endpoint", "https://a.lambda-url.eu-west-1.on.aws", "--function", "f"], 1,
                 "the endpoint's URL says which"),
                (["--endpoint", "https://a/b", "--function", "f"], 1, "URL says which"),
                (["--contract", "invoke", "--endpoint", "https://a/?b"], 1, "no query"),
                (["--endpoint", "https:///b"], 1, "not an https:// address"),
                (["--endpoint", "https://a/b#c"], 1, "not an https:// address"),
                (["--endpoint", "http://a/b"], 1, "not an https:// address")]:
            with self.subTest(words=words):
                endpoint = [] if "--endpoint" in words else ["--endpoint", "https://127.0.0.1:1"]
                done = spillway("run", *OPTIONS, *SPILL_ALL, *words, *endpoint)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(what, done.stderr)


class Platform:
    """The function in Python as a server, behind a front that brings TLS and HTTP/2."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        key, self.ca = self.folder.name + "/key.pem", self.folder.name + "/ca.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", self.ca,
                        "-subj", "/CN=front", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.function = subprocess.Popen(
            [sys.executable, "-B", PYTHON, "--http", "127.0.0.1:0"], stdout=subprocess.PIPE,
            text=True)
        behind = self.function.stdout.readline().strip().removeprefix("http://").replace(":", ",")
        self.front = subprocess.Popen(
            ["nghttpx", f"--frontend=127.0.0.1,{port}", "--backend=" + behind, "--workers=1",
             "--conf=/dev/null", "--errorlog-file=/dev/null", key, self.ca],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{port}"
        wait_until(lambda: subprocess.run(["curl", "-s", "--cacert", self.ca, self.url],
                                          capture_output=True).returncode == 0)
        return self

    def __exit__(self, *_):
        for process in [self.front, self.function]:
            process.terminate()
            process.wait(timeout=20)
        self.function.stdout.close()
        self.folder.cleanup()


class PlainHttp(unittest.TestCase):
    def test_behind_a_front(self):
        if not shutil.which("nghttpx"):
            print("\nSKIPPED: nghttpx is not installed; plain HTTP was NOT tested", flush=True)
            self.skipTest("no nghttpx")
        with Platform() as platform:
            for query in QUERIES:
                expected = checksum_of(*query)
                told = report(*query, *ALL, "--checksum", "--endpoint", platform.url, "--contract",
                              "http", "--ca", platform.ca, "--max-inflight", 8)
                burst = told["burst"]
                self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
                self.assertEqual(burst["batches_merged"], burst["batches_spilled"], told)
                self.assertEqual(set(burst["errors"].values()), {0}, told["stderr"])
                # It does not say what it bills.
                self.assertIsNone(burst["function_ms_billed"])


class BadRows(unittest.TestCase):
    def test_rows(self):
        """A file with a bad row: which file, which line, what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            spillway("generate", "--num-events", 1000, "--output", folder, check=0)
            with open(folder + "/bid.csv") as file:
                good = file.read().split("\n")
            for line, change, what in [
                (17, lambda row: row.replace(row.split(",")[3], "12x", 1), "price"),
                (2, lambda row: row + ",more", "bid.csv"),
                (30, lambda row: ",".join(row.split(",")[:4]), "bid.csv"),
                (1, lambda row: row.replace("price", "prize"), "bid.csv"),
                (5, lambda row: row + '"', "bid.csv"),
                (9, lambda row: row.replace(row.split(",")[1], "9" * 30, 1), "auction"),
            ]:
                with self.subTest(line=line, what=what):
                    rows = list(good)
                    rows[line - 1] = change(rows[line - 1])
                    with open(folder + "/bid.csv", "w") as file:
                        file.write("\n".join(rows))
                    done = spillway("run", "q0", "--input", folder)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn("bid.csv", done.stderr)
                    self.assertIn(what, done.stderr)
                    self.assertIn(str(line), done.stderr)


def children_of(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(name))
    return found


def memory_of(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Interrupts(unittest.TestCase):
    def interrupt(self, times, *words):
        with tempfile.TemporaryDirectory() as folder:
            output, told = folder + "/out.csv", folder + "/report.json"
            process = start("run", *words, "--output", output, "--report", told)
            self.assertTrue(wait_until(lambda: os.path.exists(output)
                                       and os.path.getsize(output) > 100000))
            lambdas = children_of(process.pid)
            for _ in range(times):
                process.send_signal(subprocess.signal.SIGINT)
            _, error = process.communicate(timeout=30)
            with open(output) as file:
                text = file.read()
            with open(told) as file:
                self.report = common.json.load(file)
        self.assertEqual(process.returncode, 130, error)
        self.assertIs(self.report["complete"], False)
        for pid in lambdas:
            self.assertTrue(wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}")))
        return text

    def test_once(self):
        """Results so far are whole rows; the rates end the stream, not its end."""
        text = self.interrupt(1, "q0", "--num-events", 0, "--is-rate-limited",
                              "--first-event-rate", 100000, "--next-event-rate", 100000)
        self.assertTrue(text.endswith("\n"))
        for row in text.splitlines()[1:]:
            self.assertEqual(row.count(","), 4, row)

    def test_once_while_spilling(self):
        text = self.interrupt(1, "q0", "--num-events", 0, "--is-rate-limited",
                              "--first-event-rate", 20000, "--next-event-rate", 20000, "--policy",
                              "fixed", "--lambda-local=rtt-ms=20")
        self.assertTrue(text.endswith("\n"))

    def test_while_columns_are_made(self):
        """Replay's, of more events than would fit; it writes no row."""
        with tempfile.TemporaryDirectory() as folder:
            output, told = folder + "/out.csv", folder + "/report.json"
            process = start("run", "q0", "--num-events", 10**9, "--replay", "--output", output,
                            "--report", told)
            self.addCleanup(process.kill)
            self.assertTrue(wait_until(lambda: memory_of(process.pid) > 50e6))
            process.send_signal(subprocess.signal.SIGINT)
            _, error = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130, error)
            with open(told) as file:
                result = common.json.load(file)
            self.assertIs(result["complete"], False)
            self.assertEqual(result["result"]["rows"], len(common.lines_of(output)) - 1)

    def test_twice_with_rows_held_back(self):
        """The report counts the rows that are in the file."""
        for query, *words in [("q17",), ("q1", "--ordered")]:
            with self.subTest(query=query), tempfile.TemporaryDirectory() as folder:
                output, told = folder + "/out.csv", folder + "/report.json"
                log = folder + "/log.csv"
                process = start("run", query, *words, "--num-events", 0, "--is-rate-limited",
                                "--first-event-rate", 20000, "--next-event-rate", 20000,
                                "--output", output, "--changelog", log, "--report", told,
                                "--checksum")
                self.assertTrue(wait_until(lambda: os.path.exists(log)
                                           and os.path.getsize(log) > 100000))
                process.send_signal(subprocess.signal.SIGINT)
                time.sleep(0.001)  # two at once would be one
                process.send_signal(subprocess.signal.SIGINT)
                _, error = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 130, error)
                with open(told) as file:
                    result = common.json.load(file)["result"]
                printed = spillway("checksum", output, check=0).stdout
                self.assertEqual(result["rows"], len(common.lines_of(output)) - 1)
                self.assertEqual(result["checksum"], printed.split()[-1])

    def test_twice(self):
        self.interrupt(2, "q0", "--num-events", 0, "--is-rate-limited", "--first-event-rate",
                       100000, "--next-event-rate", 100000)


if __name__ == "__main__":
    common.main()
