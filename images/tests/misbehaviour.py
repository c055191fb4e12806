"""What a decoder may do to the process it runs in. Like the real work it must not need Django."""

import os
import signal
from typing import BinaryIO

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


def tell_surroundings(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Tell which keys lie about."""
    names = " ".join(name for name in os.environ if "KEY" in name or "DATABASE" in name)
    result.write(b'{"findings": {"problem": "%s"}, "previews": {}}\n' % names.encode())
