"""Limits at which the few images of a test are many.

The index leaves small tags and small answers to rows. These are constants of the code and no
settings, for nobody who runs the service would want them otherwise; a test has to lower them so
that a dozen images have bitmaps and hashed probes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from types import ModuleType

from search.executor import counts, facets, predicates
from search.index import merging


@contextmanager
def lowered(heavy: int = 1, few_links: int = 0, probed: int = 1) -> Iterator[None]:
    """Bitmaps for tags of more than `heavy` links, used beyond `few_links`."""
    wanted: list[tuple[ModuleType, str, float]] = [
        (merging, "LEAST", heavy),
        (merging, "SHARE", 10**12),
        (counts, "LINK", counts.LOOK / few_links if few_links else inf),
        (predicates, "PROBED", probed),
        (facets, "FEW_IMAGES", 0),
    ]
    real = [(module, name, getattr(module, name)) for module, name, _ in wanted]
    try:
        for module, name, value in wanted:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in real:
            setattr(module, name, value)
