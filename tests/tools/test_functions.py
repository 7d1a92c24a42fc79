#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One test for the functions in C, Python and Java: the same frames in, equal answers out."""

import base64
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

import function_frames as frames
from function_fixture import FUNCTIONS, Server, commands, common, compile_java, skipped

SEED = int(os.environ.get("SW_SEED", time.time_ns() % 1000000))
CLASSES = tempfile.TemporaryDirectory()
# What is not compiled here has no sanitizers: then it is only the first that needs another look.
LANGUAGES = os.environ.get("SPILLWAY_TEST_LANGUAGES", "c python java").split()


def setUpModule():
    global COMMANDS
    print(f"seed {SEED} (SW_SEED)", flush=True)
    classes = compile_java(CLASSES.name) if "java" in LANGUAGES else None
    COMMANDS = {language: command for language, command in commands(classes).items()
                if language in LANGUAGES}


def tearDownModule():
    CLASSES.cleanup()


class Functions(unittest.TestCase):
    def need(self, language):
        if language not in LANGUAGES:
            self.skipTest(f"{language} was not asked for (SPILLWAY_TEST_LANGUAGES)")
        if language not in COMMANDS:
            skipped(self, "javac is not installed; the function in Java was NOT tested")

    def languages(self):
        """Those that can be run here, the one that the others are held against first."""
        if "java" in LANGUAGES and "java" not in COMMANDS:
            print("\nSKIPPED: javac is not installed; the function in Java was NOT tested")
        return [language for language in LANGUAGES if language in COMMANDS]


class Conformance(Functions):
    def outcomes(self, events):
        """language: what each event gave, from one process of it."""
        told = {}
        with Server(COMMANDS) as server:
            for language in self.languages():
                told[language] = server.invoke_all(language, events)
            environments = {(line["function"], line["environment"]) for line in server.ledger()}
        self.assertEqual(len(environments), len(told), "a process did not live on")
        return told

    def test_random_batches(self):
        """Whatever our encoder may write, and values of every size."""
        dice = random.Random(SEED)
        requests = [frames.random_frame(dice, kernel, rows) for kernel in frames.KERNELS
                    for rows in [0, 1, 2, 7, 64, 300, *(dice.randrange(40) for _ in range(12))]]
        # No more, or the tokens of one batch could be more than a batch may have.
        requests += [frames.random_frame(dice, kernel, 700) for kernel in frames.KERNELS]
        told = self.outcomes([frames.event_of(request) for request in requests])
        expected = [self.rows(request, *answer) for request, answer in zip(requests, told["c"])]
        self.assertGreater(sum(len(rows) for _, rows in expected), 10000)
        for language, answers in told.items():
            for i, (request, answer) in enumerate(zip(requests, answers)):
                with self.subTest(language=language, i=i, seed=SEED):
                    self.assertEqual(self.rows(request, *answer), expected[i])

    def rows(self, request, answer, failed):
        """Types and rows of a good answer to this request."""
        self.assertFalse(failed, answer)
        self.assertEqual(list(answer), ["frame"])
        asked = frames.header_of(request)
        header, kinds, rows = frames.rows_of(base64.b64decode(answer["frame"]))
        same = {*frames.NAMES} - {"kind", "columns", "bytes", "rows"}
        self.assertEqual({name: header[name] for name in same},
                         {name: asked[name] for name in same})
        self.assertEqual(header["kind"], 2)
        return kinds, rows

    def kinds(self, answers):
        """For each answer its error's type, or its frame."""
        for answer, failed in answers:
            if failed:
                self.assertEqual(sorted(answer), ["errorMessage", "errorType"])
                self.assertRegex(answer["errorMessage"], r"^[ -~]+$")
        return [answer["errorType"] if failed else answer for answer, failed in answers]

    def check_refused(self, what, events):
        """All of them are errors, of the same types in all languages; gives the types."""
        good = frames.event_of(frames.random_frame(random.Random(3), "tokenize.partial", 5))
        told = self.outcomes([*events, good])
        expected = self.kinds(told["c"])
        for language, answers in told.items():
            self.assertFalse(answers[-1][1], f"{language}: a good event after bad ones")
            for name, kind, got in zip(what, expected, self.kinds(answers)):
                with self.subTest(language=language, what=name):
                    self.assertEqual(got, kind)
                    self.assertRegex(str(got), "^Spillway[.]")
        return dict(zip(what, expected))

    def test_broken_frames(self):
        what, broken = zip(*frames.broken_frames())
        kinds = self.check_refused(what, [frames.event_of(frame) for frame in broken])
        for name, kind in [("sum", "BrokenFrame"), ("cut to 111", "BrokenFrame"),
                           ("bytes 0", "BrokenFrame"), ("version 2", "OtherVersion"),
                           ("kind 2", "OtherVersion"), ("kernel_version 2", "OtherVersion"),
                           ("kernel b'q99'", "UnknownKernel"), ("columns 3", "OtherVersion")]:
            self.assertEqual(kinds[name], "Spillway." + kind, name)

    def test_broken_events(self):
        events = list(frames.broken_events())
        kinds = self.check_refused(events, events)
        self.assertEqual(kinds[b"{}"], "Spillway.BadEvent")

    def test_too_much(self):
        what, much = zip(*frames.too_much())
        kinds = self.check_refused(what, [frames.event_of(frame) for frame in much])
        self.assertEqual(set(kinds.values()), {"Spillway.KernelFailed"})

    def test_answer_too_large(self):
        """It is the service's error, and the next event's answer is its own."""
        columns = frames.Columns
        long = columns.column(frames.TEXT, frames.DICTIONARY, 1,
                              frames.dictionary([b"x" * 600], 1, [0] * 9000))
        empty = columns.column(frames.TEXT, frames.PLAIN, 1, bytes(9000))
        zero = columns.column(frames.INT64, frames.NARROW, 0, bytes(8))
        clock = columns.column(frames.TIME_MS, frames.NARROW, 0, bytes(8))
        fixed = frames.fields_of(random.Random(1), "tokenize.tokens", 9000)
        large = frames.seal(fixed, zero * 4 + long + empty + clock + empty)
        good = frames.random_frame(random.Random(3), "q12.event", 5)
        told = self.outcomes([frames.event_of(large), frames.event_of(good)])
        for language, answers in told.items():
            with self.subTest(language=language):
                self.assertEqual(answers[0][0]["errorType"], "Function.ResponseSizeTooLarge")
                self.assertEqual(answers[1], told["c"][1])

    def test_random_damage(self):
        """Bytes changed at random under a right sum: the same answer, or the same error."""
        dice = random.Random(SEED)
        events = []
        # Not the cost and the deadline: the answer would be late, or depend on the time.
        places = [place for place in range(400) if not 44 <= place < 48 and not 64 <= place < 72]
        for _ in range(150):
            data = bytearray(frames.random_frame(dice, dice.choice(list(frames.KERNELS)), 9))
            for _ in range(dice.randint(1, 3)):
                data[min(dice.choice(places), len(data) - 5)] = dice.randrange(256)
            events.append(frames.event_of(frames.reseal(bytes(data))))
        told = self.outcomes(events)
        for language, answers in told.items():
            for i, (expected, got) in enumerate(zip(self.kinds(told["c"]), self.kinds(answers))):
                with self.subTest(language=language, i=i, seed=SEED):
                    self.assertEqual(got, expected)


class Http(Functions):
    """By Function URLs and HTTP APIs: what an Invoke gives, in the words of HTTP."""

    BINARY = 'header = "Content-Type: application/octet-stream"'

    def check(self, requests, more=BINARY):
        """Each language answers each body as it answers an Invoke of it; gives the errors."""
        with Server(COMMANDS) as server:
            expected = server.invoke_all("c", [frames.event_of(request) for request in requests])
            for language in self.languages():
                for path in ["/url/", "/api/"]:
                    told = server.post_all(path + language, requests, more)
                    for i, (wanted, got) in enumerate(zip(expected, told)):
                        with self.subTest(language=language, path=path, i=i, seed=SEED):
                            self.compare(*wanted, *got)
        return [answer["errorType"] for answer, failed in expected if failed]

    def compare(self, answer, failed, status, headers, body):
        if not failed:
            self.assertEqual((status, headers["content-type"]), (200, "application/octet-stream"))
            self.assertNotIn("x-spillway-error", headers)
            self.assertEqual(frames.rows_of(body),
                             frames.rows_of(base64.b64decode(answer["frame"])))
            return
        told = json.loads(body)
        self.assertEqual(sorted(told), ["errorMessage", "errorType"])
        self.assertEqual(told["errorType"], answer["errorType"])
        self.assertEqual(headers["x-spillway-error"], told["errorType"].lower())
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(status, 500 if told["errorType"].endswith("KernelFailed") else 400)

    def test_batches(self):
        dice = random.Random(SEED)
        self.assertEqual(self.check([frames.random_frame(dice, kernel, rows)
                                     for kernel in frames.KERNELS for rows in [0, 1, 40, 300]]), [])

    def test_errors(self):
        broken = [frame for _, frame in frames.broken_frames() if frame]
        *_, (_, much) = frames.too_much()
        good = frames.random_frame(random.Random(3), "q12.event", 5)
        kinds = self.check([*broken[::3], b'"\\', much, good])
        self.assertEqual({kind.removeprefix("Spillway.") for kind in kinds},
                         {"BrokenFrame", "OtherVersion", "UnknownKernel", "KernelFailed"})

    def test_no_frame(self):
        """Text, and nothing at all."""
        with Server(COMMANDS) as server:
            for language in self.languages():
                for body, kind in [(b"QUJD", "text/plain"), (b'{"frame":"QUJD"}',
                                                             "application/json"),
                                   (b"", "application/octet-stream")]:
                    (status, headers, _), = server.post_all(
                        f"/url/{language}/any/path?more", [body],
                        f'header = "Content-Type: {kind}"')
                    with self.subTest(language=language, kind=kind):
                        self.assertEqual((status, headers["x-spillway-error"]),
                                         (400, "spillway.badevent"))


class Cost(Functions):
    """The simulated cost is slept, and no longer than the caller waits."""

    def one(self, language, **changes):
        self.need(language)
        fixed = {**frames.fields_of(random.Random(1), "q12.arrival", 0), **changes}
        data = frames.seal(fixed, frames.body_of(random.Random(1), "q12.arrival", 0))
        with Server({language: COMMANDS[language]}, "--timeout-ms", 10000) as server:
            answer, failed = server.invoke_all(language, [frames.event_of(data)] * 2)[1]
            line = server.ledger()[1]
        return answer, failed, (line["end_us"] - line["start_us"]) / 1000

    def test_cost(self):
        for language in self.languages():
            with self.subTest(language=language):
                answer, failed, ms = self.one(language, events=100, op_delay_ns=3000000)
                self.assertFalse(failed, answer)
                self.assertGreaterEqual(ms, 299)

    def test_deadlines(self):
        for language in self.languages():
            # The caller's, and the service's.
            for events, deadline in [(9000, 3000), (12000, 0)]:
                with self.subTest(language=language, deadline=deadline):
                    answer, failed, ms = self.one(language, events=events, op_delay_ns=1000000,
                                                  deadline_ms=deadline)
                    self.assertTrue(failed, answer)
                    self.assertEqual(answer["errorType"], "Spillway.DeadlinePassed")
                    self.assertLess(ms, events, "it slept")


class Runs(Functions):
    """Queries whose batches all go to a function: results are those of a run without one."""

    def check(self, language):
        self.need(language)
        with Server({language: COMMANDS[language]}, "--concurrency", 2) as server:
            for words in [["q12"], ["q12", "--processing-time", "event"], ["tokenize"],
                          ["tokenize", "--tokens"]]:
                with self.subTest(query=words):
                    self.run_query(server, language, words)
            outcomes = {line["outcome"] for line in server.ledger()}
        self.assertEqual(outcomes, {"ok"})

    def run_query(self, server, language, words):
        run = [*words, "--num-events", 20000, "--workers", 2, "--batch-rows", 1000]
        spill = ["--policy", "fixed", "--spill-share", 1, "--function", language,
                 "--max-inflight", 2, "--deadline-ms", 60000, *server.options()]
        with tempfile.TemporaryDirectory() as folder:
            common.spillway("run", *run, "--output", folder + "/local", check=0)
            told = common.report(*run, *spill, "--output", folder + "/spilled", timeout=200)
            local, spilled = (self.result(folder + name, words) for name in ["/local", "/spilled"])
        burst = told["burst"]
        self.assertGreater(len(local), 100)
        self.assertEqual(spilled, local)
        self.assertGreater(burst["batches_spilled"], 10)
        self.assertEqual(burst["batches_merged"], burst["batches_spilled"])
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertEqual(set(burst["errors"].values()), {0})

    def result(self, path, words):
        """A result's rows, counted. By arrival, windows are the clock's: counts by bidder alone."""
        rows = collections.Counter()
        for row in common.lines_of(path)[1:]:
            if words == ["q12"]:
                bidder, count, *_ = row.split(",")
                rows[bidder] += int(count)
            else:
                rows[row] += 1
        return rows

    def test_c(self):
        self.check("c")

    def test_python(self):
        self.check("python")

    def test_java(self):
        self.check("java")


class Starts(Functions):
    def test_without_the_service(self):
        """One line that says what is missing."""
        environment = {name: value for name, value in os.environ.items()
                       if name != "AWS_LAMBDA_RUNTIME_API"}
        for language in self.languages():
            with self.subTest(language=language):
                done = subprocess.run(COMMANDS[language], shell=True, env=environment,
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn("AWS_LAMBDA_RUNTIME_API", done.stderr)

    def test_start_that_fails(self):
        """A handler that cannot be loaded is an error of the start, told to the caller."""
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{FUNCTIONS}/python/__main__.py") as file:
                text = file.read()
            with open(folder + "/__main__.py", "w") as file:
                file.write(text)
            with Server({"f": f"exec {sys.executable} -B {folder}"}) as server:
                answer, failed = server.invoke_all("f", [json.dumps(1).encode()])[0]
        self.assertTrue(failed)
        self.assertEqual(answer["errorType"], "ModuleNotFoundError")


if __name__ == "__main__":
    common.main()
