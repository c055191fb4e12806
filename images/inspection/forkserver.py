"""The process that the children of the sandbox are forked from: all code loaded, and no keys.

It is told of each file on the socket whose number is its one argument: what is to look at the file
within which limits, and with that three descriptors: file, result, and a socket on which the exit
code of the child is told. Whoever closes the other end of it gives up, and the child is killed.
Where the worker is gone, this process goes, and the children with it.
"""

import json
import os
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from importlib import import_module

from images.inspection import child
from images.inspection.findings import Limits

# The longest message.
MESSAGE_BYTES = 64 * 1024
# An exit code, or the signal that ended the child, below zero.
CODE = struct.Struct("i")
NICENESS = 5
# Where a child has what it was handed, and nothing after it.
SOURCE, RESULT, BEYOND = 3, 4, 5


class Children:
    """The children that run, and who is told of their end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._asking: dict[int, socket.socket] = {}
        self._ended, waking = socket.socketpair()
        for end in (self._ended, waking):
            end.setblocking(False)
        # A child's end is a byte that can be waited for beside all else.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking.detach(), warn_on_full_buffer=False)
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(control, selectors.EVENT_READ)
        self._waiting.register(self._ended, selectors.EVENT_READ)

    def serve(self) -> None:
        """Fork a child for each file until nobody is left who could tell of one."""
        while True:
            for key, _ in self._waiting.select():
                if key.fileobj is self._control:
                    if not self._begin():
                        return
                elif key.fileobj is self._ended:
                    self._ended.recv(MESSAGE_BYTES)
                    self._reap()
                elif key.data in self._asking:
                    # The asker has gone; the child's end is yet to come.
                    self._waiting.unregister(key.fileobj)
                    os.kill(key.data, signal.SIGKILL)

    def _begin(self) -> bool:
        told, handed, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 3)
        if not told:
            return False
        source, result, asker = handed
        pid = os.fork()
        if not pid:
            _be_child(told, source, result)
        os.close(source)
        os.close(result)
        self._asking[pid] = socket.socket(fileno=asker)
        self._waiting.register(self._asking[pid], selectors.EVENT_READ, pid)
        return True

    def _reap(self) -> None:
        """Tell of all children that have ended."""
        while self._asking:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            asking = self._asking.pop(pid)
            with suppress(KeyError):
                self._waiting.unregister(asking)
            with asking, suppress(OSError):
                asking.send(CODE.pack(os.waitstatus_to_exitcode(status)))


def _be_child(told: bytes, source: int, result: int) -> None:
    """Look at a file and end; another file's descriptors are out of reach."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        # Not in place of each other.
        source, result = os.dup(source), os.dup(result)
        while min(source, result) < BEYOND:
            source, result = os.dup(source), os.dup(result)
        os.dup2(source, SOURCE)
        os.dup2(result, RESULT)
        os.closerange(BEYOND, os.sysconf("SC_OPEN_MAX"))
        name, fields = json.loads(told)
        limits = Limits(**fields | {"dicom_fields": tuple(fields["dicom_fields"])})
        child.confine(limits)
        module, _, function = name.partition(":")
        with os.fdopen(SOURCE, "rb") as file, os.fdopen(RESULT, "wb") as written:
            file.seek(0)
            getattr(import_module(module), function)(file, written, limits)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Requests, and the worker itself, come before what is decoded.
    os.nice(NICENESS)
    import_module("images.inspection.preload")
    Children(socket.socket(fileno=int(sys.argv[1]))).serve()
