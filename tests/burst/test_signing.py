#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where credentials come from, with stand-ins for a container's endpoint and instance metadata."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROBE = None
SECRETS = ["hidden", "s3cr3t", "tok3n"]  # each secret here has one of these in it


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def answer(number, seconds=None, **more):
    """What both endpoints give, the number-th time."""
    keys = {"AccessKeyId": f"AKIA{number}", "SecretAccessKey": f"s3cr3t/{number}",
            "Token": f"tok3n{number}=="}
    if seconds is not None:
        keys["Expiration"] = in_seconds(seconds)
    return json.dumps({**keys, **more})


def together(test, check, cases):
    """check(*case) of all of them at once: they wait more than they work."""
    with ThreadPoolExecutor(len(cases)) as pool:
        futures = [pool.submit(check, *case) for case in cases]
    for case, future in zip(cases, futures):
        with test.subTest(case=str(case)[:60]):
            future.result()


class Together(unittest.TestSuite):
    """Tests side by side, for the same reason; their outcomes in their order."""

    @staticmethod
    def one(test):
        result = unittest.TestResult()
        test.run(result)
        return result

    def leaves(self):
        for item in self:
            if isinstance(item, Together):
                yield from item.leaves()
            else:
                yield item

    def run(self, result, debug=False):
        with ThreadPoolExecutor(6) as pool:
            for told in pool.map(self.one, self.leaves()):
                result.testsRun += told.testsRun
                result.failures += told.failures
                result.errors += told.errors
                result.skipped += told.skipped
        return result


class StandIn:
    """Answers requests by a function of method, path, headers and how many came: status, text."""

    def __init__(self, respond):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self):
                outer.seen.append((self.command, self.path, dict(self.headers)))
                status, text = respond(self.command, self.path, self.headers, len(outer.seen))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                try:
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # it wants no answer any more

            do_GET = do_PUT = handle_one

            def log_message(self, *_):
                pass

        self.seen = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Keys:
    """The probe, as long as the block lasts; never asks a real endpoint."""

    def __init__(self, test, **environment):
        self.test = test
        base = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        base.update(HOME="/nowhere/at/all", AWS_EC2_METADATA_DISABLED="true")
        base.update(environment)
        if "AWS_EC2_METADATA_SERVICE_ENDPOINT" in environment:
            del base["AWS_EC2_METADATA_DISABLED"]
        self.environment = base

    def __enter__(self):
        self.process = subprocess.Popen([PROBE, "keys"], env=self.environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        self.told = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self):
        line = self.lines.get(timeout=30)
        self.test.assertIsNotNone(line, "the probe ended")
        self.told.append(line)
        return line

    def state(self, wanted):
        """The next line about a state, which must be this one."""
        line = self.next()
        while "log" in line:
            line = self.next()
        self.test.assertEqual(line.get("state"), wanted, line)
        return line

    def refused(self):
        self.process.stdin.write("refused\n")
        self.process.stdin.flush()

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.reader.join()
        self.process.stdout.close()
        while not self.lines.empty():
            self.told.append(self.lines.get())
        if kind:
            return
        for line in filter(None, self.told):
            for name in ("log", "why", "error"):
                for secret in SECRETS:
                    self.test.assertNotIn(secret, line.get(name, ""))
        self.test.assertIn(code, (0, 1))


def metadata(keys):
    """Instance metadata that insists on version 2; keys gives the answer the n-th time."""
    times = [0]

    def respond(method, path, headers, _):
        if (method, path) == ("PUT", "/latest/api/token"):
            good = headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
            return (200, "hidden session") if good else (400, "")
        if headers["X-aws-ec2-metadata-token"] != "hidden session":
            return 401, ""
        if path == "/latest/meta-data/iam/security-credentials/":
            return 200, "a+role@home"
        if path == "/latest/meta-data/iam/security-credentials/a+role@home":
            times[0] += 1
            return keys(times[0])
        return 404, ""

    return respond


class Order(unittest.TestCase):
    def test_none(self):
        with Keys(self) as keys:
            keys.state("none")

    def test_environment_first(self):
        """Then the files, the container's endpoint, instance metadata."""
        with tempfile.TemporaryDirectory() as folder, \
                StandIn(lambda *_: (200, answer("container"))) as container, \
                StandIn(metadata(lambda _: (200, answer("instance")))) as instance:
            with open(folder + "/credentials", "w") as file:
                file.write("[default]\naws_access_key_id = AKIAshared\n"
                           "aws_secret_access_key = s3cr3t\n")
            with open(folder + "/config", "w") as file:
                file.write("[default]\naws_access_key_id = AKIAconfig\n"
                           "aws_secret_access_key = s3cr3t\n")
            environment = {
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.url + "/",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/keys?id=1",
                "AWS_CONFIG_FILE": folder + "/config",
                "AWS_SHARED_CREDENTIALS_FILE": folder + "/credentials",
                "AWS_ACCESS_KEY_ID": "AKIAenvironment",
                "AWS_SECRET_ACCESS_KEY": "s3cr3t",
            }
            for name, near in [("environment", True), ("shared", True), ("config", True),
                               ("container", False), ("instance", False)]:
                with self.subTest(source=name), Keys(self, **environment) as keys:
                    if not near:
                        keys.state("looking")
                    got = keys.state("ready")
                    self.assertEqual(got["access"], "AKIA" + name)
                    self.assertTrue(got["not_dumped"])
                if name == "environment":
                    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
                elif name == "shared":
                    del environment["AWS_SHARED_CREDENTIALS_FILE"]
                elif name == "config":
                    del environment["AWS_CONFIG_FILE"]
                else:
                    environment.pop("AWS_CONTAINER_CREDENTIALS_FULL_URI", None)
            self.assertEqual([path for _, path, _ in container.seen], ["/keys?id=1"])
            self.assertEqual([method for method, _, _ in instance.seen], ["PUT", "GET", "GET"])

    def test_profile(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + "/.aws")
            with open(folder + "/.aws/credentials", "w") as file:
                file.write("[default]\naws_access_key_id=A\naws_secret_access_key=s3cr3t\n"
                           "[work]\naws_access_key_id=B\naws_secret_access_key=s3cr3t\n"
                           "aws_session_token=tok3n\n[half]\naws_secret_access_key=s3cr3t\n")
            with Keys(self, HOME=folder) as keys:
                self.assertEqual(keys.state("ready")["access"], "A")
            with Keys(self, HOME=folder, AWS_PROFILE="work") as keys:
                got = keys.state("ready")
                self.assertEqual((got["access"], got["token"]), ("B", "tok3n"))
            for profile, what in [("half", "aws_access_key_id"), ("other", "no such profile")]:
                with Keys(self, HOME=folder, AWS_PROFILE=profile) as keys:
                    self.assertIn(what, keys.next()["error"])

    def test_half_an_environment(self):
        with Keys(self, AWS_SECRET_ACCESS_KEY="s3cr3t") as keys:
            self.assertIn("AWS_ACCESS_KEY_ID", keys.next()["error"])

    def test_environment_expires(self):
        environment = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
        with Keys(self, AWS_CREDENTIAL_EXPIRATION=in_seconds(100), **environment) as keys:
            keys.state("ready")
        with Keys(self, AWS_CREDENTIAL_EXPIRATION=in_seconds(-1), **environment) as keys:
            self.assertIn("expired", keys.state("failed")["why"])

    def test_file_is_read_again(self):
        """When the service refuses what it held."""
        with tempfile.TemporaryDirectory() as folder:
            for number in (1, 2):
                with open(folder + "/new", "w") as file:
                    file.write(f"[default]\naws_access_key_id=A{number}\n"
                               "aws_secret_access_key=s3cr3t\n")
                os.rename(folder + "/new", folder + "/keys")
                if number == 1:
                    keys = Keys(self, AWS_SHARED_CREDENTIALS_FILE=folder + "/keys")
                    keys.__enter__()
                    self.assertEqual(keys.state("ready")["access"], "A1")
            keys.refused()
            self.assertEqual(keys.state("ready")["access"], "A2")
            keys.__exit__(None)


class Container(unittest.TestCase):
    def test_authorization(self):
        with tempfile.TemporaryDirectory() as folder, StandIn(
                lambda method, path, headers, _: (200, answer(headers["Authorization"]))) as server:
            with open(folder + "/token", "w") as file:
                file.write("AfromFile\n")
            url = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/a"}
            with Keys(self, **url) as keys:
                keys.state("looking")
                self.assertEqual(keys.state("ready")["access"], "AKIANone")
            url["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Basic"
            with Keys(self, **url) as keys:
                keys.state("looking")
                self.assertEqual(keys.state("ready")["access"], "AKIABasic")
            url["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = folder + "/token"
            with Keys(self, **url) as keys:
                keys.state("looking")
                self.assertEqual(keys.state("ready")["access"], "AKIAAfromFile")
            with open(folder + "/token", "w") as file:
                file.write("hidden\r\nX-Other: 1\n")
            with Keys(self, **url) as keys:
                keys.state("looking")
                self.assertIn("more than one line", keys.state("failed")["why"])
            os.remove(folder + "/token")
            with Keys(self, **url) as keys:
                keys.state("looking")
                self.assertIn("No such file", keys.state("failed")["why"])

    def test_refreshed_before_they_expire(self):
        with StandIn(lambda *seen: (200, answer(seen[3], 6))) as server, \
                Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/a") as keys:
            keys.state("looking")
            before = keys.state("ready")
            after = keys.state("ready")
            self.assertEqual((before["access"], after["access"]), ("AKIA1", "AKIA2"))
            self.assertEqual((before["version"], after["version"]), (1, 2))

    def test_kept_while_the_endpoint_fails(self):
        """The keys serve until they expire, and new ones when it is back."""
        def respond(_method, _path, _headers, count):
            return (500, "s3cr3t") if count == 2 else (200, answer(count, 12))

        with StandIn(respond) as server, \
                Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/a") as keys:
            keys.state("looking")
            self.assertEqual([keys.state("ready")["access"] for _ in range(3)],
                             ["AKIA1", "AKIA1", "AKIA3"])
            self.assertEqual(sum("status 500" in line.get("log", "") for line in keys.told), 1)

    def test_expired(self):
        with StandIn(lambda *seen: (200, answer(seen[3], -5 if seen[3] == 1 else 100))) as server, \
                Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/a") as keys:
            keys.state("looking")
            self.assertIn("expired", keys.state("failed")["why"])
            self.assertEqual(keys.state("ready")["access"], "AKIA2")

    def test_bad_answers(self):
        """They are told of, and asked for again."""
        together(self, self.bad_answer, [
                (404, "{}", "status 404"), (200, "", "no JSON"), (200, "hidden", "no JSON"),
                (200, '{"AccessKeyId": "A"}', "no AccessKeyId"),
                (200, answer(1, Expiration="hidden"), "not a time"),
                (200, '{"Token": "' + "tok3n" * 10000 + '"}', "no JSON"),
                (200, "x" * 100000, "container endpoint: "),
                (301, "", "status 301")])

    def bad_answer(self, status, text, why):
        with StandIn(lambda *seen: (status, text) if seen[3] == 1 else (200, answer(2))) as server, \
                Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/a") as keys:
            keys.state("looking")
            self.assertIn(why, keys.state("failed")["why"])
            self.assertEqual(keys.state("ready")["access"], "AKIA2")

    def test_nobody_there(self):
        with Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/") as keys:
            keys.state("looking")
            self.assertIn("container endpoint", keys.state("failed")["why"])

    def test_address_elsewhere(self):
        with Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/") as keys:
            self.assertIn("neither https nor", keys.next()["error"])

    def test_end_while_it_hangs(self):
        with StandIn(lambda *_: time.sleep(20) or (200, answer(1))) as server, \
                Keys(self, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/a") as keys:
            keys.state("looking")
            while not server.seen:
                time.sleep(0.01)


class Instance(unittest.TestCase):
    def test_refreshed_before_they_expire(self):
        with StandIn(metadata(lambda n: (200, answer(n, 6, Code="Success")))) as server, \
                Keys(self, AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url) as keys:
            keys.state("looking")
            self.assertEqual([keys.state("ready")["access"] for _ in range(2)], ["AKIA1", "AKIA2"])
            self.assertEqual([method for method, _, _ in server.seen][:6], ["PUT", "GET", "GET"] * 2)

    def test_not_here(self):
        """No such service, one that refuses version 2, an instance without a role: no keys."""
        def no_role(method, path, headers, count):
            if method == "PUT":
                return metadata(None)(method, path, headers, count)
            return 404, ""

        for respond in (lambda *_: (404, ""), lambda *_: (403, ""), lambda *_: (200, ""), no_role):
            with self.subTest(respond=respond), StandIn(respond) as server, \
                    Keys(self, AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url) as keys:
                keys.state("looking")
                keys.state("none")
        with Keys(self, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1") as keys:
            keys.state("looking")
            keys.state("none")

    def test_bad_answers(self):
        together(self, self.bad_answer, [
            (500, ""), (200, '{"Code": "AssumeRoleUnauthorizedAccess"}'), (200, "hidden")])

    def bad_answer(self, *first):
        with StandIn(metadata(lambda n: first if n == 1 else (200, answer(n)))) as server, \
                Keys(self, AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url) as keys:
            keys.state("looking")
            self.assertIn("instance metadata", keys.state("failed")["why"])
            self.assertEqual(keys.state("ready")["access"], "AKIA2")

    def test_strange_role(self):
        def respond(method, path, headers, count):
            if path.endswith("/security-credentials/"):
                return 200, "../../../hidden?"
            return metadata(None)(method, path, headers, count)

        with StandIn(respond) as server, \
                Keys(self, AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url) as keys:
            keys.state("looking")
            self.assertIn("no role's name", keys.state("failed")["why"])


if __name__ == "__main__":
    PROBE = sys.argv.pop(1)
    loader = unittest.TestLoader()
    loader.suiteClass = Together
    unittest.main(testLoader=loader)
