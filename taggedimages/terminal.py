"""How far a command is, on the terminal that it runs in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm


def progress(title: str, total: int | None, unit: str, *, wanted: bool = True) -> "tqdm[Never]":
    """A bar on the terminal, to be closed or used by `with`; nothing where there is no terminal, or
    it is not `wanted`.

    Say `.update(n)` of what is done, and set `.n` and `refresh()` where a sum is known instead.
    """
    return tqdm(
        total=total,
        desc=title,
        unit=f" {unit}",
        file=sys.stderr,
        disable=None if wanted else True,
        dynamic_ncols=True,
    )


@contextmanager
def lines() -> Iterator[None]:
    """Print lines while there is a bar: it makes room for them, and comes back below."""
    with tqdm.external_write_mode(file=sys.stdout):
        yield
