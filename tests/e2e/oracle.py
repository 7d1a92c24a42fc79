# SPDX-License-Identifier: MIT
"""Every query's result from the three CSV files alone: a second opinion, in SQL and plain Python.

It shares nothing with the program but the files, and is written to be read, not to be fast.
"""

import collections
import csv
import functools
import re
import sqlite3

import oracle_patterns
from oracle_queries import SCHEMA, QUERIES as SQL

# Per table: its columns, in the files' order, and which of them are numbers.
TABLES = {
    "person": "seq id name emailAddress creditCard city state dateTime extra",
    "auction": "seq id itemName description initialBid reserve dateTime expires seller category"
               " extra",
    "bid": "seq auction bidder price channel url dateTime extra",
}
NUMBERS = {"seq", "id", "dateTime", "initialBid", "reserve", "expires", "seller", "category",
           "auction", "bidder", "price"}
# Queries that go by time, and the tables each reads: late rows of these are left out.
BY_TIME = {"q5": ["bid"], "q7": ["bid"], "q8": ["person", "auction"], "q10": ["bid"],
           "q11": ["bid"], "q12": ["bid"], **{f"cep{n}": ["bid"] for n in range(4)}}
ALL = [*[f"q{n}" for n in range(24)], *[f"cep{n}" for n in range(4)], "tokenize"]
ORDER_OF_TABLES = list(TABLES)


to_be_quoted = re.compile('["\r\n]').search


def quoted(text):
    if "," in text or to_be_quoted(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def line(values):
    texts = ["" if value is None else str(value) for value in values]
    whole = ",".join(texts)
    # Of millions of rows hardly any has a field to quote.
    if whole.count(",") == len(texts) - 1 and not to_be_quoted(whole):
        return whole
    return ",".join(map(quoted, texts))


def read_table(folder, name):
    columns = TABLES[name].split()
    # Fields may be longer than the reader's usual 128 KiB.
    csv.field_size_limit(1 << 30)
    with open(f"{folder}/{name}.csv", encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        assert next(reader) == columns, name
        return [[int(value) if column in NUMBERS else value
                 for column, value in zip(columns, row, strict=True)] for row in reader]


def late_of(tables, delay_ms):
    """Per table the seq of rows below the watermark before them; none if the delay is None."""
    late = {name: set() for name in tables}
    if delay_ms is None:
        return late
    arrivals = sorted((row[0], ORDER_OF_TABLES.index(name), row[TABLES[name].split().index(
        "dateTime")]) for name, rows in tables.items() for row in rows)
    latest = None
    for seq, table, time in arrivals:
        if latest is not None and time < latest - delay_ms:
            late[ORDER_OF_TABLES[table]].add(seq)
        latest = time if latest is None else max(latest, time)
    return late


def late_rows(folder, delay_ms=4000):
    return late_of({name: read_table(folder, name) for name in TABLES}, delay_ms)


def thousandths(value):
    """A whole number of thousandths as a decimal."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 1000}.{abs(value) % 1000:03d}"


def part_of(text, separator, index):
    parts = text.split(separator)
    return parts[index] if index < len(parts) else ""


def channel_id_of(url):
    """None where the url has no channel_id= that begins a parameter."""
    for start in (match.start() for match in re.finditer("channel_id=", url)):
        if start == 0 or url[start - 1] == "&":
            return part_of(url[start + len("channel_id="):], "&", 0)
    return None


class Sum:
    """An aggregate, also over windows: the sum of whole numbers of any size on the way."""

    def __init__(self):
        self.sum, self.count = 0, 0

    def step(self, value):
        self.sum += value
        self.count += 1

    def inverse(self, value):
        self.sum -= value
        self.count -= 1

    def value(self):
        return self.sum

    def finalize(self):
        return self.value() if self.count else None


class Average(Sum):
    def value(self):
        return abs(self.sum) // self.count * (-1 if self.sum < 0 else 1)


class Oracle:
    """The oracle on one folder of files. Watermark delay None: the stream is generated."""

    def __init__(self, folder, delay_ms=4000):
        tables = {name: read_table(folder, name) for name in TABLES}
        self.late = late_of(tables, delay_ms)
        self.base = sqlite3.connect(":memory:")
        for name, arguments, function in [
                ("thousandths", 1, thousandths), ("part_of", 3, part_of),
                ("channel_id_of", 1, channel_id_of),
                ("down_to", 2, lambda time, step: time // step * step)]:
            self.base.create_function(name, arguments, function, deterministic=True)
        self.base.create_window_function("sum_of", 1, Sum)
        self.base.create_window_function("average", 1, Average)
        self.base.executescript(SCHEMA)
        for name, rows in tables.items():
            marks = ", ".join("?" * (len(TABLES[name].split()) + 1))
            self.base.executemany(f"INSERT INTO {name} VALUES ({marks})",
                                  (row + [row[0] in self.late[name]] for row in rows))
        self.base.execute("ANALYZE")

    def close(self):
        self.base.close()

    def late_count(self, query):
        return sum(len(self.late[name]) for name in BY_TIME.get(query, []))

    def result(self, query, side_input=None, tokens=False):
        """The header, and the lines sorted by their bytes. side_input: q13's file; tokens:
        tokenize's rows one by one."""
        if query == "tokenize":
            header, rows = self.tokenize(tokens)
        elif query in oracle_patterns.PATTERNS:
            header, rows = self.pattern(query)
        else:
            if query == "q13":
                self.load_side(side_input)
            cursor = self.base.execute(SQL[query])
            header, rows = [column[0] for column in cursor.description], cursor
        return ",".join(header), sorted(map(line, rows), key=str.encode)

    def load_side(self, path):
        rows = [(key, str(key)) for key in range(10000)]
        if path:
            with open(path, encoding="utf-8", newline="") as file:
                rows = [(int(key), value) for key, value in list(csv.reader(file))[1:]]
        self.base.execute("DELETE FROM side")
        self.base.executemany("INSERT INTO side VALUES (?, ?)", rows)

    def pattern(self, query):
        header, find = oracle_patterns.PATTERNS[query]
        keys = collections.defaultdict(list)
        for auction, bidder, time, price in self.base.execute(
                "SELECT auction, bidder, dateTime, price FROM bid WHERE NOT late"
                " ORDER BY dateTime, seq"):
            keys[auction, bidder].append(oracle_patterns.Bid(time, price))
        return header.split(","), [(*key, *match) for key, bids in keys.items()
                                   for match in find(bids)]

    def tokenize(self, one_by_one):
        """Words of ASCII letters, digits and _ in each bid's line without its seq."""
        rows = [(seq, word) for seq, *values in self.base.execute(
            "SELECT seq, auction, bidder, price, channel, url, dateTime, extra FROM bid")
            for word in re.findall("[A-Za-z0-9_]+", line(values))]
        if one_by_one:
            return ["seq", "token"], rows
        return ["token", "count"], collections.Counter(word for _, word in rows).items()


@functools.lru_cache(maxsize=2)
def oracle_of(folder, delay_ms):
    return Oracle(folder, delay_ms)


def result(query, folder, delay_ms=4000, **options):
    return oracle_of(folder, delay_ms).result(query, **options)
