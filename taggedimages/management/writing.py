"""Files that commands write: there as a whole, or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to be written, which is the one at a path once the context ends well.

    Until then, and for whatever ends it otherwise, what is there stays. Raises OSError.
    """
    # Beside it, so that it is renamed; of this process, so that two do not meet.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Digest:
    """What was written: how many bytes, and their SHA-256."""

    def __init__(self) -> None:
        self.bytes = 0
        self._sha256 = hashlib.sha256()

    def update(self, text: bytes) -> None:
        """Count some more."""
        self.bytes += len(text)
        self._sha256.update(text)

    @property
    def sha256(self) -> str:
        """64 hexadecimal digits."""
        return self._sha256.hexdigest()
