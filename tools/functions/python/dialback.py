# SPDX-License-Identifier: MIT
"""Dial-back: connects to the runtime that invited us, and works through what it sends.

What goes over the wire stands in burst/README.md.
"""

import contextlib
import hashlib
import hmac
import json
import select
import socket
import ssl
import struct
import time

from errors import DialBackFailed, FunctionError
from frame import BYTES_MAX

VERSION = 1
HELLO, WELCOME, FAILED, GOODBYE = 1, 2, 3, 4
CONNECT_S = 5  # also of what was begun to be read or written
MARGIN_S = 0.5  # before the end, beside what the longest frame took, three times

_HEAD = struct.Struct("<4sII")
_KEY = slice(12, 36)  # of a frame
_MESSAGE_MAX = 640


def _read_invitation(invitation):
    """Address, certificate's fingerprint, token, seconds to stay, seconds of silence to bear."""
    if not isinstance(invitation, dict) or invitation.get("version") != VERSION:
        raise DialBackFailed(f"dial-back: version: only {VERSION} is understood")
    try:
        host, port = invitation["address"].rsplit(":", 1)
        certificate = bytes.fromhex(invitation["certificate"])
        token = bytes.fromhex(invitation["token"])
        address = host.removeprefix("[").removesuffix("]"), int(port)
        for_s, silence_s = invitation["forMs"] / 1e3, invitation["silenceMs"] / 1e3
    except (KeyError, AttributeError, TypeError, ValueError):
        # Not what is wrong: the token must not get into a message.
        raise DialBackFailed("dial-back: not an invitation") from None
    if len(certificate) != 32 or len(token) != 32:
        raise DialBackFailed("dial-back: certificate, token: not 32 bytes in hex")
    return address, certificate, token, for_s, silence_s


@contextlib.contextmanager
def _connected(address, certificate):
    """A connection to whoever has this certificate: nobody vouches for it but the invitation."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_connection(address, CONNECT_S) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain) as link:
            found = hashlib.sha256(link.getpeercert(binary_form=True)).digest()
            if not hmac.compare_digest(found, certificate):
                raise DialBackFailed("dial-back: its certificate is not that of the invitation")
            yield link


class _Visit:
    def __init__(self, link, end, silence, work):
        self.link, self.begin, self.end, self.silence = link, time.monotonic(), end, silence
        self.work = work
        self.longest = 0
        self.frames = self.failures = 0
        self.welcome = self.leaving = False

    def say(self, what, more=b""):
        self.link.sendall(_HEAD.pack(b"SPLD", what, _HEAD.size + len(more)) + more)

    def read(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self.link.recv_into(view)
            if not got:
                raise ConnectionResetError("the runtime has gone")
            view = view[got:]
        return bytes(data)

    def run(self, data):
        begin = time.monotonic()
        try:
            answer = self.work(data, (self.end - begin) * 1e3, begin)
        except FunctionError as error:
            told = json.dumps({"errorMessage": str(error)[:256],
                               "errorType": type(error).__name__}).encode()
            self.say(FAILED, (data[_KEY] + told)[:_MESSAGE_MAX - _HEAD.size])
            self.failures += 1
        else:
            self.link.sendall(answer)
            self.frames += 1
        self.longest = max(self.longest, time.monotonic() - begin)

    def take(self):
        """One more thing that the runtime has sent. True: it was the last."""
        head = self.read(_HEAD.size)
        magic, what, size = _HEAD.unpack(head)
        if magic == b"SPLW" and self.welcome and 36 <= size <= BYTES_MAX:
            self.run(head + self.read(size - _HEAD.size))
            return False
        if (magic, size) != (b"SPLD", _HEAD.size) or (what == WELCOME) == self.welcome:
            raise ConnectionError("the runtime does not speak as it should")
        if what == WELCOME:
            self.welcome = True
        elif what != GOODBYE:
            raise ConnectionError("the runtime does not speak as it should")
        elif not self.leaving:
            self.say(GOODBYE)
        return what == GOODBYE

    def leave_at(self):
        """What is taken must be finished; at most half of the time is kept back."""
        margin = MARGIN_S + 3 * self.longest
        return self.end - min(margin, (self.end - self.begin) / 2)

    def serve(self):
        heard = self.begin
        while True:
            now = time.monotonic()
            until = heard + self.silence
            if now >= until:
                raise TimeoutError("the runtime says nothing")
            if self.welcome and not self.leaving:
                if now >= self.leave_at():
                    self.leaving = True
                    self.say(GOODBYE)
                    continue
                until = min(until, self.leave_at())
            if self.link.pending() or select.select([self.link], [], [], until - now)[0]:
                if self.take():
                    return
                heard = time.monotonic()


def serve(invitation, remaining_ms, work):
    """Does what the invitation says. work: a frame and the ms left to its answer."""
    address, certificate, token, for_s, silence_s = _read_invitation(invitation)
    end = time.monotonic() + min(for_s, remaining_ms() / 1e3)
    visit = None
    try:
        with _connected(address, certificate) as link:
            visit = _Visit(link, end, silence_s, work)
            visit.say(HELLO, token)
            visit.serve()
    except OSError as error:
        # Once welcome, however it ends is an end: what was under way is tried again.
        if not visit or not visit.welcome:
            raise DialBackFailed(f"dial-back: {address[0]} port {address[1]}: "
                                 f"{error.strerror or error}") from None
    return {"dialBack": {"frames": visit.frames, "failures": visit.failures}}
