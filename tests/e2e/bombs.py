# SPDX-License-Identifier: MIT
"""Small bodies and heads that would become gigabytes if anybody unpacked them."""

import gzip
import struct
import zlib

ZEROS = bytes(16 << 20)
UNPACKED = 1 << 30
PARTS = UNPACKED // len(ZEROS)


def gzipped():
    """Members one after another are one stream."""
    return gzip.compress(ZEROS, 9) * PARTS


def deflated():
    """One block again and again, each without what came before; Adler-32 of zeros at the end."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    part = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + part * PARTS + packer.flush()[:-4] + struct.pack(">HH", UNPACKED % 65521, 1)


def brotli():
    """What brotli 1.1 (quality 11, window 24) makes of 16 MiB of zeros at the begin of a stream, and
    behind others like it."""
    first, more = "cfffff7ff82700e2b14020f7fedf00", "fcffff877f02200e0b0074efff0d"
    return bytes.fromhex(first + more * (PARTS - 1) + "03")


def zstandard():
    """A frame of blocks that are a byte and how often it comes: 128 KiB at most (RFC 8878)."""
    block = struct.pack("<I", 1 << 17 << 3 | 1 << 1)[:3] + b"\0"
    count = UNPACKED >> 17
    last = bytes([block[0] | 1]) + block[1:]
    return b"\x28\xb5\x2f\xfd\0\x38" + block * (count - 1) + last


def packed():
    """(Content-Encoding, body)"""
    return [("gzip", gzipped()), ("deflate", deflated()), ("br", brotli()),
            ("zstd", zstandard())]


def head(field_bytes=4000):
    """HPACK: a field that goes into the table, and then its index again and again."""
    value = b"x" * field_bytes
    size = field_bytes - 127
    literal = b"\x40\x03x-b\x7f" + bytes([size & 127 | 128, size >> 7]) + value
    return literal + b"\xbe" * (UNPACKED // field_bytes)
