#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Answers with status 200 that are not to be believed: each is counted as corrupt and dropped."""

import base64
import gzip
import json
import struct
import time
import unittest
import zlib

import bombs
import common
from fault_case import LARGE, MIDDLE, FaultCase, Size, number_in
from function_frames import COLUMN, FIXED, NAMES, dictionary, header_of, reseal
from hostile_server import AFTER, CONTINUATION, END_HEADERS, HEADERS, Fault, head_of

CORRUPT, NOTHING = {"corrupt": 1}, {}
BODY_MOST = 6291556
FAILURE_MOST = 4096
TINY = Size("tiny", 200, 100, 1 << 14)
MEMORY_MOST = 64 << 20  # that a run with bombs may take more than one without


def frame_of(answer):
    return base64.b64decode(json.loads(answer)["frame"])


def answer_of(frame):
    return b'{"frame":"' + base64.b64encode(frame) + b'"}'


def body(name, change, errors=None):
    """change: from the good answer's text to another."""
    return Fault(name, AFTER, lambda stream: stream.answer(change(stream.run())),
                 CORRUPT if errors is None else errors)


def frame(name, change, errors=None):
    """change: from the good answer's frame to another."""
    return body(name, lambda answer: answer_of(change(frame_of(answer))), errors)


def patched(at, value):
    """The frame with other bytes there, and a right sum."""
    return lambda data: reseal(data[:at] + value + data[at + len(value):])


def with_field(name, value):
    """value: or a function of the frame's own."""
    def change(data):
        fields = header_of(data)
        fields[name] = value(fields[name]) if callable(value) else value
        return reseal(FIXED.pack(*(fields[each] for each in NAMES)) + data[FIXED.size:])
    return change


def resized(data):
    """Its length put right, and its sum."""
    return reseal(data[:8] + struct.pack("<I", len(data)) + data[12:])


HIGH = (1 << 32) - 1


def whole_frames():
    for size in (0, 1, 3, 4, 107, 108, 111, 112, 119, 140):
        yield frame(f"cut to {size}", lambda data, size=size: data[:size])
        if size >= 112:
            yield frame(f"cut to {size} and summed",
                        lambda data, size=size: resized(data[:size]))
    yield frame("cut in the middle, summed", lambda data: resized(data[:len(data) // 2]))
    yield frame("wrong sum", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    yield frame("one bit", lambda data: data[:150] + bytes([data[150] ^ 4]) + data[151:])
    yield frame("garbage with a right sum", lambda data: resized(data[:12] + bytes(
        byte * 37 % 251 for byte in range(len(data) - 12))))
    yield frame("bytes behind", lambda data: resized(data[:-4] + bytes(5)))
    yield frame("twice", lambda data: data + data)
    yield frame("60 MiB of zeros, said to be", with_field("bytes", 60 << 20))


def fields():
    for name, values in {
            "magic": [b"SPLX"], "version": [0, 2, 255], "kind": [0, 1, 3], "codec": [1, 2, 255],
            "columns": [0, 1, 255], "bytes": [0, 112, HIGH],
            "rows": [0, 65535, 65536, 65537, HIGH], "config_bytes": [1, 64, 65, HIGH],
            "kernel_version": [0, 2, HIGH], "kernel": [b"", b"q99", b"x" * 32, b"\xff\"\\\n"],
    }.items():
        for value in values:
            yield frame(f"{name} {value}", with_field(name, value))
    for name in ("rows", "bytes", "columns"):
        for by in (-1, 1):
            yield frame(f"{name} {by:+}", with_field(name, lambda value, by=by: value + by))
    # Another batch's, another edge's, another run's.
    for name in ("seq", "edge", "job"):
        for by in (1, 1 << 20):
            yield frame(f"{name} of another", with_field(name, lambda value, by=by: value ^ by))
    # The same batch's, whichever attempt it was: as good as its own.
    yield frame("another attempt's", with_field("attempt", lambda value: value + 7), NOTHING)
    yield frame("no attempt's", with_field("attempt", 0), NOTHING)


def columns():
    head = FIXED.size
    for name, value in [("type", b"\7"), ("type", b"\4"), ("encoding", b"\2"),
                        ("encoding", b"\xff"), ("width 3", b"\3"), ("width 255", b"\xff")]:
        at = head + ["type", "encoding", "width"].index(name.split()[0])
        yield frame(f"column: {name} {value}", patched(at, value))
    for size in (0, 1, 7, 9, 1 << 16, (1 << 31) - 1, 1 << 31, HIGH):
        yield frame(f"column of {size} bytes", patched(head + 4, struct.pack("<I", size)))


def with_text(column):
    """The answer of tokenize with another first column; column: of the number of rows."""
    def change(data):
        fields = header_of(data)
        at = FIXED.size
        size = COLUMN.unpack_from(data, at)[4]
        return resized(data[:at] + column(fields["rows"]) + data[at + COLUMN.size + size:])
    return change


def text_column(encoding, width, make):
    def column(rows):
        payload = make(rows)
        return COLUMN.pack(4, encoding, width, 0, len(payload)) + payload
    return with_text(column)


def texts():
    plain, coded = 0, 2
    for name, encoding, width, make in [
            ("lengths beyond the bytes", plain, 4, lambda rows: b"\xff" * 4 * rows),
            ("lengths that wrap", plain, 4, lambda rows: struct.pack(
                f"<{rows}I", HIGH, 1, *[0] * (rows - 2))),
            ("lengths cut", plain, 4, lambda rows: bytes(4 * rows - 1)),
            ("bytes behind", plain, 1, lambda rows: bytes(rows) + b"x"),
            ("width 0", plain, 0, lambda rows: b""),
            ("width 3", plain, 3, lambda rows: bytes(3 * rows)),
            ("no such encoding", 1, 1, bytes),
            ("more text than a batch holds", plain, 4, lambda rows: struct.pack(
                f"<{rows}I", 4 << 20, *[0] * (rows - 1)) + bytes(4 << 20)),
            ("text bomb", coded, 1, lambda rows: dictionary([b"x" * 65535], 1, [0] * rows)),
            ("entries without end", coded, 1, lambda rows: struct.pack("<I", HIGH) + bytes(rows)),
            ("more entries than are taken", coded, 2, lambda rows: dictionary(
                [b""] * 16385, 2, [0] * rows)),
            ("no entries", coded, 1, lambda rows: dictionary([], 1, [0] * rows)),
            ("code beyond the entries", coded, 1, lambda rows: dictionary(
                [b"a", b"b"], 1, [2] * rows)),
            ("codes cut", coded, 2, lambda rows: dictionary([], 2, [0] * (rows - 1))),
            ("entries cut", coded, 1, lambda rows: dictionary([b"abc"], 1, [0] * rows)[:-1]),
            ("dictionary of width 4", coded, 4, lambda rows: dictionary([b"a"], 4, [0] * rows))]:
        yield frame(f"text: {name}", text_column(encoding, width, make))


def in_base64(change):
    return lambda answer: json.dumps({"frame": change(json.loads(answer)["frame"])}).encode()


def base64s():
    for name, change in {
            "empty": lambda text: "", "one digit less": lambda text: text[:-1],
            "four less": lambda text: text[:-4], "one more": lambda text: text + "A",
            "four more": lambda text: text + "AAAA", "padding within": lambda text: "QQ==" + text,
            "padding alone": lambda text: "====", "more padding": lambda text: text + "====",
            "other alphabet": lambda text: text[:99] + "-_" + text[101:],
            "a blank": lambda text: text[:99] + " " + text[99:],
            "line ends": lambda text: text[:76] + "\n" + text[76:],
            "no ASCII": lambda text: text[:99] + "é" + text[100:],
            "loose bits": lambda text: (text + "QR==" if text[-1] != "=" else
                                        text.rstrip("=")[:-1] + "/" + "=" * text.count("=")),
    }.items():
        yield body(f"Base64: {name}", in_base64(change))


def json_texts():
    def good(answer):
        return json.loads(answer)["frame"]

    texts = {
        "nothing": lambda answer: b"", "blanks": lambda answer: b" \n\t ",
        "zeros": lambda answer: bytes(1000), "words": lambda answer: b"<html>hello</html>",
        "null": lambda answer: b"null", "number": lambda answer: b"17",
        "list": lambda answer: b"[" + answer + b"]",
        "text": lambda answer: json.dumps(good(answer)).encode(),
        "empty object": lambda answer: b"{}", "half": lambda answer: answer[:len(answer) // 2],
        "no end": lambda answer: answer[:-1], "more behind": lambda answer: answer + b"{}",
        "twice": lambda answer: answer + answer,
        "byte order mark": lambda answer: b"\xef\xbb\xbf" + answer,
        "other name": lambda answer: answer.replace(b"frame", b"fname"),
        "name in capitals": lambda answer: answer.replace(b"frame", b"FRAME"),
        "frame twice": lambda answer: answer[:-1] + b"," + answer[1:],
        "frame twice, one bad": lambda answer: b'{"frame":"QUJD",' + answer[1:],
        "frame number": lambda answer: b'{"frame":17}',
        "frame null": lambda answer: b'{"frame":null}',
        "frame in a list": lambda answer: b'{"frame":["' + good(answer).encode() + b'"]}',
        "nested": lambda answer: b'{"frame":' + answer + b"}",
        "zero in the text": lambda answer: answer[:99] + b"\\u0000" + answer[99:],
        "bad escape": lambda answer: answer[:99] + b"\\x41" + answer[100:],
        "half a pair": lambda answer: answer[:99] + b"\\ud800" + answer[100:],
        "no UTF-8": lambda answer: b'{"more":"\xff\xfe",' + answer[1:],
        "deep": lambda answer: b'{"more":' + b"[" * 100000 + b"]" * 100000 + b"," + answer[1:],
        "deep, without end": lambda answer: b"[" * 100000,
    }
    for name, change in texts.items():
        yield body(f"JSON: {name}", change)
    # Odd, and right.
    for name, change in {
            "blanks": lambda answer: b' {\n"frame" :\t"' + good(answer).encode() + b'"\r\n} ',
            "escaped": lambda answer: b'{"frame":"' + b"".join(
                b"\\u%04x" % byte for byte in good(answer)[:200].encode()) +
                good(answer)[200:].encode() + b'"}',
            "slashes escaped": lambda answer: answer.replace(b"/", b"\\/"),
            "padding escaped": lambda answer: answer.replace(b"=", b"\\u003d"),
            "name escaped": lambda answer: answer.replace(b"frame", b"\\u0066rame", 1),
            "more around": lambda answer: b'{"a":{"frame":"no"},' + answer[1:-1] + b',"z":[1]}',
    }.items():
        yield body(f"JSON: odd: {name}", change, NOTHING)


class Bodies(FaultCase):
    def run_bodies(self, faults, query):
        self.run_all(faults, size=TINY, query=query)

    def test_frames(self):
        self.run_bodies(whole_frames(), "q14")

    def test_fields(self):
        self.run_bodies(fields(), "q14")

    def test_columns(self):
        self.run_bodies(columns(), "q14")

    def test_texts(self):
        self.run_bodies(texts(), "tokenize")

    def test_base64(self):
        self.run_bodies(base64s(), "q14")

    def test_json(self):
        self.run_bodies(json_texts(), "q14")


def packed(name, encoding, change, errors=None):
    """The answer, changed, with a Content-Encoding. Nobody has asked for any."""
    return Fault(name, AFTER, lambda stream: stream.answer(
        change(stream.run()), 200, [("content-encoding", encoding)]),
        CORRUPT if errors is None else errors)


def with_columns(rows, *columns):
    """The frame with other columns, and as many rows as that says it has."""
    def change(data):
        fields = header_of(data)
        fields["rows"] = rows
        return resized(FIXED.pack(*(fields[name] for name in NAMES)) + b"".join(columns) +
                       bytes(4))
    return change


class Bombs(FaultCase):
    """Little that says it is much: refused, run here, and no memory is taken for it."""

    def run_bombs(self, faults, query, *words, size=TINY):
        """The report, after as many good answers in a run of their own have shown what it takes."""
        good = [body("good", lambda answer: answer, NOTHING)] * len(faults)
        with self.server(size) as server:
            plain = self.run_script(server, good, *words, query=query, size=size)
            told = self.run_script(server, faults, *words, query=query, size=size)
        more = told["memory"]["peak_rss_bytes"] - plain["memory"]["peak_rss_bytes"]
        self.assertLess(more, MEMORY_MOST, "it was unpacked")
        return told["burst"]

    def test_bodies(self):
        """What would be a gigabyte, in each encoding there is, and good answers packed as they
        should be."""
        faults = [packed(f"{encoding} of a gigabyte", encoding, lambda _, data=data: data)
                  for encoding, data in bombs.packed()]
        faults += [packed("gzip", "gzip", gzip.compress),
                   packed("deflate", "deflate", zlib.compress),
                   packed("deflate, gzip", "deflate, gzip",
                          lambda answer: gzip.compress(zlib.compress(answer))),
                   packed("no gzip", "gzip", lambda _: b"\x1f\x8b\x08" + bytes(1000))]
        burst = self.run_bombs(faults, "q14", "--retries", 0, size=MIDDLE)
        self.assertEqual(burst["batches_reclaimed"], len(faults))
        # As it is, whatever is said of it.
        burst = self.run_bombs([packed("not packed", "gzip", lambda answer: answer, NOTHING)],
                               "q14")
        self.assertEqual(burst["batches_reclaimed"], 0)

    def test_rows(self):
        """Columns without bits: any number of rows is 16 bytes. What the batch does not hold will
        not fit the next time either."""
        column = COLUMN.pack(0, 1, 0, 0, 8) + bytes(8)
        counts = [TINY.rows + 1, 1000, 65535, 65536]
        faults = [frame(f"{rows} rows", with_columns(rows, column, column)) for rows in counts]
        burst = self.run_bombs(faults, "q2")
        self.assertEqual(burst["batches_reclaimed"], len(counts))
        # More than any batch has is not even a frame.
        faults = [frame(f"{rows} rows", with_columns(rows, column, column))
                  for rows in (65537, HIGH)]
        self.assertEqual(self.run_bombs(faults, "q2")["batches_reclaimed"], 0)

    def test_texts(self):
        """A dictionary's entry of 64 KiB, as each of 200 rows and more."""
        faults = [frame(f"{entries} entries, width {width}", text_column(
            2, width, lambda rows, entries=entries, width=width: dictionary(
                [b"x" * (65535 // entries)] * entries, width,
                [row % entries for row in range(rows)])))
            for entries in (1, 2, 200) for width in (1, 2)]
        burst = self.run_bombs(faults, "tokenize")
        self.assertEqual(burst["batches_reclaimed"], len(faults))

    def test_heads(self):
        """A field once, then a gigabyte of it by its index in the table."""
        def send(stream):
            block = head_of(200) + bombs.head()
            for at in range(0, len(block), 16384):
                last = at + 16384 >= len(block)
                stream.connection.send(CONTINUATION if at else HEADERS, END_HEADERS if last else 0,
                                       stream.number, block[at:at + 16384])

        faults = [Fault("head", AFTER, send, {"transport": 1})] * 3
        burst = self.run_bombs(faults, "q14", "--retries", 0)
        self.assertEqual(burst["batches_reclaimed"], len(faults))


class Caps(FaultCase):
    def test_answer(self):
        """The longest that is taken; one byte less, one more, and one without an end."""
        def endless(stream):
            stream.headers(200)
            stream.data(b" " * (32 << 20))

        def padded(by):
            return lambda answer: answer + b" " * (most + by - len(answer))

        with self.server(TINY) as server:
            told = self.run_script(server, [Fault("endless", AFTER, endless, CORRUPT)], size=TINY)
            most = number_in(told["stderr"], r"longer than (\d+) bytes")
            told = self.run_script(server, [
                body("one less", padded(-1), NOTHING), body("the most", padded(0), NOTHING),
                body("one more", padded(1)), body("a million more", padded(1000000))], size=TINY)
        self.assertEqual(told["burst"]["batches_reclaimed"], 0)

    def test_failure(self):
        """Of a body that is no answer 4 KiB are read, then its stream is reset; what it is counted
        as is told by its head, however long it is."""
        given_up, faults = [], []

        def failing(status, fields, size, whole):
            def act(stream):
                stream.at_reset = lambda: given_up.append(stream.fault.name)
                stream.headers(status, fields)
                stream.data(b"x" * size, end=whole)
                if not whole and size <= FAILURE_MOST:
                    # Time to give it up.
                    time.sleep(0.1)
                    stream.data(b"", end=True)
            return act

        for status, fields, errors in [
                (500, [], {"transport": 1}), (403, [], {"transport": 1}),
                (429, [], {"throttled": 1}),
                (200, [("x-amz-function-error", "Unhandled")], {"function_error": 1})]:
            for size in (FAILURE_MOST - 1, FAILURE_MOST, FAILURE_MOST + 1):
                for whole in (True, False):
                    faults.append(Fault(f"{status}: {size}{'' if whole else ', more to come'}",
                                        AFTER, failing(status, fields, size, whole), errors))
        with self.server(TINY) as server:
            self.run_script(server, faults, "--deadline-ms", 60000, size=TINY)
        # A stream that was ended is not given up, or it is too late for that.
        self.assertEqual([name for name in given_up if "more" in name],
                         [one.name for one in faults
                          if one.name.endswith(f"{FAILURE_MOST + 1}, more to come")])
        self.assertFalse([name for name in given_up if str(FAILURE_MOST + 1) not in name])

    def test_request(self):
        """The last batch that Invoke takes, and with one row more the first that it does not."""
        sent = []
        with self.server(LARGE) as server:
            whole = server.whole

            def noted(stream):
                sent.append(len(stream.body))
                whole(stream)

            def spill(rows):
                server.script([])
                return self.run_query(server, [
                    "q14", "--num-events", rows, "--batch-rows", rows, "--avg-bid-byte-size",
                    LARGE.bid_bytes, "--workers", 1], "--deadline-ms", 60000)

            server.whole = noted
            fits, not_fit = 4000, 6500
            while not_fit - fits > 1:
                rows = (fits + not_fit) // 2
                told = spill(rows)
                if told["burst"]["batches_merged"]:
                    fits, most = rows, sent[-1]
                    self.assertEqual(told["stderr"], "")
                else:
                    not_fit, least = rows, number_in(told["stderr"], r"(\d+) bytes are too many")
                    self.assertEqual(told["burst"]["attempts"], 0)
        self.assertTrue(BODY_MOST - 3000 < most <= BODY_MOST < least < BODY_MOST + 3000,
                        (most, least))
        self.assertLessEqual(max(sent), BODY_MOST)


if __name__ == "__main__":
    common.main()
