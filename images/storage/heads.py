"""HEAD requests by the thousand, without boto3, which takes a millisecond of processor for each.

What is told here is so; where nothing is, whatever the reason, `bucket.head` tells or fails.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import urllib3
from django.conf import settings

from images.storage import client
from images.storage.bucket import StoredObject, told
from images.storage.requests import signer
from taggedimages.monitoring import series

Head = Callable[[str], StoredObject | None]


@contextmanager
def quick_heads(at_once: int) -> Iterator[Head]:
    """What tells what is stored under a key, from so many threads at a time; None: it may be
    anything. Raises StorageUnavailable."""
    sign = signer().url
    wait = urllib3.Timeout(connect=settings.S3_CONNECT_SECONDS, read=settings.S3_READ_SECONDS)
    with urllib3.PoolManager(maxsize=at_once, timeout=wait, retries=False) as pool:

        def head(key: str) -> StoredObject | None:
            began, status = time.perf_counter(), 500
            try:
                with client.translated():
                    answer = pool.request("HEAD", sign(key, "HEAD"), redirect=False)
                status = answer.status
                return told(answer.headers) if answer.status == 200 else None
            except (urllib3.exceptions.HTTPError, KeyError, ValueError):
                return None
            finally:
                took = time.perf_counter() - began
                series.s3_took("HeadObject", took, failed=status >= 500)

        yield head
