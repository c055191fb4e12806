"""Small objects by the thousand, without boto3, which takes milliseconds of processor for each.

Bytes that are told here are those that were stored, and what is said to be stored is: by an entity
tag that is the MD5 of them. Where that is not to be seen, whatever the reason, `bucket.download`
and `bucket.put` tell or fail.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import urllib3
from django.conf import settings

from images.storage import client, content, requests
from taggedimages.monitoring import series

# The names that S3 gives to what is asked.
OPERATIONS = {"GET": "GetObject", "PUT": "PutObject"}
Read = Callable[[str], bytes | None]
Put = Callable[[str, bytes, str], bool]
Answer = urllib3.BaseHTTPResponse
# What is larger is not to be held in memory, and boto3 costs little of it.
QUICK_BYTES = 8 * 1024**2


@contextmanager
def quick_reads(at_once: int) -> Iterator[Read]:
    """What reads the bytes under a key, from so many threads at a time; None: they may be any.
    Raises StorageUnavailable."""
    with _requests(at_once) as ask:

        def read(key: str) -> bytes | None:
            answer = ask("GET", key, None, {})
            return answer.data if answer and _is_of(answer, answer.data) else None

        yield read


@contextmanager
def quick_puts(at_once: int) -> Iterator[Put]:
    """What stores bytes of a media type under a key, from so many threads at a time; False: perhaps
    they are not stored. Raises StorageUnavailable."""
    with _requests(at_once) as ask:

        def put(key: str, body: bytes, media_type: str) -> bool:
            answer = ask("PUT", key, body, {"Content-Type": media_type})
            return answer is not None and _is_of(answer, body)

        yield put


@contextmanager
def _requests(
    at_once: int,
) -> Iterator[Callable[[str, str, bytes | None, dict[str, str]], Answer | None]]:
    sign = requests.signer().url
    wait = urllib3.Timeout(connect=settings.S3_CONNECT_SECONDS, read=settings.S3_READ_SECONDS)
    with urllib3.PoolManager(maxsize=at_once, timeout=wait, retries=False) as pool:

        def ask(
            method: str, key: str, body: bytes | None, headers: dict[str, str]
        ) -> Answer | None:
            began, status = time.perf_counter(), 500
            try:
                with client.translated():
                    answer = pool.request(
                        method, sign(key, method), body=body, headers=headers, redirect=False
                    )
                status = answer.status
                return answer if status == 200 else None
            except urllib3.exceptions.HTTPError:
                return None
            finally:
                took = time.perf_counter() - began
                series.s3_took(OPERATIONS[method], took, failed=status >= 500)

        yield ask


def _is_of(answer: Answer, body: bytes) -> bool:
    """Whether the store says that it has, or sends, these bytes."""
    if not content.tells_md5(content.said(answer.headers)):
        return False
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return content.md5_in(answer.headers.get("ETag", "")) == md5
