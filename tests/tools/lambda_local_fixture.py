# SPDX-License-Identifier: MIT
"""What tests of the local Lambda share: a lambda-local of their own, and curl in front of it."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

LAMBDA_LOCAL = BOOTSTRAP = LOAD = None
HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTION = f"exec {sys.executable} {HERE}/lambda_function.py"
CAP = 6291556


def main():
    """unittest's main, after the programs have been taken from the command line."""
    global LAMBDA_LOCAL, BOOTSTRAP, LOAD
    LAMBDA_LOCAL, BOOTSTRAP, LOAD = (os.path.abspath(path) for path in sys.argv[1:4])
    unittest.main(module="__main__", argv=sys.argv[:1] + sys.argv[4:])


def die_with_us():
    """In a child: SIGTERM when this program ends, however it does (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Answer:
    def __init__(self, code, status, headers, body):
        self.code, self.status, self.headers, self.body = code, status, headers, body

    def json(self):
        return json.loads(self.body)


class Server:
    """A lambda-local of its own, with what it leaves behind."""

    def __init__(self, *options, functions=None):
        self.folder = tempfile.TemporaryDirectory()
        self.ca = self.folder.name + "/ca.pem"
        self.ledger_path = self.folder.name + "/ledger.jsonl"
        words = [LAMBDA_LOCAL, "--ca-out", self.ca, "--ledger", self.ledger_path]
        # A busy machine may take seconds to start a process; tests of time-outs say theirs.
        words += ["--timeout-ms", "60000"]
        for name, command in (functions or {"f": FUNCTION}).items():
            words += ["--function", f"{name}={command}"]
        self.errors = open(self.folder.name + "/errors", "w+", errors="replace")
        self.process = subprocess.Popen(words + list(options), stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, preexec_fn=die_with_us)
        self.url = self.process.stdout.readline().strip()
        self.ledger = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()

    def wait_for_lines(self, lines, seconds=20):
        """Until the ledger has so many."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with open(self.ledger_path) as file:
                if len(file.readlines()) >= lines:
                    return
            time.sleep(0.02)

    def stop(self, how=signal.SIGTERM):
        """Ends it, which must go well, and reads the ledger."""
        self.process.send_signal(how)
        code = self.process.wait(timeout=20)
        if code:
            self.errors.seek(0)
            raise AssertionError(f"lambda-local: exit code {code}:\n{self.errors.read()[-4000:]}")
        self.more_output = self.process.stdout.read()
        with open(self.ledger_path) as file:
            self.ledger = [json.loads(line) for line in file]

    def curl(self, path, *options, data=b"{}", version="--http2", ca=None):
        with tempfile.NamedTemporaryFile(dir=self.folder.name) as body, \
                tempfile.NamedTemporaryFile(dir=self.folder.name) as headers:
            words = ["curl", "-sS", version, "--cacert", ca or self.ca, "-D", headers.name,
                     "-o", body.name, "-w", "%{http_code}", "--max-time", "30", *options]
            if data is not None:
                words += ["--data-binary", "@-"]
            done = subprocess.run(words + [self.url + path], input=data or b"", timeout=60,
                                  capture_output=True)
            lines = headers.read().decode().lower().splitlines()
            pairs = dict(line.split(": ", 1) for line in lines if ": " in line)
            return Answer(done.returncode, int(done.stdout or 0), pairs, body.read())

    def invoke(self, value, *options, name="f", **more):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.curl(f"/2015-03-31/functions/{name}/invocations", *options, data=data, **more)

    def load(self, count=100, inflight=1, rows=50, delay_ns=0, timeout_ms=10000,
             kernel="q12.arrival"):
        words = [LOAD, self.url, self.ca, "f", kernel, count, inflight, rows, delay_ns, timeout_ms]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              timeout=100)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        told["stderr"] = done.stderr
        return told

