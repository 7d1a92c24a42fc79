# SPDX-License-Identifier: MIT
"""Random configurations: a stream, where it comes from, and the shapes of some runs over it."""

import random
import shlex

import common
import oracle

DAY_MS = 86400000
# People, auctions, bids of a group; the usual one most often.
PROPORTIONS = [(1, 3, 46)] * 6 + [(1, 0, 9), (0, 3, 46), (0, 0, 1), (1, 1, 1), (3, 5, 12),
                                  (10, 10, 80), (1, 9, 2), (20, 1, 20)]
FAULTS = ["error", "timeout", "truncate", "corrupt", "kill", "reset", "throttle", "duplicate",
          "slow"]


def rates(rng):
    """Equal or not, from an event every twenty seconds to thousands in a millisecond."""
    first = rng.choice([3, 20, 60, 300, 300, 1000, 1000, 7001, 7001, 60000, 600000, 10000019,
                        60000000, 600000000])
    options = {"first-event-rate": first, "next-event-rate": first, "rate-unit": "PER_MINUTE"}
    if rng.random() < 0.5:
        following = rng.choice([20, 97, 3000, 333333, 50000000])
        # A period in which no step has an event, for any of seven generators, is refused.
        periods = [s for s in [1, 7, 10, 60, 600] if s * max(first, following) >= 10 * 7 * 60]
        options.update({"next-event-rate": following, "rate-period-sec": rng.choice(periods),
                        "rate-shape": rng.choice(["SQUARE", "SINE"])})
    return options


def base_time(rng):
    """Shortly before an hour that a query looks at, a day's end, or 1970."""
    day = rng.choice([1436918400000, 1436918400000, 951782400000, DAY_MS, 0, -DAY_MS])
    hour = rng.choice([0, 0, 7, 8, 19, 20, 24])
    return day + hour * 3600000 - rng.choice([0, 0, 1, 999, 5000, 12345, 61000])


def stream(rng):
    people, auctions, bids = rng.choice(PROPORTIONS)
    options = {
        "num-events": rng.choice([500, 2000, 3000, 6000, 6000]) + rng.randrange(60),
        **rates(rng),
        "base-time": base_time(rng),
        "person-proportion": people, "auction-proportion": auctions, "bid-proportion": bids,
        "out-of-order-group-size": rng.choice([1, 1, 2, 3, 7, 11, 50, 50, 1000]),
        "hot-auction-ratio": rng.choice([1, 1, 2, 3, 100]),
        "hot-sellers-ratio": rng.choice([1, 1, 1, 4, 100]),
        "hot-bidders-ratio": rng.choice([1, 3, 4, 100]),
        "num-active-people": rng.choice([0, 1, 10, 50, 1000]),
        "num-in-flight-auctions": rng.choice([0, 1, 10, 100, 100, 1000]),
        "avg-person-byte-size": rng.choice([0, 10, 80, 200]),
        "avg-auction-byte-size": rng.choice([0, 10, 160, 500]),
        "avg-bid-byte-size": rng.choice([0, 1, 33, 40, 100, 100]),
    }
    if rng.random() < 0.5:
        options["first-event-id"] = rng.choice([1, 49, 5003, 1000003, 2**47 + 5, 2**52 - 9999])
    if rng.random() < 0.3:
        options["first-event-number"] = rng.choice([1, 49, 951, 123456])
    if rng.random() < 0.2:
        options["num-event-generators"] = rng.choice([2, 3, 7])
    if rng.random() < 0.15:
        options["prob-delayed-event"] = rng.choice([0.01, 0.3, 1])
        options["occasional-delay-sec"] = rng.choice([1, 3, 20])
        options["num-events"] = min(options["num-events"], 1500)
    if rng.random() < 0.1:
        # Every event of a group is the same one: few, since joins join every pair.
        options["out-of-order-group-size"] = 953
        options["num-event-generators"] = rng.choice([3, 5, 7])
        options["num-events"] = rng.randint(60, 200)
    if people < auctions:
        # A seller of many auctions who bids a lot makes q23 as large as their product.
        options["num-events"] = min(options["num-events"], 3000)
    return options


def faults(rng):
    share = rng.choice([0, 0.1, 0.4])
    if not share:
        return ""
    kinds = rng.sample(FAULTS, rng.randint(1, 4))
    return ",faults=" + ",".join(f"{kind}:{share / len(kinds):.3f}" for kind in kinds)


class Run:
    """One query in one shape; options that the command does not know are left out."""

    def __init__(self, rng, query, configuration, known):
        events = configuration.stream["num-events"]
        self.query = query
        options = {"workers": rng.choice([1, 1, 2, 2, 3, 4, 5, 8, 16]),
                   "batch-rows": rng.choice([1, 2, 7, 16, 64, 100, 333, 1024, 2048]),
                   "ring-slots": rng.choice([2, 3, 4, 8, 64]),
                   "state": rng.choice(["dense", "hash", "auto"])}
        if not configuration.from_files and rng.random() < 0.25:
            options["replay"] = None
        if rng.random() < 0.2:
            # A process and its start for each: some dozens of batches are enough.
            options["batch-rows"] = max(options["batch-rows"], events // 30)
            options.update({"policy": "fixed", "spill-share": rng.choice([0, 0.5, 1]),
                            "deadline-ms": 700, "retries": 2, "max-inflight": 8,
                            "lambda-local": f"concurrency=6,timeout-ms=1000,seed="
                                            f"{rng.randrange(1000)}" + faults(rng)})
        elif "prob-delayed-event" in configuration.stream:
            # Every batch looks at a whole block of events anew.
            options["batch-rows"] = max(options["batch-rows"], 16)
        if query != "q10" and rng.random() < 0.1:
            options["ordered"] = None
        self.ordered = "ordered" in options
        if query == "q12":
            options["processing-time"] = "event"
        self.tokens = query == "tokenize" and rng.random() < 0.3
        if self.tokens:
            options["tokens"] = None
        self.side_input = query == "q13" and rng.random() < 0.5
        if self.side_input:
            options["side-input"] = configuration.folder + "/side.csv"
        self.options = {name: value for name, value in options.items() if name in known}

    def expected(self, judge):
        """The result, by the oracle."""
        return judge.result(self.query, tokens=self.tokens,
                            side_input=self.options.get("side-input"))


class Configuration:
    """All of it comes from the seed; folder is where its files are."""

    def __init__(self, seed, folder, queries, known):
        rng = random.Random(seed)
        self.seed, self.folder = seed, folder
        self.stream = stream(rng)
        self.from_files = rng.random() < 0.4
        self.delay_ms = rng.choice([0, 0, 1, 100, 1000, 4000, 30000]) if self.from_files else None
        if self.from_files and rng.random() < 0.5:
            # Enough disorder for rows that are late.
            self.stream["out-of-order-group-size"] = rng.choice([7, 50, 50, 1000])
        self.side = [(rng.choice([key, key, rng.randrange(12000)]), rng.choice(
            [str(key), "", "two words", "a,\"b\""])) for key in range(900, 1400)]
        # Neighbouring seeds go through all queries evenly.
        self.runs = [Run(rng, queries[(seed * 8 + i) % len(queries)], self, known)
                     for i in range(min(rng.randint(6, 10), len(queries)))]

    def generate(self):
        common.spillway(*self.generate_words(), check=0, timeout=120)
        with open(self.folder + "/side.csv", "w") as file:
            file.write("key,value\n")
            file.writelines(oracle.line(row) + "\n" for row in self.side)

    def generate_words(self):
        return ["generate", "--output", self.folder, *words(self.stream)]

    def source_words(self):
        if self.from_files:
            return ["--input", self.folder, "--watermark-delay-ms", str(self.delay_ms)]
        return words(self.stream)

    def run_words(self, run):
        return [run.query, *self.source_words(), *words(run.options)]

    def again(self, run, output):
        """What to type to see a run again, and how to have the files that it needs."""
        side = " (but for its side.csv)" if run.side_input else ""
        return (f"SPILLWAY_TEST_SEED={self.seed} SPILLWAY_TEST_CONFIGURATIONS=1, or{side}:\n"
                f"mkdir -p {self.folder}\n"
                f"spillway {shlex.join(self.generate_words())}\n"
                f"spillway run {shlex.join(self.run_words(run))} --output {output}")


def words(options):
    """A value belongs to its option's word; None is a flag."""
    return [f"--{name}" if value is None else f"--{name}={value}"
            for name, value in options.items()]
