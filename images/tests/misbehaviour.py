"""What a decoder may do to the process it runs in. Like the real work it must not need Django."""

import io
import json
import os
import signal
from dataclasses import asdict
from typing import BinaryIO

from images.inspection import child
from images.inspection.findings import Limits


def burn(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Use the processor for ever."""
    while True:
        pass


def sleep(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Wait for ever."""
    signal.pause()


def crash(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Read where there is nothing."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hog(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Ask for more memory than there may be."""
    bytearray(2 * limits.memory)


def babble(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Tell nonsense."""
    result.write(b"[1]\n")


def write_much(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Fill the disk."""
    result.write(b"x" * 100 * 1024**2)


def be_ended(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """End as by an administrator's hand."""
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()


def be_killed(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """End as by the host, whose memory has ended."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def use_memory(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Ask for more memory than there may be while a file is read."""
    findings, files = child.inspect(_Endless(), limits)
    result.write(json.dumps({"findings": asdict(findings), "previews": files}).encode() + b"\n")


class _Endless(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        return bytes(2**40)


def tell_descriptors(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Tell which files are open besides the three that every process has."""
    opened = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    told = " ".join(str(number) for number in opened if number > 2)
    result.write(b'{"findings": {"problem": "%s"}, "previews": {}}\n' % told.encode())


def tell_surroundings(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Tell which keys lie about."""
    names = " ".join(name for name in os.environ if "KEY" in name or "DATABASE" in name)
    result.write(b'{"findings": {"problem": "%s"}, "previews": {}}\n' % names.encode())
