#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The local Lambda checks signatures: requests signed by curl, and by us with things made wrong."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

import lambda_local_fixture as local

PROBE = None
PATH = "/2015-03-31/functions/f/invocations"
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = f"""[default]
aws_access_key_id = {KEY}
aws_secret_access_key = {SECRET}
[session]
aws_access_key_id = ASIASESSION
aws_secret_access_key = other/secret
aws_session_token = session/token==
"""


def at(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + seconds))


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = cls.folder.name + "/keys"
        with open(path, "w") as file:
            file.write(KEYS)
        cls.server = local.Server("--require-signature", path)
        cls.host = cls.server.url.removeprefix("https://")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.folder.cleanup()

    def signed(self, target=PATH, body=b"{}", **change):
        """The headers of a good request, but for what is changed."""
        made = {
            "method": "POST", "target": target, "body": base64.b64encode(body).decode(),
            "access": KEY, "secret": SECRET, "time": at(0), "region": "eu-west-1",
            "service": "lambda", "more": [], **change
        }
        made["headers"] = [("Host", self.host), ("Content-Type", "application/json"),
                           ("X-Amz-Date", made["time"]), *made["more"]]
        done = subprocess.run([PROBE, "sign"], input=json.dumps(made) + "\n", text=True,
                              capture_output=True, check=True)
        return dict(made["headers"]) | {"Authorization": done.stdout.strip()}

    def send(self, headers, body=b"{}", target=PATH):
        words = []
        for name, value in headers.items():
            words += ["-H", f"{name}: {value}"]
        return self.server.curl(target, *words, data=body)

    def refused(self, kind, text, headers, **more):
        answer = self.send(headers, **more)
        self.assertEqual((answer.status, answer.headers.get("x-amzn-errortype")),
                         (403, kind.lower()), answer.body)
        self.assertEqual(list(answer.json()), ["message"])
        self.assertIn(text, answer.json()["message"])

    def test_good(self):
        self.assertEqual(self.send(self.signed()).status, 200)
        self.assertEqual(self.send(self.signed(time=at(-250))).status, 200)
        self.assertEqual(self.send(self.signed(time=at(250))).status, 200)
        headers = self.signed(more=[("X-Amz-Security-Token", "session/token==")],
                              access="ASIASESSION", secret="other/secret")
        self.assertEqual(self.send(headers).status, 200)
        target = ("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3A"
                  "function%3Af/invocations?Qualifier=%24LATEST")
        self.assertEqual(self.send(self.signed(target=target), target=target).status, 200)

    def test_signed_by_curl(self):
        answer = self.server.invoke({"a": 1}, "--aws-sigv4", "aws:amz:us-west-2:lambda",
                                    "--user", f"{KEY}:{SECRET}")
        self.assertEqual((answer.status, answer.json()), (200, {"a": 1}))
        answer = self.server.invoke({"a": 1}, "--aws-sigv4", "aws:amz:us-west-2:lambda",
                                    "--user", f"{KEY}:{SECRET}x")
        self.assertEqual(answer.status, 403)

    def test_missing(self):
        kind, text = "MissingAuthenticationTokenException", "Missing Authentication Token"
        self.refused(kind, text, {})
        self.refused(kind, text, {"Authorization": "Basic YTpi"})
        self.refused(kind, text, {}, target="/nothing/here")

    def test_incomplete(self):
        kind = "IncompleteSignatureException"
        good = self.signed()
        for part in ("Credential", "SignedHeaders", "Signature"):
            self.refused(kind, f"requires '{part}'",
                         good | {"Authorization": good["Authorization"].replace(part, "X", 1)})
        self.refused(kind, "5 slash-delimited elements",
                     good | {"Authorization": good["Authorization"].replace("/eu-west-1", "")})
        self.refused(kind, "ISO-8601", good | {"X-Amz-Date": 'now"\\'})
        del good["X-Amz-Date"]
        self.refused(kind, "requires existence", good)

    def test_unknown(self):
        kind, text = "UnrecognizedClientException", "security token included in the request is inv"
        token = [("X-Amz-Security-Token", "wrong")]
        self.refused(kind, text, self.signed(access="AKIAOTHER"))
        self.refused(kind, text, self.signed(more=token))
        self.refused(kind, text, self.signed(access="ASIASESSION", secret="other/secret"))
        self.refused(kind, text, self.signed(access="ASIASESSION", secret="other/secret",
                                             more=token))

    def test_wrong(self):
        kind, text = "InvalidSignatureException", "signature we calculated does not match"
        good = self.signed()
        self.refused(kind, text, self.signed(secret="wrong"))
        self.refused(kind, text, good, body=b"{ }")
        self.refused(kind, text, good, target=PATH + "?Qualifier=1")
        self.refused(kind, text, good | {"Content-Type": "text/plain"})
        self.refused(kind, text, good | {"Host": "elsewhere"})
        self.refused(kind, text, good | {"Authorization": good["Authorization"][:-1]})
        self.refused(kind, text, good | {"Authorization": good["Authorization"].replace(
            "eu-west-1", "eu-west-2")})
        self.refused(kind, "'x-amz-invocation-type' must be a 'SignedHeader'",
                     good | {"X-Amz-Invocation-Type": "RequestResponse"})
        self.refused(kind, "'Host' or ':authority' must be",
                     good | {"Authorization": good["Authorization"].replace("host;", "")})
        self.refused(kind, "correct service: 'lambda'", self.signed(service="s3"))

    def test_callers_by_http(self):
        """A Function URL is Lambda's, an HTTP API is not."""
        for target, service, other in [("/url/f/some/path?x=1", "lambda", "execute-api"),
                                       ("/api/f?x", "execute-api", "lambda")]:
            headers = self.signed(target=target, service=service)
            self.assertEqual(self.send(headers, target=target).status, 200)
            self.refused("InvalidSignatureException", f"correct service: '{service}'",
                         self.signed(target=target, service=other), target=target)
            self.refused("MissingAuthenticationTokenException", "Missing", {}, target=target)

    def test_times(self):
        kind = "InvalidSignatureException"
        self.refused(kind, "Signature expired: ", self.signed(time=at(-400)))
        self.refused(kind, "Signature not yet current: ", self.signed(time=at(400)))
        date = at(0)
        self.refused(kind, "Date in Credential scope does not match",
                     self.signed(time=date) | {"X-Amz-Date": "20150830" + date[8:]})

    def test_too_large(self):
        """What is too large is refused for that."""
        self.assertEqual(self.send({}, body=b'"' + b"x" * local.CAP + b'"').status, 413)

    def test_key_files(self):
        for text, why in [(None, "No such file"), ("", "no keys"), ("[a]\nregion=x\n", "no keys"),
                          ("[a]\naws_access_key_id=A\n", "aws_secret_access_key is missing"),
                          ("".join(f"[{n}]\naws_access_key_id=A{n}\naws_secret_access_key=S\n"
                                   for n in range(17)), "more than 16")]:
            path = self.folder.name + "/other"
            if text is not None:
                with open(path, "w") as file:
                    file.write(text)
            done = subprocess.run([local.LAMBDA_LOCAL, "--function", "f=true",
                                   "--require-signature", path], capture_output=True, text=True,
                                  timeout=20)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    local.LAMBDA_LOCAL, PROBE = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
