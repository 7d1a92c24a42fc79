# SPDX-License-Identifier: MIT
"""What a function says when it cannot answer: in Lambda a class's name is the errorType."""


class FunctionError(Exception):
    """The base of all: the caller is told the type and the message."""


def _error(name):
    return type("Spillway." + name, (FunctionError,), {})


BadEvent = _error("BadEvent")  # no {"frame": "BASE64"}
BrokenFrame = _error("BrokenFrame")
OtherVersion = _error("OtherVersion")  # of the frame, the kernel or its columns
UnknownKernel = _error("UnknownKernel")
KernelFailed = _error("KernelFailed")
DialBackFailed = _error("DialBackFailed")
DeadlinePassed = _error("DeadlinePassed")
