# SPDX-License-Identifier: MIT
"""The function in Python, with one thing wrong about how it dials back: dialback_function.py HOW."""

import os
import runpy
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUNCTION = os.path.join(ROOT, "tools", "functions", "python")
sys.path.insert(0, FUNCTION)

import dialback  # noqa: E402
import handler  # noqa: E402

GOOD_FRAMES = 30  # before it does harm

good_run, good_serve, good_frame = dialback._Visit.run, dialback.serve, handler._frame_of


def flip(text):
    """One hexadecimal digit is another."""
    return text[:-1] + ("1" if text[-1] == "0" else "0")


def after_some(harm):
    """A visit that goes well at first."""
    def run(self, data):
        if self.frames < GOOD_FRAMES:
            return good_run(self, data)
        return harm(self, data)
    dialback._Visit.run = run


def die(_visit, _data):
    os._exit(1)


def answer_to(visit, data):
    return visit.work(data, 60000, time.monotonic())


def cut(visit, data):
    """Half an answer, and the end."""
    answer = answer_to(visit, data)
    visit.link.sendall(answer[:len(answer) // 2])
    visit.link.close()
    raise ConnectionResetError("cut on purpose")


def lie(visit, data):
    """An answer to what was not asked."""
    answer = bytearray(answer_to(visit, data))
    answer[30] ^= 1
    visit.link.sendall(answer)
    visit.frames += 1


def spoil(visit, data):
    """An answer with a wrong bit."""
    answer = bytearray(answer_to(visit, data))
    answer[-9] ^= 1
    visit.link.sendall(answer)
    visit.frames = 0


def with_another(name):
    """As if the invitation had said something else."""
    def serve(invitation, remaining_ms, work):
        return good_serve({**invitation, name: flip(invitation[name])}, remaining_ms, work)
    dialback.serve = serve


def twice():
    """The token is used a second time while the first connection is there."""
    good_say = dialback._Visit.say

    def serve(invitation, remaining_ms, work):
        def say(self, what, more=b""):
            good_say(self, what, more)
            if what == dialback.GOODBYE:
                dialback._Visit.say = good_say
                try:
                    good_serve(invitation, remaining_ms, work)
                except dialback.DialBackFailed:
                    pass
        dialback._Visit.say = say
        return good_serve(invitation, remaining_ms, work)
    dialback.serve = serve


def ignorant():
    """One that was written before there was dial-back."""
    def serve(invitation, _remaining_ms, _work):
        return good_frame({"dialBack": invitation})
    dialback.serve = serve


HARM = {"die": lambda: after_some(die), "cut": lambda: after_some(cut),
        "lie": lambda: after_some(lie), "spoil": lambda: after_some(spoil),
        "token": lambda: with_another("token"), "certificate": lambda: with_another("certificate"),
        "twice": twice, "ignorant": ignorant, "none": lambda: None}

if __name__ == "__main__":
    HARM[sys.argv[1]]()
    del sys.argv[1:]
    runpy.run_path(FUNCTION, run_name="__main__")
