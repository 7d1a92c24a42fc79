#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line of the local Lambda, and of the C function."""

import os
import re
import subprocess
import unittest

import lambda_local_fixture as local
from lambda_local_fixture import Server


class CommandLine(unittest.TestCase):
    def refused(self, code, thing, *words):
        done = subprocess.run([local.LAMBDA_LOCAL, *words], capture_output=True, text=True,
                              timeout=20)
        self.assertEqual((done.returncode, done.stdout), (code, ""))
        self.assertRegex(done.stderr, r"^lambda-local: [^\n]+: [^\n]+\n$")
        self.assertIn(thing, done.stderr)

    def test_refusals(self):
        function = ["--function", "f=true"]
        self.refused(2, "--function", )
        self.refused(2, "--frob", *function, "--frob")
        self.refused(2, "boom", *function, "--faults", "boom:0.1")
        self.refused(2, "50 to 30000", *function, "--api-timeout-ms", "49")
        self.refused(2, "1 to 1000", *function, "--concurrency", "1001")
        self.refused(1, "/no/such", *function, "--ca-out", "/no/such/file")
        self.refused(1, "/no/such", *function, "--ledger", "/no/such/file")
        self.refused(1, "192.0.2.1", *function, "--listen", "192.0.2.1:1")

    def test_port_in_use(self):
        with Server() as server:
            port = re.search(r":(\d+)$", server.url).group(1)
            self.refused(1, port, "--function", "f=true", "--listen", f"127.0.0.1:{port}")

    def test_help(self):
        done = subprocess.run([local.LAMBDA_LOCAL, "--help"], capture_output=True, text=True,
                              timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ["listen", "ca-out", "function", "concurrency", "cold-start-ms", "rtt-ms",
                       "faults", "seed", "ledger", "timeout-ms", "api-timeout-ms"]:
            self.assertIn("--" + option, done.stdout)

    def test_ipv6(self):
        try:
            with Server("--listen", "[::1]:0") as server:
                if server.url:
                    self.assertEqual(server.invoke(1).status, 200)
        except OSError as why:
            self.skipTest(str(why))

    def test_bootstrap_outside_lambda(self):
        bare = {name: value for name, value in os.environ.items()
                if name != "AWS_LAMBDA_RUNTIME_API"}
        for variables, why in [(bare, "not set"),
                               (bare | {"AWS_LAMBDA_RUNTIME_API": "nowhere"}, "ADDRESS:PORT"),
                               (bare | {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}, "refused")]:
            done = subprocess.run([local.BOOTSTRAP], env=variables, capture_output=True, text=True,
                                  timeout=20)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    local.main()
