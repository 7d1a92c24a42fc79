# SPDX-License-Identifier: MIT
"""The function without AWS's own client: speaks the Lambda Runtime API, for as long as it lives.

    lambda-local --function spillway="exec python3 tools/functions/python"

With --http HOST:PORT it is a server of its own instead: HTTP/1.1, for behind a platform's front.
"""

import http.client
import json
import os
import sys
import time
import traceback

BASE = "/2018-06-01/runtime/"


class Context:
    """What the handler asks of an invocation."""

    def __init__(self, deadline_ms):
        self.deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline_ms - time.time_ns() // 1000000)


class Api:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address)

    def call(self, method, path, value=None):
        body = None if value is None else json.dumps(value, separators=(",", ":")).encode()
        self.connection.request(method, BASE + path, body=body)
        answer = self.connection.getresponse()
        data = answer.read()
        # 413: the answer was too large, which is told to the caller.
        if answer.status not in (200, 202, 413):
            raise OSError(f"{method} {path}: status {answer.status}")
        return answer.headers, data


def told(error):
    return {"errorMessage": str(error), "errorType": type(error).__name__}


def run(handler, headers, body):
    """The last part of the path to post to, and what to post."""
    try:
        context = Context(int(headers["Lambda-Runtime-Deadline-Ms"]))
        return "response", handler(json.loads(body), context)
    except Exception as error:  # whatever it is, the next event is another one
        if not type(error).__name__.startswith("Spillway."):
            traceback.print_exc()
        return "error", told(error)


def serve(api):
    try:
        from handler import handler
    except Exception as error:
        api.call("POST", "init/error", told(error))
        raise
    while True:
        headers, body = api.call("GET", "invocation/next")
        what, value = run(handler, headers, body)
        api.call("POST", f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/{what}", value)


def main():
    if sys.argv[1:2] == ["--http"] and len(sys.argv) == 3:
        from server import serve_http
        return serve_http(sys.argv[2])
    if sys.argv[1:]:
        return "function: usage: python3 tools/functions/python [--http HOST:PORT]"
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if not address:
        return "function: AWS_LAMBDA_RUNTIME_API: not set (this is run by lambda-local)"
    try:
        return serve(Api(address))
    except (OSError, http.client.HTTPException) as error:
        return f"function: runtime API: {error or type(error).__name__}"


if __name__ == "__main__":
    sys.exit(main())
