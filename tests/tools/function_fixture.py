# SPDX-License-Identifier: MIT
"""What tests of functions share: how each is started, and many events sent to one in a row."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FUNCTIONS = os.path.join(ROOT, "tools", "functions")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import common  # noqa: E402


def skipped(test, why):
    """Says so where a reader of the whole run sees it."""
    print(f"\nSKIPPED: {why}", flush=True)
    test.skipTest(why)


def compile_java(folder):
    """The classes' folder, or None without a compiler."""
    if not shutil.which("javac") or not shutil.which("java"):
        return None
    sources = os.path.join(FUNCTIONS, "java", "spillway")
    subprocess.run(["javac", "--release", "17", "-Xlint:all", "-Werror", "-d", folder,
                    *(os.path.join(sources, name) for name in sorted(os.listdir(sources)))],
                   check=True, timeout=120)
    return folder


def java_command(classes):
    return f"exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp {classes} spillway.Bootstrap"


def commands(classes):
    """How each function is started, by its language."""
    found = {"c": common.BIN + "/bootstrap",
             "python": f"exec {sys.executable} -B {FUNCTIONS}/python"}
    if classes:
        found["java"] = java_command(classes)
    return found


class Server(common.LambdaLocal):
    """A lambda-local with one environment for each of some functions, which may take their time."""

    def __init__(self, functions, *words):
        for name, command in functions.items():
            words = ("--function", f"{name}={command}", *words)
        super().__init__("--concurrency", 1, "--timeout-ms", 120000, *words)

    def post_all(self, path, bodies, *more):
        """Posts each in order over one connection; curl's files of the heads and the bodies."""
        with tempfile.TemporaryDirectory() as folder:
            lines = []
            for i, body in enumerate(bodies):
                with open(f"{folder}/{i}", "wb") as file:
                    file.write(body)
                lines += [f"url = {self.url}{path}", "silent", "show-error", "http2",
                          f"cacert = {self.ca}", "max-time = 130", *more,
                          f'data-binary = "@{folder}/{i}"', f'output = "{folder}/{i}.answer"',
                          f'dump-header = "{folder}/{i}.head"', "next"]
            done = subprocess.run(["curl", "--config", "-"], input="\n".join(lines[:-1]),
                                  text=True, capture_output=True, timeout=280)
            assert done.returncode == 0, done.stderr
            return [self.answer(f"{folder}/{i}") for i in range(len(bodies))]

    def invoke_all(self, name, events):
        """Each event's answer (as JSON) and whether it was a function error, in order."""
        told = self.post_all(f"/2015-03-31/functions/{name}/invocations", events)
        for status, _, body in told:
            assert status == 200, body
        return [(json.loads(body), "x-amz-function-error" in headers)
                for _, headers, body in told]

    @staticmethod
    def answer(path):
        """Status, headers by their names in lower case, body."""
        with open(path + ".head") as file:
            status, *lines = file.read().lower().splitlines()
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        body = b""
        if os.path.exists(path + ".answer"):
            with open(path + ".answer", "rb") as file:
                body = file.read()
        return int(status.split()[1]), headers, body
