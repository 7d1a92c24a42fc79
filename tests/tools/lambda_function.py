# SPDX-License-Identifier: MIT
"""A function for tests of the local Lambda: does what its event says."""

import http.client
import json
import os
import sys
import time

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
BASE = "/2018-06-01/runtime/"


def call(method, path, body=None, headers=None, chunked=False):
    api.request(method, BASE + path, body=body, headers=headers or {}, encode_chunked=chunked)
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read()


def post(identity, what, value):
    return call("POST", f"invocation/{identity}/{what}", body=value)[0]


def handle(identity, headers, raw):
    event = json.loads(raw)
    # What a caller by HTTP wants done is in its body.
    if isinstance(event, dict) and "requestContext" in event:
        try:
            event = json.loads(event["body"])
        except (KeyError, ValueError):
            pass
    do = event.get("do", "echo") if isinstance(event, dict) else "echo"
    if do == "echo":
        post(identity, "response", raw)
    elif do == "give":
        post(identity, "response", event["value"])
    elif do == "tell":
        time.sleep(event.get("sleep", 0))
        told = {"pid": os.getpid(), "headers": dict(headers), "environment": dict(os.environ)}
        post(identity, "response", json.dumps(told))
    elif do == "chunks":
        pieces = iter([b'{"a":', b"1", b"}"])
        call("POST", f"invocation/{identity}/response", body=pieces,
             headers={"Transfer-Encoding": "chunked"}, chunked=True)
    elif do.startswith("large"):
        answer = b'"' + b"x" * (event["bytes"] - 2) + b'"'
        if do == "large chunks":
            pieces = iter([answer[:1000], answer[1000:3000000], answer[3000000:]])
            status, _, _ = call("POST", f"invocation/{identity}/response", body=pieces,
                                headers={"Transfer-Encoding": "chunked"}, chunked=True)
        else:
            status = post(identity, "error" if do == "large error" else "response", answer)
        print("large answer:", status, file=sys.stderr)
    elif do == "raise":
        post(identity, "error", json.dumps({"errorMessage": "by wish", "errorType": "Wish"}))
    elif do == "exit":
        os._exit(event["code"])
    elif do == "answer and end":
        # What it does after its answer the caller does not see.
        post(identity, "response", raw)
        time.sleep(event["after"])
        os._exit(3)
    elif do == "abort":
        os.abort()
    elif do == "hang":
        time.sleep(60)
    elif do == "wrong id":
        statuses = [post("11111111-1111-4111-8111-111111111111", "response", "1"),
                    call("GET", "invocation/next")[0], call("GET", "nothing")[0]]
        post(identity, "response", json.dumps(statuses))


if sys.argv[1:] == ["init error"]:
    call("POST", "init/error", body=json.dumps({"errorMessage": "not today", "errorType": "Init"}))
    sys.exit(1)
if sys.argv[1:] == ["init exit"]:
    sys.exit(3)
while True:
    _, got, body = call("GET", "invocation/next")
    handle(got["Lambda-Runtime-Aws-Request-Id"], got, body)
