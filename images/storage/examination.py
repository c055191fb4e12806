"""What is asked of the store only to see whether it is as it should be (taggedimages.doctor)."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import ClientError
from django.conf import settings

from images.storage import client, presigned
from images.storage.client import StorageUnavailable

# Until a request that is signed by nobody, or in its URL, is given up.
SECONDS = 5


def clock() -> datetime:
    """The store's clock, in whole seconds, whether or not it takes our requests. Raises
    StorageUnavailable."""
    try:
        return parsedate_to_datetime(_headers()["date"])
    except (KeyError, ValueError) as error:
        raise StorageUnavailable("The object store does not tell the time.") from error


def engine() -> str:
    """What the store calls itself; empty where it does not say. Raises StorageUnavailable."""
    return _headers().get("server", "")


def _headers() -> Mapping[str, str]:
    """Of any answer, be it a refusal."""
    with client.translated():
        try:
            answer = client.store().head_bucket(Bucket=settings.S3_BUCKET)["ResponseMetadata"]
        except ClientError as error:
            answer = error.response["ResponseMetadata"]
    return answer["HTTPHeaders"]


def keeps_versions() -> bool:
    """Whether deleted and replaced objects stay as older versions. Raises StorageUnavailable."""
    with client.translated():
        found = client.store().get_bucket_versioning(Bucket=settings.S3_BUCKET)
    return found.get("Status") == "Enabled"


def unsigned_url(key: str = "") -> str:
    """Where a stranger would ask for an object, or for the list of all."""
    return f"{presigned.public_url()}{key}"


def sent(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of the answer that a client gets, who has nothing but this URL. Raises
    StorageUnavailable where there is none."""
    try:
        answer = urllib3.request(
            method, url, body=body, timeout=SECONDS, retries=False, redirect=False
        )
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        host = urlsplit(url).netloc
        raise StorageUnavailable(f"{host} does not answer: {type(error).__name__}.") from error
    return answer.status, answer.data
