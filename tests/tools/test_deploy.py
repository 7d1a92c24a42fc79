#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packages that tools/deploy makes, run as they are; what it prints; the templates, offline."""

import importlib.util
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import function_frames as frames
from function_fixture import FUNCTIONS, ROOT, Server, common, java_command, skipped

DEPLOY = os.path.join(ROOT, "tools", "deploy")
HAVE_JAVA = bool(shutil.which("javac") and shutil.which("java"))
LANGUAGES = ["c", "python"] + ["java"] * HAVE_JAVA


def deploy(*words):
    return subprocess.run([sys.executable, DEPLOY, *words], capture_output=True, text=True,
                          timeout=120)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.done = deploy("--bin", common.BIN, "--output", cls.folder.name, "--region",
                          "eu-north-1", "--account", "123456789012")
        assert cls.done.returncode == 0, cls.done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def package(self, language):
        return f"{self.folder.name}/spillway-{language}.zip"

    def unpacked_c(self, folder):
        subprocess.run([sys.executable, "-m", "zipfile", "-e", self.package("c"), folder],
                       check=True)
        with zipfile.ZipFile(self.package("c")) as package:
            for info in package.infolist():
                os.chmod(os.path.join(folder, info.filename), info.external_attr >> 16 & 0o777)
        return folder + "/bootstrap"

    def test_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            again = deploy("--bin", common.BIN, "--output", folder)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(sorted(os.listdir(folder)), sorted(os.listdir(self.folder.name)))
            for name in os.listdir(folder):
                with open(f"{folder}/{name}", "rb") as one, \
                        open(f"{self.folder.name}/{name}", "rb") as other:
                    self.assertEqual(one.read(), other.read(), name)
        for language in LANGUAGES:
            with zipfile.ZipFile(self.package(language)) as package:
                times = {info.date_time for info in package.infolist()}
                self.assertEqual(times, {(1980, 1, 1, 0, 0, 0)})

    def test_they_run(self):
        """As they are, under lambda-local: the same answers from each."""
        dice = random.Random(5)
        events = [frames.event_of(frames.random_frame(dice, kernel, 50))
                  for kernel in frames.KERNELS]
        with tempfile.TemporaryDirectory() as folder:
            functions = {"c": self.unpacked_c(folder),
                         "python": f"exec {sys.executable} {self.package('python')}",
                         "java": java_command(self.package("java"))}
            with Server({name: functions[name] for name in LANGUAGES}) as server:
                told = {name: [frames.rows_of(frames.base64.b64decode(answer["frame"]))
                               for answer, _ in server.invoke_all(name, events)]
                        for name in LANGUAGES}
        for language in LANGUAGES:
            self.assertEqual(told[language], told["c"], language)

    def test_c_is_small_and_whole(self):
        """At most 2 MB stripped; its loader finds every library in the package."""
        with tempfile.TemporaryDirectory() as folder:
            self.unpacked_c(folder)
            self.assertLessEqual(os.path.getsize(folder + "/spillway-function"), 2 << 20)
            loader, = [name for name in os.listdir(folder + "/lib") if name.startswith("ld-")]
            listed = subprocess.run(
                [f"{folder}/lib/{loader}", "--library-path", folder + "/lib", "--list",
                 folder + "/spillway-function"], capture_output=True, text=True, check=True)
            for line in listed.stdout.splitlines():
                if "=>" in line and loader not in line:
                    self.assertIn(f"=> {folder}/lib/", line)

    def commands(self):
        return [shlex.split(line, comments=True)
                for line in self.done.stdout.replace("\\\n", " ").splitlines()
                if line and not line.startswith("#")]

    def test_commands(self):
        """Roles before functions; nothing is allowed but what has to be."""
        commands = self.commands()
        self.assertEqual({tuple(words[:3]) for words in commands}, {
            ("aws", "iam", "create-role"), ("aws", "iam", "wait"),
            ("aws", "lambda", "create-function"), ("aws", "lambda", "wait"),
            ("aws", "iam", "create-policy")})
        created = [dict(zip(words[3::2], words[4::2])) for words in commands
                   if words[2] == "create-function"]
        self.assertEqual([one["--function-name"] for one in created],
                         ["spillway-" + language for language in LANGUAGES])
        for one in created:
            self.assertEqual(one["--role"], "arn:aws:iam::123456789012:role/spillway-function")
            self.assertTrue(os.path.exists(one["--zip-file"].removeprefix("fileb://")))
        statements = []
        for words in commands:
            for word in words:
                if word.startswith("{"):
                    statements += json.loads(word)["Statement"]
        self.assertEqual([one["Action"] for one in statements],
                         ["sts:AssumeRole", "lambda:InvokeFunction"])
        self.assertEqual(statements[1]["Resource"], [
            "arn:aws:lambda:eu-north-1:123456789012:function:spillway-" + language
            for language in LANGUAGES])
        self.assertNotIn("*", self.done.stdout)

    def test_urls_and_api(self):
        """Asked for, they are made; only signed calls get through, to the functions' routes."""
        with tempfile.TemporaryDirectory() as folder:
            done = deploy("python", "--url", "--api", "--output", folder, "--account",
                          "123456789012")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(subprocess.run(["sh", "-n"], input=done.stdout, text=True).returncode, 0)
        # As a shell sees them, whose aws says the words that it was given.
        told = subprocess.run(["sh"], input="""
            aws() { printf '%s\\n' "$@" >&2; printf '\\036' >&2; echo "made-$2"; }
            """ + done.stdout, text=True, capture_output=True)
        commands = [words.split("\n")[:-1] for words in told.stderr.split("\036")[:-1]]
        made = {words[1]: dict(zip(words[2::2], words[3::2])) for words in commands}
        self.assertEqual(made["create-function-url-config"]["--auth-type"], "AWS_IAM")
        self.assertEqual(made["create-stage"]["--stage-name"], "$default")
        self.assertEqual(made["create-integration"]["--payload-format-version"], "2.0")
        route = made["create-route"]
        self.assertEqual((route["--api-id"], route["--route-key"], route["--authorization-type"],
                          route["--target"]),
                         ("made-create-api", "POST /spillway-python", "AWS_IAM",
                          "integrations/made-create-integration"))
        function = "arn:aws:lambda:us-east-1:123456789012:function:spillway-python"
        called = ("arn:aws:execute-api:us-east-1:123456789012:made-create-api/$default/POST/"
                  "spillway-python")
        self.assertEqual(made["add-permission"]["--source-arn"], called)
        self.assertEqual(json.loads(made["create-policy"]["--policy-document"])["Statement"], [
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [function]},
            {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": [function],
             "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}},
            {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [called]}])

    def test_commands_agree_with_the_templates(self):
        created = {words[words.index("--function-name") + 1]: words for words in self.commands()
                   if words[2] == "create-function"}
        for language, path in [("c", "c/template.yaml"), ("java", "java/template.yaml"),
                               ("python", "python/serverless.yml")]:
            words = created.get("spillway-" + language)
            with open(f"{FUNCTIONS}/{path}") as file:
                text = file.read()
            for option, name in [("--runtime", "runtime"), ("--handler", "handler"),
                                 ("--timeout", "timeout"), ("--memory-size", "memory_?size")]:
                said = re.search(rf"(?im)^ +{name}: (.*)$", text).group(1)
                if words:
                    self.assertEqual(words[words.index(option) + 1], said, (language, option))

    def test_refusals(self):
        for words, code, what in [(["rust"], 2, "rust"), (["--nosuch"], 2, "--nosuch"),
                                  (["c", "--bin", "/nowhere"], 1, "/nowhere/bootstrap"),
                                  (["python", "--output", "/dev/null/x"], 1, "/dev/null/x")]:
            with tempfile.TemporaryDirectory() as folder:
                done = deploy("--output", folder, *words)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            self.assertIn(what, done.stderr)


class Templates(unittest.TestCase):
    def lint(self, template):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/template.json"
            with open(path, "w") as file:
                json.dump(template, file)
            return subprocess.run(["cfn-lint", "--regions", "us-east-1", "--", path],
                                  capture_output=True, text=True, timeout=200)

    def translated(self, language):
        """The SAM template as plain CloudFormation; the package as if it were uploaded."""
        from samtranslator.translator.transform import transform
        from samtranslator.yaml_helper import yaml_parse

        class Policies:
            @staticmethod
            def load():
                return {"AWSLambdaBasicExecutionRole":
                        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}

        with open(f"{FUNCTIONS}/{language}/template.yaml") as file:
            template = yaml_parse(file.read())
        function = template["Resources"]["Function"]["Properties"]
        self.assertEqual(os.path.normpath(f"{FUNCTIONS}/{language}/{function['CodeUri']}"),
                         f"{ROOT}/build/deploy/spillway-{language}.zip")
        function["CodeUri"] = "s3://bucket/key"
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        return transform(template, {}, Policies())

    def test_sam(self):
        if not importlib.util.find_spec("samtranslator") or not shutil.which("cfn-lint"):
            skipped(self, "samtranslator or cfn-lint is not installed; "
                          "the SAM templates were NOT validated")
        for language in ["c", "java"]:
            template = self.translated(language)
            done = self.lint(template)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            made = template["Resources"]
            self.assertEqual(made["FunctionUrl"]["Properties"]["AuthType"], "AWS_IAM")
            path = made["Api"]["Properties"]["Body"]["paths"][f"/spillway-{language}"]["post"]
            self.assertEqual(path["security"], [{"AWS_IAM": []}])
            self.assertEqual(path["x-amazon-apigateway-integration"]["payloadFormatVersion"],
                             "2.0")
        # It does look.
        template["Resources"]["Function"]["Properties"]["Runtime"] = "java1"
        self.assertNotEqual(self.lint(template).returncode, 0)

    def test_serverless(self):
        program = shutil.which("serverless")
        environment = {**os.environ, "SLS_TELEMETRY_DISABLED": "1", "CI": "1",
                       "SLS_NOTIFICATIONS_MODE": "off"}
        version = program and subprocess.run([program, "--version"], capture_output=True,
                                             text=True, timeout=120, env=environment).stdout
        if not version or not re.search(r"(^|\s)3\.", version):
            skipped(self, "serverless 3 is not installed; serverless.yml was NOT validated")
        with tempfile.TemporaryDirectory() as home:
            folder = home + "/python"
            shutil.copytree(f"{FUNCTIONS}/python", folder)
            # Warnings are errors, and nothing of a user's own is read.
            environment.update(HOME=home, AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")
            with open(folder + "/serverless.yml", "a") as file:
                file.write("\nconfigValidationMode: error\n")
            for words in [["print"], ["package"]]:
                done = subprocess.run([program, *words], cwd=folder, capture_output=True,
                                      text=True, timeout=200, env=environment)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with zipfile.ZipFile(folder + "/.serverless/spillway-python.zip") as package:
                self.assertEqual(sorted(package.namelist()),
                                 ["dialback.py", "errors.py", "frame.py", "handler.py",
                                  "kernels.py"])
            with open(folder + "/.serverless/cloudformation-template-update-stack.json") as file:
                made = json.load(file)["Resources"]
        self.assertEqual(made["FunctionLambdaFunction"]["Properties"]["Handler"],
                         "handler.handler")
        self.assertIn("InvokePolicy", made)
        self.assertEqual(made["FunctionLambdaFunctionUrl"]["Properties"]["AuthType"], "AWS_IAM")
        route, = [one for one in made.values() if one["Type"] == "AWS::ApiGatewayV2::Route"]
        route = route["Properties"]
        self.assertEqual((route["RouteKey"], route["AuthorizationType"]),
                         ("POST /spillway-python", "AWS_IAM"))


if __name__ == "__main__":
    common.main()
