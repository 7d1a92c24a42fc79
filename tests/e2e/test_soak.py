#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Spilling for long, and through trouble: thousands of batches under all faults at once, answers that
are all lost, connections that die silently. With SPILLWAY_TEST_SOAK=1 the first is 100,000 batches."""

import collections
import os
import select
import socket
import threading
import time
import unittest

import common
from common import LambdaLocal, checksum_of, report, start, wait_until

FULL = os.environ.get("SPILLWAY_TEST_SOAK") == "1"
KINDS = ["error", "timeout", "truncate", "corrupt", "kill", "reset", "throttle", "duplicate",
         "slow"]
SPILL = ["--policy", "fixed", "--spill-share", 1]


def q12(batches, per_s=None):
    words = ["q12", "--num-events", batches * 100, "--workers", 2, "--batch-rows", 100,
             "--processing-time", "event"]
    if per_s:
        words += ["--is-rate-limited", "--first-event-rate", per_s * 100, "--next-event-rate",
                  per_s * 100]
    return words


class Soak(unittest.TestCase):
    def setUp(self):
        self.outcomes, self.total = collections.Counter(), collections.Counter()

    def test_all_faults(self):
        """Every eighth invocation is faulted; nothing is lost, nothing counts twice."""
        wanted, began = 100000 if FULL else 2000, time.monotonic()
        rounds, total = 0, self.total
        # While the breaker is open batches stay here, and a slow machine sends fewer: there are
        # rounds until enough have left and enough of them were answered.
        while total["spilled"] < wanted or total["merged"] < wanted / 2:
            self.assertLess(rounds, 25, f"few batches left: {total}")
            rounds += 1
            self.one_round(25000 if FULL else 3000, 17 + rounds)
        print(f"{total['spilled']} batches spilled in {rounds} rounds, "
              f"{time.monotonic() - began:.0f} s")
        for outcome in ["ok", "error", "timeout", "killed", "corrupt", "reset"]:
            self.assertGreater(self.outcomes[outcome], 0, self.outcomes)
        self.assertGreater(total["repeated"], 0, "no invocation ran twice")
        self.assertGreater(total["faulted"] + total["invoked"] * 0.0125, 0.1 * total["attempted"],
                           "too few faults")

    def one_round(self, batches, seed):
        query = q12(batches, 2000)
        expected = checksum_of(*(word for word in query if word != "--is-rate-limited"))
        spec = ",".join(f"{kind}:{0.125 / len(KINDS):.5f}" for kind in KINDS)
        with LambdaLocal("--faults", spec, "--seed", seed, "--concurrency", 40, "--timeout-ms",
                         1500) as server:
            told = report(*query, "--checksum", *SPILL, "--max-inflight", 32, "--deadline-ms", 700,
                          *server.options(), timeout=300)
            ledger = server.ledger()
        burst = told["burst"]
        outcomes = collections.Counter(line["outcome"] for line in ledger)
        opened = told["stderr"].count("are run locally")
        print(f"{burst['batches_spilled']} of {batches} batches: {burst['attempts']} attempts, "
              f"{burst['hedges']} hedges, {burst['late_answers']} late, "
              f"{burst['batches_reclaimed']} reclaimed, {burst['errors']}, {dict(outcomes)}, "
              f"{told['memory']['peak_rss_bytes'] >> 20} MiB, breaker open {opened} times")
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"],
                         burst["batches_spilled"])
        if not opened:
            self.assertGreater(burst["batches_merged"], 0.5 * burst["batches_spilled"])
        self.outcomes += outcomes
        self.check_ledger(ledger, burst)

    def check_ledger(self, ledger, burst):
        runs = collections.Counter((line["key"], line["attempt"]) for line in ledger)
        keys = {line["key"] for line in ledger}
        good = {line["key"] for line in ledger if line["outcome"] == "ok"}
        spilled = burst["batches_spilled"]
        # Each key was executed, or its batch was run here.
        self.assertLessEqual(len(keys), spilled)
        self.assertLessEqual(spilled - len(keys), burst["batches_reclaimed"])
        self.assertGreaterEqual(len(good), burst["batches_merged"])
        # An attempt runs once, unless the fault was that it runs twice.
        self.assertLessEqual(set(runs.values()), {1, 2})
        self.assertLessEqual(len(runs), burst["attempts"])
        self.assertLessEqual(len(runs), 1.2 * spilled)
        repeated = len(ledger) - len(runs)
        faulted = sum(line["outcome"] != "ok" for line in ledger)
        self.total += collections.Counter(
            spilled=spilled, merged=burst["batches_merged"], repeated=repeated,
            invoked=len(ledger), attempted=len(runs),
            faulted=faulted + repeated + burst["errors"]["throttled"])


class Ambiguous(unittest.TestCase):
    def test_every_answer_is_lost(self):
        """The function runs, and nobody hears of it: few are asked again."""
        expected = checksum_of(*q12(600))
        for kind in ["timeout", "reset", "truncate"]:
            with self.subTest(kind=kind), LambdaLocal(
                    "--faults", f"{kind}:1", "--concurrency", 16, "--timeout-ms", 2000) as server:
                told = report(*q12(600), "--checksum", *SPILL, "--max-inflight", 16, "--retries",
                              100, "--deadline-ms", 300, *server.options())
                ledger, burst = server.ledger(), told["burst"]
                self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected)
                self.assertEqual(burst["batches_merged"], 0)
                self.assertEqual(burst["batches_reclaimed"], burst["batches_spilled"])
                self.assertGreater(len(ledger), 0)
                self.assertLessEqual(len(ledger), 1.2 * burst["batches_spilled"])

    def test_slow_answers(self):
        """Second requests overtake them, and stay few."""
        with LambdaLocal("--faults", "slow:0.02", "--concurrency", 64) as server:
            told = report(*q12(2000), *SPILL, "--max-inflight", 16, *server.options())
        burst = told["burst"]
        self.assertEqual(burst["batches_merged"], burst["batches_spilled"])
        self.assertGreater(burst["hedges"], 0)
        self.assertLessEqual(burst["hedges"], 0.03 * (burst["attempts"] - burst["hedges"]))
        self.assertLessEqual(burst["late_answers"], burst["hedges"])


class Prewarm(unittest.TestCase):
    def test_environments_start_ahead(self):
        """As many invocations without rows as are wanted, at once; each is counted and paid."""
        with LambdaLocal("--concurrency", 16, "--cold-start-ms", 100) as server:
            told = report(*q12(50, 25), *SPILL, "--prewarm", 6, *server.options())
            ledger, burst = server.ledger(), told["burst"]
        first = [line for line in ledger if line["rows"] == 0]
        self.assertEqual(burst["prewarms"], 6)
        self.assertEqual((len(first), {line["outcome"] for line in first}), (6, {"ok"}))
        self.assertEqual(len({line["environment"] for line in first}), 6)
        self.assertTrue(all(line["cold"] for line in first))
        self.assertEqual(burst["batches_merged"], burst["batches_spilled"])
        self.assertEqual(burst["errors"]["function_error"], 0)
        self.assertGreater(burst["usd"], burst["attempts"] * 0.0000002)


class Hole(threading.Thread):
    """Hands bytes on between the runtime and a server. While it is dark it takes connections and
    says nothing, and connections that have seen the dark stay silent for ever."""

    def __init__(self, url):
        super().__init__(daemon=True)
        host, port = url[len("https://"):].rsplit(":", 1)
        self.server = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.dark = self.over = False
        self.accepted = self.accepted_dark = 0
        self.peer, self.dead = {}, []

    def run(self):
        while not self.over:
            if self.dark:
                self.dead += self.peer
                self.peer = {}
            ready, _, _ = select.select([self.listener, *self.peer], [], [], 0.02)
            for end in ready:
                if end is self.listener:
                    self.accept()
                elif end in self.peer and not self.dark:
                    self.hand_on(end)

    def accept(self):
        end, _ = self.listener.accept()
        self.accepted += 1
        if self.dark:
            self.accepted_dark += 1
            self.dead.append(end)
            return
        other = socket.create_connection(self.server)
        self.peer[end], self.peer[other] = other, end

    def hand_on(self, end):
        other = self.peer[end]
        try:
            data = end.recv(1 << 16)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for socket_ in (end, other):
            del self.peer[socket_]
            socket_.close()

    def stop(self):
        self.over = True
        self.join()
        for end in [self.listener, *self.peer, *self.dead]:
            end.close()


class Outage(unittest.TestCase):
    def test_dead_connections(self):
        """All connections die without a word: found within the deadline, and new ones are made."""
        with LambdaLocal("--concurrency", 16) as server:
            hole = Hole(server.url)
            hole.start()
            try:
                self.live_through(server, hole)
            finally:
                hole.stop()

    def live_through(self, server, hole):
        path = server.folder.name + "/report.json"
        process = start("run", "q12", "--num-events", 0, "--is-rate-limited", "--first-event-rate",
                        20000, "--next-event-rate", 20000, "--workers", 1, "--batch-rows", 200,
                        *SPILL, "--deadline-ms", 400, "--endpoint", hole.url, "--ca", server.ca,
                        "--report", path)
        try:
            self.assertTrue(wait_until(lambda: self.executions(server) > 50))
            hole.dark = True
            time.sleep(2.5)
            lost = self.executions(server)
            hole.dark = False
            bright_us = time.time() * 1e6
            self.assertTrue(wait_until(lambda: self.executions(server) > lost + 100),
                            "it did not come back")
            took_s = time.time() - bright_us / 1e6
            process.send_signal(2)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        with open(path) as file:
            burst = common.json.load(file)["burst"]
        print(f"back after {took_s:.1f} s; {hole.accepted_dark} connections in the dark, "
              f"{hole.accepted} in all")
        self.assertIn("answers again", said)
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"],
                         burst["batches_spilled"])
        # What flew, and a few that tried; a few connections.
        failed = burst["errors"]["timeout"] + burst["errors"]["transport"]
        self.assertTrue(1 <= failed <= 100, failed)
        self.assertTrue(1 <= hole.accepted_dark <= 10, hole.accepted_dark)

    @staticmethod
    def executions(server):
        with open(server.ledger_path) as file:
            return sum(1 for _ in file)


if __name__ == "__main__":
    common.main()
