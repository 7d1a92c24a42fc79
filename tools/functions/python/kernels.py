# SPDX-License-Identifier: MIT
"""Kernels: pure functions from a batch to a batch, the same as those in nexmark/."""

import collections
import re

from frame import INT64, ROWS_MAX, TEXT, TIME_MS, to_int64
from errors import KernelFailed

WINDOW_MS = 10000
WORD = re.compile(rb"[A-Za-z0-9_]+")

# run gets the columns and the request's header, and gives columns, their rows in the order in
# which they first come up.
Kernel = collections.namedtuple("Kernel", "version input output run")


def _window(time_ms):
    return to_int64(time_ms - time_ms % WINDOW_MS)


def _groups(counts):
    bidders, windows = zip(*counts) if counts else ((), ())
    return bidders, windows, tuple(counts.values())


def _q12_arrival(columns, header):
    window = _window(header.arrival_ms)
    return _groups(collections.Counter((bidder, window) for bidder in columns[0]))


def _q12_event(columns, _):
    return _groups(collections.Counter(zip(columns[0], map(_window, columns[1]))))


def _number(value):
    """A number's token: a sign is outside words."""
    return b"%d" % abs(value)


def _tokenize(columns, _):
    auction, bidder, price, channel, url, time, extra = columns
    counts = collections.Counter()
    for values in (auction, bidder, price, time):
        for value, times in collections.Counter(values).items():
            counts[_number(value)] += times
    for values in (channel, url, extra):
        # A line end belongs to no word.
        counts.update(WORD.findall(b"\n".join(values)))
    return tuple(counts), tuple(counts.values())


def _tokens(columns, _):
    seqs, tokens = [], []
    for seq, auction, bidder, price, channel, url, time, extra in zip(*columns):
        words = [_number(auction), _number(bidder), _number(price), *WORD.findall(channel),
                 *WORD.findall(url), _number(time), *WORD.findall(extra)]
        seqs += [seq] * len(words)
        tokens += words
        if len(tokens) > ROWS_MAX:
            raise KernelFailed(f"kernel: tokenize.tokens: more than {ROWS_MAX} tokens")
    return seqs, tokens


_LINE = (INT64, INT64, INT64, TEXT, TEXT, TIME_MS, TEXT)
_PARTIAL = (INT64, TIME_MS, INT64)

KERNELS = {
    "q12.arrival": Kernel(1, (INT64,), _PARTIAL, _q12_arrival),
    "q12.event": Kernel(1, (INT64, TIME_MS), _PARTIAL, _q12_event),
    "tokenize.partial": Kernel(1, _LINE, (TEXT, INT64), _tokenize),
    "tokenize.tokens": Kernel(1, (INT64, *_LINE), (INT64, TEXT), _tokens),
}
