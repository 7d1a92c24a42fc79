# SPDX-License-Identifier: MIT
"""What a connection may do to a request, and how it must be counted."""

import itertools
import struct

from hostile_server import (
    AFTER, BEFORE, CANCEL, DATA, DURING, END_STREAM, ENHANCE_YOUR_CALM, Ended, Fault, HEADERS,
    INITIAL_WINDOW_SIZE, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS, NO_ERROR, PUSH_PROMISE,
    REFUSED_STREAM, WIDE, field, head_of)

WHEN = (BEFORE, DURING, AFTER)
TRANSPORT, TIMEOUT, CORRUPT, NOTHING = {"transport": 1}, {"timeout": 1}, {"corrupt": 1}, {}


def reset(stream):
    stream.connection.rst()


def close(stream):
    stream.connection.close()
    raise Ended


def half_close(stream):
    stream.connection.half_close()


def hole(stream):
    stream.connection.hole()


def silence(stream):
    """The stream alone: its connection lives."""


def goaway_lower(stream):
    stream.connection.goaway(max(0, stream.number - 2))


def goaway_higher(stream):
    stream.connection.goaway(stream.number)


def goaway_highest(stream):
    stream.connection.goaway(WIDE)


def goaway_close(stream):
    stream.connection.goaway(stream.number)
    close(stream)


def goaway_lower_close(stream):
    stream.connection.goaway(max(0, stream.number - 2))
    close(stream)


def goaway_calm(stream):
    stream.connection.goaway(stream.number, ENHANCE_YOUR_CALM)
    close(stream)


def stream_reset(code):
    return lambda stream: stream.reset(code)


def zero_window(stream):
    """Until the client gives the stream up; the next one is to live."""
    stream.connection.settings({INITIAL_WINDOW_SIZE: 0})
    stream.at_reset = lambda: stream.connection.settings(
        {INITIAL_WINDOW_SIZE: stream.connection.server.window})


def window_shrinks(stream):
    """Far below what has come already; then it is granted after all."""
    stream.connection.settings({INITIAL_WINDOW_SIZE: 1})
    stream.connection.grant(stream.number, 16 << 20)
    stream.connection.settings({INITIAL_WINDOW_SIZE: stream.connection.server.window})


def streams_shrink(stream):
    stream.connection.settings({MAX_CONCURRENT_STREAMS: 1})


def frame(kind, flags, number, payload):
    def act(stream):
        stream.connection.send(kind, flags, stream.number if number else 0, payload)
    return act


def oversized(stream):
    stream.connection.peer.sendall(b"\xff\xff\xff" + bytes([DATA, 0]) +
                                   struct.pack(">I", stream.number) + bytes(20000))


def nonsense(stream):
    stream.connection.peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)


# Whatever has come of the request.
ANY_TIME = [
    ("reset", reset, TRANSPORT),
    ("close", close, TRANSPORT),
    ("half close", half_close, TRANSPORT),
    ("silence", silence, TIMEOUT),
    ("GOAWAY, lower", goaway_lower, TRANSPORT),
    ("GOAWAY, then close", goaway_close, TRANSPORT),
    ("GOAWAY, lower, then close", goaway_lower_close, TRANSPORT),
    ("GOAWAY, ENHANCE_YOUR_CALM", goaway_calm, TRANSPORT),
    ("RST_STREAM, ENHANCE_YOUR_CALM", stream_reset(ENHANCE_YOUR_CALM), TRANSPORT),
    ("RST_STREAM, REFUSED_STREAM", stream_reset(REFUSED_STREAM), TRANSPORT),
    ("RST_STREAM, INTERNAL_ERROR", stream_reset(INTERNAL_ERROR), TRANSPORT),
    ("RST_STREAM, CANCEL", stream_reset(CANCEL), TRANSPORT),
    ("RST_STREAM, NO_ERROR", stream_reset(NO_ERROR), TRANSPORT),
    ("oversized frame", oversized, TRANSPORT),
    ("no frames", nonsense, TRANSPORT),
    ("DATA on stream 0", frame(DATA, 0, False, b"x"), TRANSPORT),
    ("broken HPACK", frame(HEADERS, 4, True, b"\xff" * 9), TRANSPORT),
    ("PUSH_PROMISE", frame(PUSH_PROMISE, 4, True, b"\0\0\0\2" + head_of(200)), TRANSPORT),
]
# The same, and it is answered well all the same.
HARMLESS = [
    ("GOAWAY, higher", goaway_higher),
    ("GOAWAY, highest", goaway_highest),
    ("window shrinks", window_shrinks),
    ("streams shrink", streams_shrink),
    ("unknown frame", frame(0xfe, 255, True, b"what is this")),
]


def in_answer(end, share=0.5, fields=()):
    """Ends it somewhere in a good answer."""
    def act(stream):
        answer = stream.run()
        stream.headers(200, [(name, value(answer)) for name, value in fields])
        if share:
            stream.data(answer[:int(len(answer) * share)])
        end(stream)
    return act


def answer_ends(stream):
    stream.data(b"", end=True)


def answer_twice(stream):
    answer = stream.run()
    stream.answer(answer)
    stream.answer(answer)


def answer_late(stream):
    answer = stream.run()
    stream.at_reset = lambda: stream.answer(answer)


def continued(stream):
    answer = stream.run()
    stream.headers(100)
    stream.headers(103, [("link", "</x>")])
    stream.answer(answer)


def trailers(stream):
    answer = stream.run()
    stream.headers(200)
    stream.data(answer)
    stream.raw_headers(field("x-checked", "yes"), end=True)


LENGTH = [("content-length", len)]
IN_ANSWER = [
    ("reset behind the head", in_answer(reset, 0), TRANSPORT),
    ("reset in the answer", in_answer(reset), TRANSPORT),
    ("close in the answer", in_answer(close), TRANSPORT),
    ("close behind the answer's last byte", in_answer(close, 1), TRANSPORT),
    ("GOAWAY, then close in the answer", in_answer(goaway_close), TRANSPORT),
    ("INTERNAL_ERROR in the answer", in_answer(stream_reset(INTERNAL_ERROR)), TRANSPORT),
    # libcurl takes it for the answer's end.
    ("NO_ERROR in the answer", in_answer(stream_reset(NO_ERROR)), CORRUPT),
    ("CANCEL in the answer", in_answer(stream_reset(CANCEL)), TRANSPORT),
    ("shorter than its length", in_answer(answer_ends, 0.5, LENGTH), TRANSPORT),
    ("longer than its length", in_answer(
        answer_ends, 1, [("content-length", lambda answer: len(answer) - 1)]), TRANSPORT),
    ("length that is none", in_answer(
        answer_ends, 1, [("content-length", lambda answer: "many")]), TRANSPORT),
    ("silence in the answer", in_answer(silence), TIMEOUT),
    ("late", answer_late, TIMEOUT),
    ("two answers", answer_twice, NOTHING),
    ("1xx first", continued, NOTHING),
    ("trailers", trailers, NOTHING),
]


def run_first(act):
    """Behind the whole body the function may have run: it has."""
    def both(stream):
        stream.run()
        act(stream)
    return both


def all_faults():
    """Every kind at every time that it can be at."""
    for (name, act, errors), when in itertools.product(ANY_TIME, WHEN):
        yield Fault(f"{name}, {when}", when, run_first(act) if when == AFTER else act, errors)
    for (name, act), when in itertools.product(HARMLESS, WHEN):
        if when == AFTER:
            yield Fault(f"{name}, {when}", when, then_answer(act), NOTHING)
        else:
            yield Fault(f"{name}, {when}", when, act, NOTHING, answered=True)
    for name, act, errors in IN_ANSWER:
        yield Fault(name, AFTER, act, errors)
    for when in (BEFORE, DURING):
        yield Fault(f"zero window, {when}", when, zero_window, TIMEOUT)


def then_answer(act):
    def both(stream):
        answer = stream.run()
        act(stream)
        stream.answer(answer)
    return both
