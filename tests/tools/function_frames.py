# SPDX-License-Identifier: MIT
"""Frames for tests of functions: random ones in every encoding, broken ones, what answers say."""

import base64
import json
import random
import struct
import zlib

FIXED = struct.Struct("<4s4BIIQQIIIIQqIII32s")
NAMES = ("magic version kind codec columns bytes attempt job seq edge kernel_version rows events "
         "number arrival_ms op_delay_ns deadline_ms config_bytes kernel").split()
COLUMN = struct.Struct("<4BI")
INT64, TIME_MS, TEXT = 0, 2, 4
PLAIN, NARROW, DICTIONARY = 0, 1, 2
UNSIGNED = {1: "B", 2: "H", 4: "I"}
LINE = (INT64, INT64, INT64, TEXT, TEXT, TIME_MS, TEXT)
KERNELS = {
    "q12.arrival": (INT64,),
    "q12.event": (INT64, TIME_MS),
    "tokenize.partial": LINE,
    "tokenize.tokens": (INT64, *LINE),
}
KEY = ("job", "edge", "seq", "attempt")
LOW, HIGH = -(1 << 63), (1 << 63) - 1


class Columns:
    """Columns of random values in random encodings."""

    def __init__(self, dice):
        self.dice = dice

    def integers(self, kind, rows):
        dice = self.dice
        width = dice.choice([0, 1, 1, 2, 4, 8])
        if width == 8:
            values = [dice.choice([LOW, HIGH, 0, -1, dice.randint(LOW, HIGH)])
                      for _ in range(rows)]
            return self.column(kind, PLAIN, 8, struct.pack(f"<{rows}q", *values))
        high = (1 << 8 * width) - 1
        base = dice.choice([0, 1000, -100, -5000, 1436918400000, LOW, HIGH - high])
        offsets = [dice.randint(0, dice.choice([min(high, 50), high])) for _ in range(rows)]
        body = struct.pack("<q", base)
        if width:
            body += struct.pack(f"<{rows}{UNSIGNED[width]}", *offsets)
        return self.column(kind, NARROW, width, body)

    def word(self):
        dice = self.dice
        return dice.choice([
            lambda: b"",
            lambda: b"channel-%d" % dice.randint(0, 30),
            lambda: b"https://www.nexmark.com/a_b/item.htm?query=1&channel_id=%d" %
            dice.randint(0, 1 << 20),
            lambda: "Zürich, 東京 é_é \u0130 x".encode(),
            lambda: bytes(dice.randrange(256) for _ in range(dice.randrange(40))),
            lambda: b'"quoted ""text""",\r\n-5 5\x00_ \xff\xfe@[`{/:A1',
            lambda: b"_" * dice.choice([1, 63, 64, 65, 300]),
        ])()

    def text(self, rows):
        if self.dice.random() < 0.5:
            return self.dictionary(rows)
        values = [self.word() for _ in range(rows)]
        if 0 < rows <= 300 and self.dice.random() < 0.1:
            values[0] = b"long text " * 7000
        longest = max(map(len, values), default=0)
        width = self.dice.choice([w for w in (1, 2, 4) if longest < 1 << 8 * w])
        lengths = struct.pack(f"<{rows}{UNSIGNED[width]}", *map(len, values))
        return self.column(TEXT, PLAIN, width, lengths + b"".join(values))

    def dictionary(self, rows):
        entries = [self.word() for _ in range(self.dice.choice([1, 5, 255, 256, 257, 1000]))]
        width = self.dice.choice([1, 2]) if len(entries) <= 256 else 2
        codes = [self.dice.randrange(len(entries)) for _ in range(rows)]
        return self.column(TEXT, DICTIONARY, width, dictionary(entries, width, codes))

    @staticmethod
    def column(kind, encoding, width, body):
        return COLUMN.pack(kind, encoding, width, 0, len(body)) + body


def dictionary(entries, width, codes):
    return (struct.pack(f"<I{len(entries)}H", len(entries), *map(len, entries)) +
            struct.pack(f"<{len(codes)}{UNSIGNED[width]}", *codes) + b"".join(entries))


def seal(fixed, body):
    """The frame with its length and its sum put right; fixed: a dictionary of fields."""
    fields = {"magic": b"SPLW", "version": 1, "kind": 1, "codec": 0,
              "bytes": FIXED.size + len(body) + 4, "deadline_ms": 0, "op_delay_ns": 0,
              "config_bytes": 0, "events": 0, **fixed}
    data = FIXED.pack(*(fields[name] for name in NAMES)) + body
    return data + struct.pack("<I", zlib.crc32(data))


def reseal(data):
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4]))


def fields_of(dice, kernel, rows):
    return {"columns": len(KERNELS[kernel]), "attempt": dice.randint(1, 9),
            "job": dice.getrandbits(64), "seq": dice.getrandbits(64), "edge": dice.getrandbits(32),
            "kernel_version": 1, "rows": rows, "events": dice.randrange(100000),
            "number": dice.getrandbits(64), "arrival_ms": dice.choice(
                [0, -1, 1436918400000, LOW, HIGH, dice.randint(-99999, 99999)]),
            "kernel": kernel.encode()}


def body_of(dice, kernel, rows):
    columns = Columns(dice)
    return b"".join(columns.text(rows) if kind == TEXT else columns.integers(kind, rows)
                    for kind in KERNELS[kernel])


def random_frame(dice, kernel, rows):
    return seal(fields_of(dice, kernel, rows), body_of(dice, kernel, rows))


def header_of(data):
    return dict(zip(NAMES, FIXED.unpack_from(data)))


def event_of(data):
    return json.dumps({"frame": base64.b64encode(data).decode()}).encode()


def _values(kind, encoding, width, body, rows):
    if kind == TEXT:
        lengths = struct.unpack_from(f"<{rows}{UNSIGNED[width]}", body)
        texts, at = [], rows * width
        for length in lengths:
            texts.append(body[at:at + length])
            at += length
        assert encoding == PLAIN and at == len(body), "text column"
        return texts
    if encoding == PLAIN:
        assert width == 8
        return struct.unpack(f"<{rows}q", body)
    base, = struct.unpack_from("<q", body)
    offsets = struct.unpack_from(f"<{rows}{UNSIGNED[width]}", body, 8) if width else [0] * rows
    return [base + offset for offset in offsets]


def rows_of(data):
    """Decodes an answer's frame; its fixed part and its rows."""
    header = header_of(data)
    assert header["bytes"] == len(data) and header["codec"] == 0, header
    assert struct.unpack("<I", data[-4:])[0] == zlib.crc32(data[:-4]), "CRC-32"
    at, columns, kinds = FIXED.size + header["config_bytes"], [], []
    for _ in range(header["columns"]):
        kind, encoding, width, zero, size = COLUMN.unpack_from(data, at)
        assert zero == 0
        at += COLUMN.size
        kinds.append(kind)
        columns.append(_values(kind, encoding, width, data[at:at + size], header["rows"]))
        at += size
    assert at == len(data) - 4, "bytes behind the columns"
    return header, kinds, list(zip(*columns))


def _with(data, **changes):
    """The frame with other fields in its fixed part; its sum is right."""
    fields = {**header_of(data), **changes}
    return reseal(FIXED.pack(*(fields[name] for name in NAMES)) + data[FIXED.size:])


def _frame_with(body, kernel="tokenize.partial", rows=3, **changes):
    fixed = {**fields_of(random.Random(1), kernel, rows), **changes}
    return seal(fixed, body)


def _texts(column):
    """A line of three bids whose channel is this column."""
    zero = Columns.column(INT64, NARROW, 0, bytes(8))
    time = Columns.column(TIME_MS, NARROW, 0, bytes(8))
    empty = Columns.column(TEXT, PLAIN, 1, bytes(3))
    return _frame_with(zero * 3 + column + empty + time + empty)


def broken_frames():
    """(what is wrong, the frame) for each thing that may be."""
    good = random_frame(random.Random(7), "q12.event", 20)
    for size in (0, 3, 50, 107, 108, 111, 112, 119, len(good) // 2, len(good) - 1):
        yield f"cut to {size}", good[:size]
        if size >= 112:
            yield f"cut to {size}, summed", _with(good[:size], bytes=size)
    yield "sum", good[:-1] + bytes([good[-1] ^ 1])
    yield "one bit", good[:130] + bytes([good[130] ^ 4]) + good[131:]
    for name, values in {
            "magic": [b"SPLX"], "version": [0, 2, 255], "kind": [0, 2, 3], "codec": [1],
            "columns": [0, 1, 3, 255], "bytes": [0, len(good) + 1, (1 << 32) - 1],
            "rows": [0, 19, 21, 65536, 65537, (1 << 32) - 1],
            "kernel_version": [0, 2, (1 << 32) - 1],
            "config_bytes": [1, 8, 64, 65, (1 << 32) - 1],
            "kernel": [b"", b"q99", b"Q12.EVENT", b"q12.event ", b"q12.arrival", b"x" * 32,
                       b"\xff\"\\\n"]}.items():
        for value in values:
            yield f"{name} {value}", _with(good, **{name: value})
    yield "bytes behind", _with(good[:-4] + bytes(5), bytes=len(good) + 1)
    numbers = Columns.column(INT64, NARROW, 1, bytes(11))
    for what, column in [
            ("type", Columns.column(TIME_MS, NARROW, 1, bytes(11))),
            ("encoding", Columns.column(INT64, 2, 1, bytes(11))),
            ("width 3", Columns.column(INT64, NARROW, 3, bytes(17))),
            ("width 8", Columns.column(INT64, NARROW, 8, bytes(32))),
            ("plain width", Columns.column(INT64, PLAIN, 4, bytes(12))),
            ("short", Columns.column(INT64, NARROW, 1, bytes(10))),
            ("long", Columns.column(INT64, NARROW, 1, bytes(12))),
            ("huge", numbers[:4] + b"\xff\xff\xff\xff" + numbers[8:]),
            ("head", numbers[:6])]:
        yield "numbers: " + what, _frame_with(column, "q12.arrival")
    three = [b"ab", b"c", b""]
    for what, encoding, width, body in [
            ("encoding", 1, 1, bytes(3)), ("width", PLAIN, 3, bytes(9)),
            ("width 0", PLAIN, 0, b""), ("lengths cut", PLAIN, 4, bytes(11)),
            ("too long", PLAIN, 1, b"\1\1\2abc"), ("behind", PLAIN, 1, b"\1\1\0abc"),
            ("overflow", PLAIN, 4, b"\xff" * 12), ("no head", DICTIONARY, 1, b"\1\0"),
            ("dictionary width", DICTIONARY, 4, bytes(16)),
            ("entries", DICTIONARY, 1, b"\1\x40\0\0" + bytes(0x8002) + bytes(3)),
            ("entries -1", DICTIONARY, 1, b"\xff\xff\xff\xff" + bytes(30)),
            ("no entries", DICTIONARY, 1, bytes(7)),
            ("code", DICTIONARY, 1, dictionary(three, 1, [0, 3, 1])),
            ("codes cut", DICTIONARY, 2, dictionary([], 2, [0, 1])),
            ("entries cut", DICTIONARY, 1, dictionary(three, 1, [0, 1, 2])[:-1]),
            ("entries long", DICTIONARY, 1, dictionary(three, 1, [0, 1, 2]) + b"x")]:
        yield "text: " + what, _texts(Columns.column(TEXT, encoding, width, body))


def too_much():
    """Frames that are whole, but stand for more than a function takes."""
    rows = 65536
    zero = Columns.column(INT64, NARROW, 0, bytes(8))
    time = Columns.column(TIME_MS, NARROW, 0, bytes(8))
    empty = Columns.column(TEXT, PLAIN, 1, bytes(rows))
    bomb = Columns.column(TEXT, DICTIONARY, 1, dictionary([b"x" * 65535], 1, [0] * rows))
    yield "text bomb", _frame_with(zero * 3 + bomb + empty + time + empty, rows=rows)
    many = Columns.column(INT64, NARROW, 4, struct.pack(f"<q{rows}I", 0, *range(rows)))
    more = Columns.column(INT64, NARROW, 4, struct.pack(f"<q{rows}I", rows, *range(rows)))
    yield "distinct tokens", _frame_with(many + more + zero + empty + empty + time + empty,
                                         rows=rows)
    yield "tokens", _frame_with(zero * 4 + empty + empty + time + empty, "tokenize.tokens", rows)


def broken_events():
    """JSON that is no event of ours."""
    for text in ["{}", "[]", "null", "17", '"frame"', '{"frame": 5}', '{"frame": null}',
                 '{"frame": ["QUJD"]}', '{"other": {"frame": "QUJD"}}', '["frame", "QUJD"]',
                 '{"frame": ""}', '{"frame": "QUJD"}', '{"frame": "!!!!"}', '{"frame": "QUI"}',
                 '{"frame": "QUJ="}', '{"frame": "QQ=="}', '{"frame": "QR=="}',
                 '{"frame": "Q==="}', '{"frame": "===="}', '{"frame": "QUJD\\nQUJD"}',
                 '{"frame": "QU JD"}', '{"frame": "QUJ-"}', '{"frame": "\\u00e9\\u00e9"}',
                 '{"frame": "\xe9\xe9"}', '{"frame": "QQ==QUJD"}']:
        yield text.encode()
