#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Invoke API and the Runtime API, with nothing going wrong: curl in front of the local Lambda,
functions in Python and shell behind."""

import json
import tempfile
import time
import unittest

import lambda_local_fixture as local
from lambda_local_fixture import CAP, FUNCTION, Server


class Invoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shell = """while :; do
            E=$(curl -sS -D H$$ http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next)
            I=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *//Ip' H$$ | tr -d '\\r')
            curl -sS -d "[$E]" \
                http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$I/response
            done"""
        cls.work = tempfile.TemporaryDirectory()
        cls.server = Server(functions={"f": FUNCTION, "g": FUNCTION,
                                       "shell": f"cd {cls.work.name}; {shell}"})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.work.cleanup()

    def test_url(self):
        self.assertRegex(self.server.url, r"^https://127\.0\.0\.1:[0-9]+$")

    def test_payload_is_passed_unchanged(self):
        for text in [b'{ "a" :\t[1.0, "\xc3\xa9\\u00e9"]\n}', b"null", b'"x"', b"17"]:
            answer = self.server.invoke(text)
            self.assertEqual((answer.status, answer.body), (200, text))
            self.assertEqual(answer.headers["x-amz-executed-version"], "$latest")
            self.assertRegex(answer.headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
            self.assertNotIn("x-amz-function-error", answer.headers)
            self.assertGreater(int(answer.headers["x-spillway-function-us"]), 0)

    def test_no_payload_is_an_empty_object(self):
        self.assertEqual(self.server.invoke(b"").body, b"{}")

    def test_what_the_function_is_told(self):
        answer = self.server.invoke({"do": "tell"})
        told = answer.json()
        headers = {name.lower(): value for name, value in told["headers"].items()}
        identity = headers["lambda-runtime-aws-request-id"]
        self.assertEqual(identity, answer.headers["x-amzn-requestid"])
        left_s = int(headers["lambda-runtime-deadline-ms"]) / 1000 - time.time()
        self.assertTrue(0 < left_s < 61, left_s)
        arn = headers["lambda-runtime-invoked-function-arn"]
        self.assertRegex(arn, r"^arn:aws:lambda:.*:function:f$")
        self.assertRegex(headers["lambda-runtime-trace-id"], "^Root=1-[0-9a-f]{8}-[0-9a-f]{24};")
        self.assertEqual(told["environment"]["AWS_LAMBDA_FUNCTION_NAME"], "f")
        self.assertRegex(told["environment"]["AWS_LAMBDA_RUNTIME_API"], r"^127\.0\.0\.1:[0-9]+$")

    def test_environments_are_used_again(self):
        answers = [self.server.invoke({"do": "tell"}, name="g") for _ in range(5)]
        self.assertEqual(len({answer.json()["pid"] for answer in answers}), 1)
        cold = [answer.headers.get("x-spillway-cold") for answer in answers]
        self.assertEqual(cold, ["1", None, None, None, None])

    def test_shell_function(self):
        for value in [1, "two"]:
            answer = self.server.invoke(value, name="shell")
            self.assertEqual((answer.status, answer.body), (200, b"[%s]" %
                                                             json.dumps(value).encode()))

    def test_chunked_answer(self):
        self.assertEqual(self.server.invoke({"do": "chunks"}).body, b'{"a":1}')

    def test_function_error(self):
        answer = self.server.invoke({"do": "raise"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
        self.assertEqual(answer.json(), {"errorMessage": "by wish", "errorType": "Wish"})

    def test_runtime_that_exits(self):
        for value, why in [({"do": "exit", "code": 7}, "exit status 7"),
                           ({"do": "exit", "code": 0}, "without providing a reason"),
                           ({"do": "abort"}, "signal: ")]:
            answer = self.server.invoke(value)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
            self.assertEqual(answer.json()["errorType"], "Runtime.ExitError")
            self.assertIn(why, answer.json()["errorMessage"])
        self.assertEqual(self.server.invoke(1).body, b"1")

    def test_runtime_api_out_of_turn(self):
        self.assertEqual(self.server.invoke({"do": "wrong id"}).json(), [400, 403, 404])

    def test_largest_request(self):
        """One byte less, the most, one more; what is refused is not run."""
        with Server() as server:
            for size in [CAP - 1, CAP]:
                sent = b'"' + b"1" * (size - 2) + b'"'
                self.assertEqual(server.invoke(sent).body, sent)
            # Told before how long it is, or not.
            for words in [[], ["-H", "Content-Length:"]]:
                answer = server.invoke(b'"' + b"1" * (CAP - 1) + b'"', *words)
                self.assertEqual(answer.status, 413)
                self.assertEqual(answer.headers["x-amzn-errortype"], "requesttoolargeexception")
                self.assertEqual(answer.json(), {
                    "Type": "User", "message": f"{CAP + 1} byte payload is too large for the "
                    f"RequestResponse invocation type (limit {CAP} bytes)"})
            self.assertEqual(server.invoke(1).body, b"1")
            server.stop()
            self.assertEqual([line["outcome"] for line in server.ledger], ["ok"] * 3)

    def test_largest_answer(self):
        """The same, however the function sends it, and of what it says of a failure."""
        for do in ["large", "large chunks", "large error"]:
            with self.subTest(do=do), Server() as server:
                for size in [CAP - 1, CAP]:
                    answer = server.invoke({"do": do, "bytes": size})
                    self.assertEqual((answer.status, len(answer.body)), (200, size))
                    self.assertEqual(answer.body.strip(b'"').strip(b"x"), b"")
                    self.assertEqual("x-amz-function-error" in answer.headers,
                                     do == "large error")
                answer = server.invoke({"do": do, "bytes": CAP + 1})
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers["x-amz-function-error"], "unhandled")
                self.assertEqual(answer.json(), {
                    "errorType": "Function.ResponseSizeTooLarge",
                    "errorMessage": f"Response payload size ({CAP + 1} bytes) exceeded maximum "
                    f"allowed payload size ({CAP} bytes)."})
                # The environment has heard of it, and goes on.
                answer = server.invoke({"do": "tell"})
                self.assertNotIn("x-spillway-cold", answer.headers)
                server.stop()
                self.assertEqual(
                    [line["outcome"] for line in server.ledger],
                    ["error" if do == "large error" else "ok"] * 2 + ["error", "ok"])

    def refused(self, answer, status, kind):
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.headers["x-amzn-errortype"], kind.lower())
        self.assertEqual(answer.json()["Type"], "User")

    def test_refusals(self):
        base = "/2015-03-31/functions/"
        for name in ["nosuch", "f:v7", "f/invocations?Qualifier=3#"]:
            self.refused(self.server.invoke(1, name=name), 404, "ResourceNotFoundException")
        self.refused(self.server.invoke(b"{"), 400, "InvalidRequestContentException")
        self.refused(self.server.curl(base + "a%22b/invocations"), 400,
                     "InvalidParameterValueException")
        self.refused(self.server.invoke(1, "-H", "X-Amz-Invocation-Type: Never"), 400,
                     "InvalidParameterValueException")
        self.refused(self.server.curl("/other"), 404, "UnknownOperationException")
        self.refused(self.server.curl(base + "f/invocations", data=None), 405,
                     "MethodNotAllowedException")

    def test_names(self):
        for name in ["f:$LATEST", "f/invocations?Qualifier=%24LATEST#",
                     "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"]:
            self.assertEqual(self.server.invoke(1, name=name).status, 200)

    def test_other_invocation_types(self):
        answer = self.server.invoke(1, "-H", "X-Amz-Invocation-Type: DryRun")
        self.assertEqual((answer.status, answer.body), (204, b""))
        answer = self.server.invoke(1, "-H", "X-Amz-Invocation-Type: Event")
        self.assertEqual((answer.status, answer.body), (202, b""))

    def test_http2_and_a_known_authority_are_required(self):
        self.assertNotEqual(self.server.invoke(1, version="--http1.1").code, 0)
        self.assertNotEqual(self.server.invoke(1, version="--no-alpn").code, 0)
        with Server() as other:
            self.assertEqual(self.server.invoke(1, ca=other.ca).code, 60)
        self.assertNotEqual(self.server.invoke(1, "--tls-max", "1.1").code, 0)
        self.assertEqual(self.server.invoke(1, "--tls-max", "1.2").status, 200)

if __name__ == "__main__":
    local.main()
