#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Spilled batches with signed requests, held against a lambda-local that checks them."""

import json
import os
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import common
from common import checksum_of, report, spillway

OPTIONS = ["q7", "--num-events", 20000, "--workers", 2, "--batch-rows", 500]
SPILL_ALL = ["--policy", "fixed", "--spill-share", 1]
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Environment:
    """The process's own environment with these AWS variables and no others."""

    def __init__(self, **wanted):
        self.wanted = {"AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/at/all",
                       "AWS_CONFIG_FILE": "/nowhere/at/all", **wanted}

    def __enter__(self):
        self.before = {name: os.environ.pop(name) for name in list(os.environ)
                       if name.startswith("AWS_")}
        os.environ.update(self.wanted)

    def __exit__(self, *_):
        for name in self.wanted:
            del os.environ[name]
        os.environ.update(self.before)


class Endpoint:
    """A container's endpoint: first nothing good for a while, then keys that soon expire."""

    def __init__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.count += 1
                soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
                body = json.dumps({"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": SECRET,
                                   "Expiration": soon}).encode()
                time.sleep(0.5 if outer.count == 1 else 0)
                self.send_response(503 if outer.count == 2 else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.count = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/keys" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Signing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.keys = cls.folder.name + "/keys"
        with open(cls.keys, "w") as file:
            file.write(f"[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key={SECRET}\n"
                       "[session]\naws_access_key_id=ASIASESSION\naws_secret_access_key=other\n"
                       "aws_session_token=tok/en==\n")
        cls.expected = checksum_of(*OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_query(self, *words, local=""):
        options = f"require-signature={self.keys}" + ("," + local if local else "")
        told = report(*OPTIONS, *SPILL_ALL, "--checksum", f"--lambda-local={options}", *words)
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), self.expected)
        self.assertEqual((told["burst"]["lost"], told["burst"]["doubled"]), (0, 0))
        self.assertNotIn(SECRET, json.dumps(told))
        return told

    def all_merged(self, *words, **more):
        told = self.run_query(*words, **more)
        self.assertGreater(told["burst"]["batches_merged"], 0)
        self.assertEqual(told["burst"]["batches_merged"], told["burst"]["batches_spilled"], told)

    def all_reclaimed(self, why, *words):
        told = self.run_query("--retries", 1, *words)
        self.assertEqual(told["burst"]["batches_merged"], 0)
        self.assertIn(why, told["stderr"])

    def test_environment(self):
        with Environment(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY=SECRET):
            self.all_merged("--region", "eu-west-1")
            self.all_merged("--region", "eu-west-1", "--contract", "http")
            with Environment(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY=SECRET,
                             AWS_REGION="ap-south-1"):
                self.all_merged("--sign", "always")

    def test_profile_with_session_token(self):
        with Environment(AWS_SHARED_CREDENTIALS_FILE=self.keys, AWS_PROFILE="session"):
            self.all_merged("--region", "eu-west-1")

    def test_each_attempt_is_signed(self):
        """Throttled and failed ones are sent again, which changes their bodies."""
        with Environment(AWS_SHARED_CREDENTIALS_FILE=self.keys):
            told = self.run_query("--region", "eu-west-1", "--retries", 20,
                                  local="faults=error:0.2,throttle:0.2")
        burst = told["burst"]
        self.assertGreater(burst["batches_merged"], 0)
        self.assertGreater(burst["attempts"], burst["batches_spilled"])
        self.assertEqual(burst["errors"]["transport"], 0, told["stderr"])

    def test_not_signed(self):
        with Environment(AWS_SHARED_CREDENTIALS_FILE=self.keys):
            self.all_reclaimed("Missing Authentication Token")
            self.all_reclaimed("Missing Authentication Token", "--sign", "never")
        with Environment():
            self.all_reclaimed("Missing Authentication Token", "--region", "eu-west-1")
            self.all_reclaimed("there are none", "--region", "eu-west-1", "--sign", "always")

    def test_wrong_secret(self):
        with Environment(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="wrong"):
            self.all_reclaimed("does not match", "--region", "eu-west-1")

    def test_told_at_once(self):
        endpoint = [*SPILL_ALL, "--endpoint", "https://lambda.eu-west-1.amazonaws.com"]
        for variables, words, why in [
                ({"AWS_PROFILE": "nobody"}, [], "nobody: no such profile"),
                ({"AWS_ACCESS_KEY_ID": "A"}, [], "not AWS_SECRET_ACCESS_KEY"),
                ({}, ["--region", "Upper"], "not a region's name")]:
            with self.subTest(why=why), Environment(**variables):
                done = spillway("run", *OPTIONS, *endpoint, *words)
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)
        for words, code in [(["--sign", "often"], 2), (["--sign", "never", "--region", "x"], 2)]:
            self.assertEqual(spillway("run", *OPTIONS, *endpoint, *words).returncode, code)

    def test_refreshed_during_a_run(self):
        """Keys that are slow to come, and expire while the run lasts."""
        paced = ["--is-rate-limited", "--first-event-rate", 3000, "--next-event-rate", 3000]
        with Endpoint() as endpoint, \
                Environment(AWS_CONTAINER_CREDENTIALS_FULL_URI=endpoint.url):
            told = report("q7", "--num-events", 24000, "--workers", 1, "--batch-rows", 300, *paced,
                          *SPILL_ALL, f"--lambda-local=require-signature={self.keys}", "--region",
                          "eu-west-1")
        self.assertGreater(endpoint.count, 2)
        self.assertEqual(told["burst"]["errors"]["transport"], 0, told["stderr"])
        self.assertGreater(told["burst"]["batches_merged"], 0)


if __name__ == "__main__":
    common.main()
