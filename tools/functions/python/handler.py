# SPDX-License-Identifier: MIT
"""{"frame": "BASE64"} in, the kernel's answer as {"frame": "BASE64"} out; or an invitation to
dial back.

A caller's HTTP request (an event of format 2.0) has the frame for its body, and so has its answer.
"""

import base64
import json
import time

import dialback
import frame
from errors import (BadEvent, BrokenFrame, DeadlinePassed, FunctionError, KernelFailed,
                    OtherVersion, UnknownKernel)
from kernels import KERNELS


def _decoded(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise BrokenFrame("event: frame: not Base64") from None
    # What the last digits leave unused is zero.
    if base64.b64encode(data[(len(data) - 1) // 3 * 3:]).decode() != text[-4:]:
        raise BrokenFrame("event: frame: not Base64")
    return data


def _frame_of(event):
    text = event.get("frame") if isinstance(event, dict) else None
    if not isinstance(text, str):
        raise BadEvent('event: no "frame" in it ({"frame": "BASE64"} expected)')
    return _decoded(text)


def _frame_of_http(event):
    text = event.get("body")
    if event.get("isBase64Encoded") is not True or not isinstance(text, str):
        raise BadEvent('event: no binary "body" in it (a frame as application/octet-stream '
                       "expected)")
    return _decoded(text)


def _kernel_of(header):
    kernel = KERNELS.get(header.kernel)
    if header.kind != frame.REQUEST:
        raise OtherVersion("event: frame: not a request")
    if not kernel:
        raise UnknownKernel(f"kernel: {header.kernel}: this function has none such")
    if kernel.version != header.kernel_version:
        raise OtherVersion(f"kernel: {header.kernel}: version {header.kernel_version} was asked "
                           f"for, this function has version {kernel.version}")
    if header.config_bytes:
        raise OtherVersion(f"kernel: {header.kernel}: {header.config_bytes} bytes of settings "
                           "(0 expected)")
    return kernel


def _check_time(needed_ms, left_ms):
    """Nobody waits for an answer after the deadline: it would cost, and change nothing."""
    if needed_ms > left_ms:
        raise DeadlinePassed(f"event: {needed_ms:.0f} ms needed, {max(left_ms, 0):.0f} ms left")


def run(data, left_ms, begin):
    """The frame that answers a frame, within left_ms of begin."""
    header = frame.peek(data)
    kernel = _kernel_of(header)
    columns = frame.decode(data, header, kernel.input)
    if header.deadline_ms:
        left_ms = min(left_ms, header.deadline_ms)
    cost = (header.events or header.rows) * header.op_delay_ns / 1e9
    _check_time(cost * 1e3, left_ms)
    if cost:
        time.sleep(max(0, begin + cost - time.monotonic()))
    answer = frame.answer(header, kernel.output, kernel.run(columns, header))
    _check_time((time.monotonic() - begin) * 1e3, left_ms)
    return answer


def status_of(error):
    """Who is to blame: the caller, or us."""
    return 500 if isinstance(error, (KernelFailed, DeadlinePassed)) else 400


def told(error):
    return {"errorMessage": str(error), "errorType": type(error).__name__}


def _answer_http(event, left_ms, begin):
    """Errors too are answers: the service would not tell the caller what they were."""
    try:
        answer = run(_frame_of_http(event), left_ms, begin)
    except FunctionError as error:
        headers = {"content-type": "application/json", "x-spillway-error": type(error).__name__}
        return {"statusCode": status_of(error), "headers": headers,
                "body": json.dumps(told(error))}
    return {"statusCode": 200, "headers": {"content-type": "application/octet-stream"},
            "isBase64Encoded": True, "body": base64.b64encode(answer).decode()}


def handler(event, context):
    begin = time.monotonic()
    left_ms = context.get_remaining_time_in_millis()
    if isinstance(event, dict) and "dialBack" in event:
        return dialback.serve(event["dialBack"], context.get_remaining_time_in_millis, run)
    if isinstance(event, dict) and event.get("version") == "2.0":
        return _answer_http(event, left_ms, begin)
    answer = run(_frame_of(event), left_ms, begin)
    return {"frame": base64.b64encode(answer).decode()}
