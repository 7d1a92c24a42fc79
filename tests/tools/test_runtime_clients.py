#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lambda-local against the official clients of the Runtime API, unchanged: those that are here.

Python: awslambdaric, in the Python that runs this or in $SW_RIC_PYTHON. Java: the jars of
aws-lambda-java-runtime-interface-client in ~/.m2 or in the folder $SW_RIC_JARS. Go:
aws-lambda-go in Go's module cache. Nothing is downloaded.
"""

import base64
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import function_frames as frames
from function_fixture import FUNCTIONS, Server, common, compile_java, skipped

GO_MODULE = "github.com/aws/aws-lambda-go"
GO_FUNCTION = """
package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event map[string]any) (any, error) {
	switch event["do"] {
	case "fail":
		return nil, errors.New("by wish")
	case "panic":
		panic("by wish")
	}
	about, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	text, err := json.Marshal(event)
	return map[string]any{"event": string(text), "id": about.AwsRequestID,
		"arn": about.InvokedFunctionArn, "deadline": deadline.UnixMilli()}, err
}

func main() {
	lambda.Start(handle)
}
"""


class OurHandlers(unittest.TestCase):
    """The functions as AWS runs them: our handlers, their clients."""

    def check(self, command):
        dice = random.Random(9)
        good = [frames.event_of(frames.random_frame(dice, kernel, rows))
                for kernel in frames.KERNELS for rows in [0, 1, 50]]
        bad = [frames.event_of(frame) for _, frame in frames.broken_frames()][::5]
        with Server({"c": common.BIN + "/bootstrap", "theirs": command}) as server:
            expected = server.invoke_all("c", good + bad + good[:1])
            told = server.invoke_all("theirs", good + bad + good[:1])
            environments = {line["environment"] for line in server.ledger()
                            if line["function"] == "theirs"}
        self.assertEqual(len(environments), 1, "the process did not live on")
        for (answer, failed), (other, other_failed) in zip(told, expected):
            self.assertEqual(failed, other_failed, answer)
            if failed:
                # Java's are classes of a package, whose names are lower case.
                kind = answer["errorType"].rsplit("$", 1)[-1].rsplit(".", 1)[-1]
                self.assertEqual("Spillway." + kind, other["errorType"])
            else:
                self.assertEqual(*(frames.rows_of(base64.b64decode(one["frame"]))
                                   for one in (answer, other)))

    def test_python(self):
        python = os.environ.get("SW_RIC_PYTHON", sys.executable)
        if subprocess.run([python, "-c", "import awslambdaric"], capture_output=True).returncode:
            skipped(self, "awslambdaric is not installed; lambda-local was NOT tested with it")
        self.check(f"cd {FUNCTIONS}/python; exec {python} -B -m awslambdaric handler.handler")

    def test_java(self):
        jars = java_jars()
        with tempfile.TemporaryDirectory() as folder:
            classes = jars and compile_java(folder)
            if not classes:
                skipped(self, "aws-lambda-java-runtime-interface-client or a JDK is not "
                              "installed; lambda-local was NOT tested with it")
            self.check(f"exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "
                       f"{':'.join([classes, *jars])} "
                       "com.amazonaws.services.lambda.runtime.api.client.AWSLambda "
                       "spillway.Handler::handleRequest")


def java_jars():
    """The client's and those that it needs, or nothing."""
    folder = os.environ.get("SW_RIC_JARS", os.path.expanduser("~/.m2/repository/com/amazonaws"))
    found = []
    for name in ["runtime-interface-client", "core", "serialization"]:
        jars = glob.glob(f"{folder}/**/aws-lambda-java-{name}-[0-9]*.jar", recursive=True)
        if not jars:
            return []
        found.append(max(jars, key=os.path.getmtime))
    return found


class Go(unittest.TestCase):
    def build(self, folder):
        """The function, built without a network."""
        environment = {**os.environ, "GOPROXY": "off", "GOSUMDB": "off", "GOFLAGS": "-mod=mod",
                       "GOTOOLCHAIN": "local"}
        if not shutil.which("go"):
            return False
        cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True,
                               check=True).stdout.strip()
        versions = sorted(glob.glob(f"{cache}/{GO_MODULE}@v*"), key=os.path.getmtime)
        if not versions:
            return False
        with open(folder + "/main.go", "w") as file:
            file.write(GO_FUNCTION)
        with open(folder + "/go.mod", "w") as file:
            file.write(f"module function\n\ngo 1.21\n\nrequire {GO_MODULE} "
                       f"{versions[-1].rsplit('@', 1)[1]}\n")
        subprocess.run(["go", "build", "-o", "function", "."], cwd=folder, env=environment,
                       check=True, timeout=280)
        return True

    def test_go(self):
        with tempfile.TemporaryDirectory() as folder:
            if not self.build(folder):
                skipped(self, f"Go or {GO_MODULE} is not installed; lambda-local was NOT tested "
                              "with it")
            events = [{"do": "tell", "text": "é \u2028 \"x\"", "n": 1}, {"do": "fail"},
                      {"do": "tell"}, {"do": "panic"}, {"do": "tell"}, {"do": "tell"}]
            with Server({"f": folder + "/function"}) as server:
                told = server.invoke_all("f", [json.dumps(event).encode() for event in events])
                environments = [line["environment"] for line in server.ledger()]
        self.assertEqual([failed for _, failed in told], [False, True, False, True, False, False])
        for i in (0, 2, 4, 5):
            answer = told[i][0]
            self.assertEqual(json.loads(answer["event"]), events[i])
            self.assertRegex(answer["id"], "^[0-9a-f-]{36}$")
            self.assertRegex(answer["arn"], "^arn:aws:lambda:.*:function:f$")
            self.assertGreater(answer["deadline"], 1700000000000)
        self.assertEqual(told[1][0]["errorMessage"], "by wish")
        self.assertEqual(told[3][0]["errorMessage"], "by wish")
        # The client ends its process after a panic.
        self.assertEqual([len(set(part)) for part in (environments[:4], environments[4:])], [1, 1])
        self.assertNotEqual(environments[4], environments[3], "it lives on after a panic")


if __name__ == "__main__":
    common.main()
