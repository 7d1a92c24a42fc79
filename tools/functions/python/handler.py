# SPDX-License-Identifier: MIT
"""{"frame": "BASE64"} in, the kernel's answer as {"frame": "BASE64"} out; or an invitation to
dial back."""

import base64
import time

import dialback
import frame
from errors import BadEvent, BrokenFrame, DeadlinePassed, OtherVersion, UnknownKernel
from kernels import KERNELS


def _frame_of(event):
    text = event.get("frame") if isinstance(event, dict) else None
    if not isinstance(text, str):
        raise BadEvent('event: no "frame" in it ({"frame": "BASE64"} expected)')
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise BrokenFrame("event: frame: not Base64") from None
    # What the last digits leave unused is zero.
    if base64.b64encode(data[(len(data) - 1) // 3 * 3:]).decode() != text[-4:]:
        raise BrokenFrame("event: frame: not Base64")
    return data


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


def _work(data, left_ms):
    """A frame to its answer."""
    begin = time.monotonic()
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


def handler(event, context):
    if isinstance(event, dict) and "dialBack" in event:
        return dialback.serve(event["dialBack"], context.get_remaining_time_in_millis, _work)
    data = _frame_of(event)
    answer = _work(data, context.get_remaining_time_in_millis())
    return {"frame": base64.b64encode(answer).decode()}
