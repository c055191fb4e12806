"""A bucket of one's own, and a store that can be taken away, as tests of images have them."""

from images.tests.conftest import outage, own_bucket

__all__ = ["outage", "own_bucket"]
