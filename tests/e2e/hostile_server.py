# SPDX-License-Identifier: MIT
"""An HTTP/2 endpoint that answers by script and may send anything, with the C function behind it.

Frames are its own, so that it can break every rule; requests' headers are not decoded. Each
connection has a thread. What was asked and what was run stands in a ledger.
"""

import base64
import collections
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tools"))

import common  # noqa: E402
from function_frames import header_of  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 5, 6, 7, 8, 9)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = (
    0, 1, 2, 7, 8, 11)
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
WIDE = (1 << 31) - 1
HALF = 24 << 10  # a stream's first window: so much of a body comes before anything is granted

# Which part of a request has come when a fault is due.
BEFORE, DURING, AFTER = "before", "during", "after"


class Ended(Exception):
    """The connection is over, or nothing more is to be read from it."""


def field(name, value):
    """A header field, literally, never indexed; names and values below 16,384 bytes."""
    return b"\x10" + _text(name) + _text(value)


def _text(words):
    words = words if isinstance(words, bytes) else str(words).encode()
    size = len(words)
    if size < 127:
        return bytes([size]) + words
    size -= 127
    return bytes([127, size & 127 | 128, size >> 7]) + words


def head_of(status, fields=()):
    return b"".join(field(name, value) for name, value in [(":status", status), *fields])


class Function:
    """The C function under a Runtime API of one environment: one event after another."""

    def __init__(self):
        self.lock = threading.Lock()
        self.runs = 0
        with socket.create_server(("127.0.0.1", 0)) as listener:
            environment = {**os.environ,
                           "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % listener.getsockname()[1]}
            self.process = subprocess.Popen([common.BIN + "/bootstrap"], env=environment,
                                            stderr=subprocess.DEVNULL)
            listener.settimeout(60)
            self.peer, _ = listener.accept()
        self.peer.settimeout(60)
        self.file = self.peer.makefile("rb")
        self.read()

    def read(self):
        """A request of its: the first line, the body."""
        first, size = self.file.readline(), 0
        while (line := self.file.readline().strip()):
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                size = int(value)
        return first, self.file.read(size)

    def run(self, event):
        """The event's answer; None where the function says that it failed."""
        with self.lock:
            self.runs += 1
            self.peer.sendall(b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: %d\r\n"
                              b"Lambda-Runtime-Deadline-Ms: 9999999999999\r\n"
                              b"Content-Length: %d\r\n\r\n" % (self.runs, len(event)) + event)
            first, answer = self.read()
            self.peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            self.read()
        return answer if b"/response" in first else None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.file.close()
        self.peer.close()


class Stream:
    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self.body = bytearray()
        self.entry = None  # in the ledger; None: a warm-up
        self.fault = None
        self.granted = False
        self.at_reset = None  # called when the client gives it up

    def run(self):
        """The good answer to the request."""
        event = bytes(self.body)
        self.note_key()
        answer = self.connection.server.function.run(event)
        self.entry["executed"] = True
        assert answer is not None, "the function refused a request of ours"
        return answer

    def note_key(self):
        """Whose attempt it is, once enough of the body is there."""
        if self.entry["key"] is None and len(self.body) >= 160:
            fields = header_of(base64.b64decode(self.body[10:154]))
            self.entry["key"] = fields["job"], fields["edge"], fields["seq"]
            self.entry["attempt"] = fields["attempt"]

    def headers(self, status=200, fields=(), end=False):
        self.raw_headers(head_of(status, fields), end)

    def raw_headers(self, block, end=False):
        self.connection.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), self.number, block)

    def data(self, data, end=False):
        """Any size; flow control is on the client, whose windows are wide."""
        for at in range(0, len(data) or 1, 16384):
            last = at + 16384 >= len(data)
            self.connection.send(DATA, END_STREAM if end and last else 0, self.number,
                                 data[at:at + 16384])

    def answer(self, body, status=200, fields=()):
        self.headers(status, [("content-type", "application/json"), *fields])
        self.data(body, end=True)

    def reset(self, code):
        self.connection.send(RST_STREAM, 0, self.number, struct.pack(">I", code))


class Connection:
    def __init__(self, server, raw):
        self.server, self.raw, self.peer = server, raw, None
        self.streams = {}
        self.sending = threading.Lock()

    def serve(self):
        try:
            self.peer = self.server.context.wrap_socket(self.raw, server_side=True)
            self.server.opened(self)
            if self.peer.selected_alpn_protocol() == "h2":
                self.serve_http2()
            else:
                self.serve_http1()
        except (Ended, OSError):
            pass
        except Exception:  # of ours: the test fails by it
            self.server.broken.append(traceback.format_exc())
        finally:
            if self not in self.server.holes:
                self.close()

    def serve_http1(self):
        while self.peer.recv(65536):
            self.peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    def serve_http2(self):
        if self.read(len(PREFACE)) != PREFACE:
            raise Ended
        self.settings({MAX_CONCURRENT_STREAMS: self.server.streams_max,
                       INITIAL_WINDOW_SIZE: self.server.window})
        self.grant(0, WIDE - 65535)
        while True:
            size, kind, flags, number = struct.unpack(">IBBI", b"\0" + self.read(9))
            self.take(kind, flags, number & WIDE, self.read(size))

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            more = self.peer.recv(size - len(data))
            if not more:
                raise Ended
            data += more
        return bytes(data)

    def send(self, kind, flags, number, payload=b""):
        with self.sending:
            self.peer.sendall(struct.pack(">I", len(payload))[1:] +
                              struct.pack(">BBI", kind, flags, number) + payload)

    def settings(self, values):
        self.send(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in values.items()))

    def grant(self, number, size):
        self.send(WINDOW_UPDATE, 0, number, struct.pack(">I", size))

    def goaway(self, last, code=NO_ERROR):
        self.send(GOAWAY, 0, 0, struct.pack(">II", last, code))

    def take(self, kind, flags, number, payload):
        stream = self.streams.get(number)
        if kind == SETTINGS and not flags & ACK:
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == HEADERS:
            stream = self.streams[number] = Stream(self, number)
            if flags & END_STREAM:
                self.server.warm_up(stream)
            else:
                self.server.begin(stream)
        elif kind == DATA and stream:
            stream.body += payload
            if not stream.granted and len(stream.body) >= self.server.window:
                self.server.during(stream)
            if flags & END_STREAM:
                self.server.whole(stream)
        elif kind == RST_STREAM and stream:
            if stream.at_reset:
                stream.at_reset()

    # ---- Ends of a connection ----

    def rst(self):
        """A TCP reset, without a word of TLS."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()
        raise Ended

    def close(self):
        try:
            (self.peer or self.raw).close()
        except OSError:
            pass

    def half_close(self):
        """Says no more, and goes on listening."""
        self.peer.shutdown(socket.SHUT_WR)
        while self.peer.recv(65536):
            pass
        raise Ended

    def hole(self):
        """Neither reads nor writes nor closes, from now on."""
        self.server.holes.append(self)
        raise Ended


# act(stream) is called when that much of a request has come, and sees to the answer itself unless
# `answered`. errors: what the report must count for it, by class.
Fault = collections.namedtuple("Fault", "name when act errors answered", defaults=(False,))


class Server:
    """Every second request meets the script's next fault; the others are answered well, or not at
    all where there is no function."""

    def __init__(self, certificate, window=HALF, streams_max=100, tls=None, alpn=("h2",),
                 function=True):
        self.window, self.streams_max = window, streams_max
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        if tls:
            self.context.set_ciphers("DEFAULT:@SECLEVEL=0")
            self.context.minimum_version = self.context.maximum_version = tls
        if alpn:
            self.context.set_alpn_protocols(list(alpn))
        self.lock = threading.Lock()
        self.holes, self.connections = [], []
        self.mute = False  # answers nothing that has no fault
        self.script([])
        self.function = Function() if function else None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_listening()
        for connection in [*self.connections, *self.holes]:
            connection.close()
        if self.function:
            self.function.close()

    def stop_listening(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def cut_all(self):
        """Every connection, whatever its thread is at."""
        for connection in self.connections:
            try:
                with socket.fromfd(connection.peer.fileno(), socket.AF_INET,
                                   socket.SOCK_STREAM) as other:
                    other.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def script(self, faults):
        self.faults = collections.deque(faults)
        self.ledger, self.broken = [], []

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(self, raw).serve, daemon=True).start()

    def opened(self, connection):
        self.connections.append(connection)

    def warm_up(self, stream):
        stream.headers(404, end=True)

    def begin(self, stream):
        with self.lock:
            stream.entry = {"key": None, "attempt": None, "fault": None, "executed": False}
            if self.faults and len(self.ledger) % 2 == 0:
                stream.fault = self.faults.popleft()
                stream.entry["fault"] = stream.fault.name
            self.ledger.append(stream.entry)
        self.strike(stream, BEFORE)

    def during(self, stream):
        stream.granted = True
        stream.note_key()
        if not self.strike(stream, DURING) or stream.fault.answered:
            stream.connection.grant(stream.number, 16 << 20)

    def whole(self, stream):
        stream.note_key()
        if stream.fault and stream.fault.when != AFTER:
            if stream.fault.answered:
                stream.answer(stream.run())
            return
        if not self.strike(stream, AFTER) and self.function and not self.mute:
            stream.answer(stream.run())

    def strike(self, stream, when):
        if not stream.fault or stream.fault.when != when:
            return False
        stream.fault.act(stream)
        return True


class Certificates:
    """A throw-away authority and what it has signed, made by openssl."""

    CONFIG = ("[ca]\ndefault_ca=here\n[here]\nnew_certs_dir=.\ndatabase=database\nserial=serial\n"
              "default_md=sha256\nunique_subject=no\npolicy=any\n[any]\ncommonName=supplied\n")

    def __init__(self, name="test authority"):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        for file_name, text in [("config", self.CONFIG), ("database", ""), ("serial", "01")]:
            with open(f"{self.path}/{file_name}", "w") as file:
                file.write(text)
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem")
        self.openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=" + name, "-out", "self.pem")
        with open(self.path + "/self.ext", "w") as file:
            file.write("basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n")
        self.openssl("ca", "-selfsign", "-batch", "-notext", "-config", "config", "-keyfile",
                     "key.pem", "-in", "self.pem", "-startdate", "20200101000000Z", "-enddate",
                     "20991231000000Z", "-extfile", "self.ext", "-out", "ca.pem")
        self.openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=endpoint", "-out", "req.pem")
        self.ca = self.path + "/ca.pem"

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.path, check=True, capture_output=True,
                       timeout=60)

    def sign(self, name, host="IP:127.0.0.1", end="20991231000000Z"):
        """Certificate and key for ssl's load_cert_chain."""
        with open(f"{self.path}/{name}.ext", "w") as file:
            file.write(f"subjectAltName={host}\n")
        self.openssl("ca", "-batch", "-notext", "-config", "config", "-cert", "ca.pem", "-keyfile",
                     "key.pem", "-in", "req.pem", "-startdate", "20200101000000Z", "-enddate", end,
                     "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return f"{self.path}/{name}.pem", f"{self.path}/key.pem"

    def cleanup(self):
        self.folder.cleanup()
