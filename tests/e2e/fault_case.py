# SPDX-License-Identifier: MIT
"""What the tests of faults share: a run against a hostile server, and what must hold after each."""

import collections
import re
import unittest

import common
from common import checksum_of, report
from hostile_server import Certificates, Server

# A batch's rows, a bid's bytes, a stream's first window: bodies of about this size, half of which
# comes before the server grants the rest.
Size = collections.namedtuple("Size", "name rows bid_bytes window")
SMALL = Size("64 KiB", 142, 400, 24 << 10)
MIDDLE = Size("1 MiB", 875, 1000, 512 << 10)
LARGE = Size("4 MiB", 3500, 1000, 2 << 20)
CLASSES = ("throttled", "function_error", "timeout", "transport", "corrupt")


class FaultCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.certificate = cls.certificates.sign("good")

    @classmethod
    def tearDownClass(cls):
        cls.certificates.cleanup()

    def server(self, size=SMALL, **more):
        return Server(self.certificate, window=size.window, **more)

    def run_query(self, server, options, *words, ca=None, url=None):
        """Everything is spilled, and the result is that of a run where nothing is."""
        told = report(*options, "--checksum", "--policy", "fixed", "--spill-share", 1,
                      "--endpoint", url or server.url, "--ca", ca or self.certificates.ca, *words,
                      timeout=200)
        burst = told["burst"]
        self.assertTrue(told["complete"])
        # The same events, as fast as they come.
        expected = checksum_of(*(word for word in options if word != "--is-rate-limited"))
        self.assertEqual((told["result"]["rows"], told["result"]["checksum"]), expected,
                         told["stderr"])
        self.assertEqual((burst["lost"], burst["doubled"]), (0, 0))
        self.assertEqual(burst["batches_merged"] + burst["batches_reclaimed"],
                         burst["batches_spilled"])
        if server:
            self.check_ledger(server, burst)
        return told

    def check_ledger(self, server, burst):
        """No attempt was run twice, and none that was not made."""
        self.assertEqual("".join(server.broken), "", "the server's own faults")
        runs = [(entry["key"], entry["attempt"]) for entry in server.ledger if entry["executed"]]
        self.assertEqual(len(set(runs)), len(runs), "an attempt was run twice")
        self.assertLessEqual(len(runs), burst["attempts"])
        self.assertGreaterEqual(len({key for key, _ in runs}), burst["batches_merged"])

    def run_script(self, server, faults, *words, size=SMALL, query="q14", slow=False):
        """Every fault of the script in one run, one request at a time. slow: good answers may miss
        the deadline, too, on a busy machine."""
        faults = list(faults)
        batches = 2 * len(faults) + 2
        server.script(faults)
        told = self.run_query(
            server, [query, "--num-events", batches * size.rows, "--batch-rows", size.rows,
                     "--avg-bid-byte-size", size.bid_bytes, "--workers", 1],
            "--max-inflight", 1, *words)
        self.assertEqual([fault.name for fault in server.faults], [], "were not met")
        self.assertEqual(told["burst"]["batches_spilled"], batches)
        self.check_errors(told, faults, slow)
        # What is sent into a dead connection is seen by nobody.
        unseen = told["burst"]["attempts"] - len(server.ledger)
        self.assertTrue(0 <= unseen <= (1 if slow else 0), unseen)
        return told

    def check_errors(self, told, faults, slow):
        expected = dict.fromkeys(CLASSES, 0)
        for fault in faults:
            for name, count in fault.errors.items():
                expected[name] += count
        errors = dict(told["burst"]["errors"])
        if slow:
            self.assertGreaterEqual(errors["timeout"], expected["timeout"])
            errors["timeout"] = expected["timeout"]
        self.assertEqual(errors, expected, told["stderr"])

    def run_all(self, faults, *words, size=SMALL, query="q14", slow=False):
        """The script in one run, or, to see which fault it is that fails, each in a run of its
        own."""
        faults = list(faults)
        with self.server(size) as server:
            if ALONE:
                for fault in faults:
                    with self.subTest(fault=fault.name, size=size.name):
                        self.run_script(server, [fault], *words, size=size, query=query, slow=slow)
                print(f"\n{len(faults)} faults at {size.name}, each in a run of its own")
                return None
            return self.run_script(server, faults, *words, size=size, query=query, slow=slow)


# SPILLWAY_TEST_ALL=1: the whole matrix, each cell in a run of its own.
ALONE = common.os.environ.get("SPILLWAY_TEST_ALL") == "1"


def number_in(text, pattern):
    found = re.search(pattern, text)
    assert found, text
    return int(found.group(1))
