# SPDX-License-Identifier: MIT
"""Frames: a batch on its way to a function, and the answer on its way back.

The layout stands at the head of burst/wire.c. Every byte is hostile: any input gives a batch that
is whole, or an error that names the field.
"""

import collections
import itertools
import re
import struct
import zlib

from errors import BrokenFrame, KernelFailed, OtherVersion

VERSION = 1
REQUEST, ANSWER = 1, 2
INT64, TIME_MS, TEXT = 0, 2, 4  # types of columns
PLAIN, NARROW, DICTIONARY = 0, 1, 2  # encodings

BYTES_MAX = 64 << 20
ROWS_MAX = 65536
CONFIG_MAX = 64
ENTRIES_MAX = 16384
TEXT_BYTES_MAX = 256 << 20  # of one column, dictionaries resolved

_FIXED = struct.Struct("<4s4BIIQQIIIIQqIII32s")
_COLUMN = struct.Struct("<4BI")
_UNSIGNED = {1: "B", 2: "H", 4: "I"}
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1

Header = collections.namedtuple(
    "Header", "magic version kind codec columns bytes attempt job seq edge kernel_version rows "
              "events number arrival_ms op_delay_ns deadline_ms config_bytes kernel")


def to_int64(value):
    """The same 64 bits as a signed number."""
    return (value - _INT64_MIN) % (1 << 64) + _INT64_MIN


def peek(data):
    """The fixed part of a frame; does not look at the rest."""
    if len(data) < _FIXED.size:
        raise BrokenFrame(f"frame: ends in its header ({len(data)} bytes)")
    header = Header(*_FIXED.unpack_from(data))
    if header.magic != b"SPLW":
        raise BrokenFrame("frame: does not begin with SPLW")
    if header.version != VERSION:
        raise OtherVersion(f"frame: version {header.version}: only {VERSION} is understood")
    if header.kind not in (REQUEST, ANSWER):
        raise BrokenFrame(f"frame: kind {header.kind}: 1 or 2")
    if header.codec != 0:
        raise OtherVersion(f"frame: codec {header.codec}: only 0 is understood")
    if header.config_bytes > min(CONFIG_MAX, len(data) - _FIXED.size):
        raise BrokenFrame(f"frame: config of {header.config_bytes} bytes: at most {CONFIG_MAX}")
    if header.kernel[-1]:
        raise BrokenFrame("frame: kernel name: longer than 31")
    if header.rows > ROWS_MAX:
        raise BrokenFrame(f"frame: rows {header.rows}: at most {ROWS_MAX}")
    # It goes into messages, and a stranger may have sent it.
    name = re.sub(rb"[^ -~]", b"?", header.kernel.split(b"\0", 1)[0])
    return header._replace(kernel=name.decode())


def _check_whole(data, header):
    if not _FIXED.size + 4 <= len(data) <= BYTES_MAX:
        raise BrokenFrame(f"frame: {len(data)} bytes: cannot be one")
    if header.bytes != len(data):
        raise BrokenFrame(f"frame: says it has {header.bytes} bytes: has {len(data)}")
    said, found = int.from_bytes(data[-4:], "little"), zlib.crc32(data[:-4])
    if said != found:
        raise BrokenFrame(f"frame: CRC-32 is {said:08x}: the bytes give {found:08x}")


def _numbers(payload, width, count, offset=0):
    return struct.unpack_from(f"<{count}{_UNSIGNED[width]}", payload, offset)


def _get_integers(encoding, width, payload, rows):
    if encoding == PLAIN:
        if width != 8 or len(payload) != rows * 8:
            raise BrokenFrame("frame: plain column: wrong size")
        return struct.unpack(f"<{rows}q", payload)
    if encoding != NARROW:
        raise BrokenFrame(f"frame: integer column: encoding {encoding}")
    if width not in (0, 1, 2, 4) or len(payload) != 8 + rows * width:
        raise BrokenFrame("frame: narrow column: wrong size")
    base = int.from_bytes(payload[:8], "little", signed=True)
    if width == 0:
        return (base,) * rows
    values = [base + value for value in _numbers(payload, width, rows, 8)]
    if base > _INT64_MAX - (1 << 32) and max(values, default=base) > _INT64_MAX:
        raise BrokenFrame("frame: narrow column: a value is out of range")
    return values


def _split(data, start, lengths):
    ends = itertools.accumulate(lengths, initial=start)
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


def _get_text(width, payload, rows):
    if width not in _UNSIGNED:
        raise BrokenFrame(f"frame: text column: width {width}")
    if rows * width > len(payload):
        raise BrokenFrame("frame: text column: ends in its lengths")
    lengths = _numbers(payload, width, rows)
    if rows * width + sum(lengths) != len(payload):
        raise BrokenFrame("frame: text column: lengths that do not add up")
    return _split(payload, rows * width, lengths)


def _get_dictionary(width, payload, rows):
    if len(payload) < 4 or width not in (1, 2):
        raise BrokenFrame("frame: dictionary: head")
    entries = int.from_bytes(payload[:4], "little")
    if entries > ENTRIES_MAX:
        raise BrokenFrame(f"frame: dictionary: {entries} entries: at most {ENTRIES_MAX}")
    used = 4 + entries * 2 + rows * width
    if used > len(payload):
        raise BrokenFrame("frame: dictionary: ends in its codes")
    lengths = _numbers(payload, 2, entries, 4)
    if used + sum(lengths) != len(payload):
        raise BrokenFrame("frame: dictionary: lengths that do not add up")
    codes = _numbers(payload, width, rows, 4 + entries * 2)
    if codes and max(codes) >= entries:
        raise BrokenFrame(f"frame: dictionary: code {max(codes)} of {entries}")
    # Checked before anything is made: a small frame can stand for very much text.
    if sum(lengths[code] for code in codes) > TEXT_BYTES_MAX:
        raise KernelFailed(f"frame: text column: more than {TEXT_BYTES_MAX} bytes")
    words = _split(payload, used, lengths)
    return [words[code] for code in codes]


def _get_column(kind, encoding, width, payload, rows):
    if kind != TEXT:
        return _get_integers(encoding, width, payload, rows)
    if encoding == PLAIN:
        return _get_text(width, payload, rows)
    if encoding == DICTIONARY:
        return _get_dictionary(width, payload, rows)
    raise BrokenFrame(f"frame: text column: encoding {encoding}")


def decode(data, header, types):
    """The columns of a whole frame: a sequence of values for each of the types."""
    _check_whole(data, header)
    if header.columns != len(types):
        raise OtherVersion(f"frame: {header.columns} columns: {len(types)} are expected")
    at, end = _FIXED.size + header.config_bytes, len(data) - 4
    columns = []
    if at > end:
        raise BrokenFrame("frame: ends in its config")
    for expected in types:
        if end - at < _COLUMN.size:
            raise BrokenFrame("frame: ends in a column's head")
        kind, encoding, width, _, size = _COLUMN.unpack_from(data, at)
        if kind != expected:
            raise OtherVersion(f"frame: column of type {kind}: {expected} is expected")
        at += _COLUMN.size
        if size > end - at:
            raise BrokenFrame("frame: ends in a column")
        columns.append(_get_column(kind, encoding, width, data[at:at + size], header.rows))
        at += size
    if at != end:
        raise BrokenFrame(f"frame: {end - at} bytes behind the last column")
    return columns


def _width(high):
    """Bytes that hold 0..high, of what the format knows."""
    return next(width for width in (0, 1, 2, 4, 8) if high < 1 << 8 * width)


def _put_integers(kind, values):
    low = min(values, default=0)
    width = _width(max(values, default=0) - low)
    if width == 8:
        payload = struct.pack(f"<{len(values)}q", *values)
        return _COLUMN.pack(kind, PLAIN, width, 0, len(payload)) + payload
    payload = struct.pack("<q", low)
    if width:
        payload += struct.pack(f"<{len(values)}{_UNSIGNED[width]}", *[v - low for v in values])
    return _COLUMN.pack(kind, NARROW, width, 0, len(payload)) + payload


def _put_text(values):
    lengths = [len(value) for value in values]
    width = max(1, _width(max(lengths, default=0)))
    payload = struct.pack(f"<{len(values)}{_UNSIGNED[width]}", *lengths) + b"".join(values)
    return _COLUMN.pack(TEXT, PLAIN, width, 0, len(payload)) + payload


def answer(header, types, columns):
    """The frame that answers a request: its key, its figures, other columns; no settings."""
    rows = len(columns[0])
    if rows > ROWS_MAX:
        raise KernelFailed(f"kernel: {header.kernel}: {rows} rows: at most {ROWS_MAX}")
    body = b"".join(_put_text(values) if kind == TEXT else _put_integers(kind, values)
                    for kind, values in zip(types, columns))
    size = _FIXED.size + len(body) + 4
    if size > BYTES_MAX:
        raise KernelFailed(f"answer: {size} bytes: at most {BYTES_MAX}")
    fixed = _FIXED.pack(*header._replace(kind=ANSWER, columns=len(types), bytes=size, rows=rows,
                                         config_bytes=0, kernel=header.kernel.encode()))
    return fixed + body + struct.pack("<I", zlib.crc32(body, zlib.crc32(fixed)))
