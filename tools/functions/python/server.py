# SPDX-License-Identifier: MIT
"""The function as an HTTP/1.1 server: a frame by POST, to any path, is answered by a frame.

For platforms that bring TLS and HTTP/2 to the front themselves (Knative, OpenFaaS, Cloud Run).
"""

import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import frame
from errors import FunctionError
from handler import run, status_of, told

IDLE_S = 300  # that a connection may keep silent
CONNECTIONS_MAX = 256  # a thread each; more are closed at once
LEFT_MS = 900000  # nobody here ends an invocation; the frame's own deadline counts


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    # The head and the body of an answer go out together.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        """The request's body, or None when it was refused."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self.close_connection = True
            self.answer(411, Connection="close")
        elif int(length) > frame.BYTES_MAX:
            self.close_connection = True
            self.answer(413, Connection="close")
        else:
            data = self.rfile.read(int(length))
            if len(data) == int(length):
                return data
            self.close_connection = True
        return None

    def do_POST(self):
        begin = time.monotonic()
        data = self.body()
        if data is None:
            return
        try:
            answer = run(data, LEFT_MS, begin)
        except FunctionError as error:
            self.answer(status_of(error), json.dumps(told(error)).encode(),
                        Content_Type="application/json", X_Spillway_Error=type(error).__name__)
            return
        self.answer(200, answer, Content_Type="application/octet-stream")

    def do_GET(self):
        """Platforms ask whether it is there, and callers before they begin."""
        self.answer(200)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Callers are told; a line for each would be too many."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *address):
        self.room = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__(*address)

    def process_request(self, request, client_address):
        if self.room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def handle_error(self, request, client_address):
        """A caller that goes away is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def serve_http(address):
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        return f"function: --http: {address}: not HOST:PORT"
    try:
        server = Server((host, int(port)), Request)
    except OSError as error:
        return f"function: --http: {address}: {error.strerror or error}"
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("http://%s:%d" % server.server_address[:2], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    server.server_close()
    return 0
