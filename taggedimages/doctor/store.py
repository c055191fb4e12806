"""The bucket: that it answers, what its key may do there, and what nobody else may.

What is tried is tried for real, with an object of this run under `probes/` that is removed again.
"""

import uuid
from collections.abc import Callable, Iterator

from django.conf import settings

from images import keys, storage
from taggedimages import origins
from taggedimages.doctor.findings import Away, Finding, fail, ok, warn

BYTES = b"Whether this can be stored."
RIGHTS_DO = (
    "Give the service's key s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, "
    "s3:ListMultipartUploadParts on the objects, and s3:ListBucket, s3:ListBucketMultipartUploads "
    "on the bucket."
)


def answers() -> Iterator[Finding]:
    """Whether the bucket is there and takes our credentials. Raises Away."""
    where = settings.S3_ENDPOINT_URL or "AWS"
    try:
        storage.check_bucket()
    except storage.StorageUnavailable as error:
        embedded = "Start it: `manage.py up`; its log is logs/seaweedfs.log in the data folder."
        managed = "See that it runs, and that address, bucket, region and keys are right."
        do = embedded if settings.S3_IS_EMBEDDED else managed
        raise Away(
            f"The bucket {settings.S3_BUCKET!r} at {where} is not to be had: {error}", do
        ) from error
    engine = storage.engine() or "a store that does not say what it is"
    yield ok(f"The bucket {settings.S3_BUCKET!r} at {where} answers: {engine}.")


def rights() -> Iterator[Finding]:
    """All that the service does in the bucket, done once."""
    key = f"{keys.PROBES}{uuid.uuid4()}"
    failed = []
    try:
        for title, attempt in _attempts(key).items():
            try:
                attempt()
            except (storage.StorageUnavailable, storage.PartsRefused) as error:
                failed.append(f"{title} ({error})")
    finally:
        left = _removed(key)
    failed += left
    if failed:
        yield fail(f"The bucket does not let the service {'; '.join(failed)}", RIGHTS_DO)
    else:
        yield ok("The service may store, read, list, copy and remove objects, whole and in parts.")
    yield from _clients(key)


def _attempts(key: str) -> dict[str, Callable[[], None]]:
    """What is tried, in this order, in words that follow `may`."""
    copied = f"{key}-copy"

    def read() -> None:
        if storage.read(key) != BYTES:
            raise storage.StorageUnavailable("What was stored is not there.")

    def listed() -> None:
        if key not in [found for found, _ in storage.objects(key)]:
            raise storage.StorageUnavailable("What was stored is not in the list.")

    def copy() -> None:
        seen = storage.head(key)
        if seen is None or storage.copy(key, copied, seen) is None:
            raise storage.StorageUnavailable("There is nothing to copy.")

    def in_parts() -> None:
        upload = storage.begin_parts(f"{key}-parts")
        storage.parts(f"{key}-parts", upload)
        storage.abort_parts(f"{key}-parts", upload)

    return {
        "store objects": lambda: void(storage.put(key, BYTES)),
        "read objects": read,
        "list objects": listed,
        "copy objects": copy,
        "take uploads in parts": in_parts,
        "list unfinished uploads": lambda: void(next(storage.unfinished(), None)),
    }


def void(_: object) -> None:
    """What was answered does not matter; that it was does."""


def _removed(key: str) -> list[str]:
    """Remove what was stored; what does not let itself be removed, in words."""
    try:
        for name in (key, f"{key}-copy"):
            storage.delete(name)
        if storage.head(key) is not None:
            return ["remove objects (They are there after all.)"]
    except storage.StorageUnavailable as error:
        return [f"remove objects ({error})"]
    return []


def _clients(key: str) -> Iterator[Finding]:
    """Whether clients, by presigned URLs, reach what the service reaches."""
    public = storage.public_origin()
    try:
        stored, _ = storage.sent("PUT", storage.presign_put(key, len(BYTES)), BYTES)
        status, body = storage.sent("GET", storage.presign_get(key))
    except storage.StorageUnavailable as error:
        do = "See whether clients reach it: S3_PUBLIC_ENDPOINT_URL is where URLs send them."
        yield warn(f"Presigned URLs lead to {public}, which this host does not reach: {error}", do)
        return
    finally:
        _removed(key)
    if (stored, status, body) == (200, 200, BYTES):
        yield ok(f"Presigned URLs of {public} take uploads and give them back.")
    else:
        do = (
            "See that S3_PUBLIC_ENDPOINT_URL leads to this store, that a proxy before it leaves "
            "the header Host as it is, and what `store_clock` says."
        )
        yield fail(f"Presigned URLs of {public} do not work: PUT {stored}, GET {status}.", do)


def strangers() -> Iterator[Finding]:
    """Whether the bucket is open to whoever knows its address. Tried without any signature."""
    key = f"{keys.PROBES}{uuid.uuid4()}"
    storage.put(key, BYTES)
    try:
        tried = {
            "read objects": storage.sent("GET", storage.unsigned_url(key)),
            "list objects": storage.sent("GET", storage.unsigned_url()),
            "store objects": storage.sent("PUT", storage.unsigned_url(key), BYTES),
        }
    finally:
        storage.delete(key)
    let = [title for title, (status, _) in tried.items() if status in (200, 204)]
    if let:
        do = (
            "Block public access to the bucket, and take `*` out of its policy: it has images that "
            "only some may see."
        )
        yield fail(f"The bucket lets anybody {', '.join(let)}.", do)
    else:
        yield ok("The bucket is closed to whoever comes without a signature.")


def cross_origin() -> Iterator[Finding]:
    """Whether pages of TAGGEDIMAGES_CORS_ORIGINS may use the bucket."""
    wanted = set(settings.S3_CORS_ORIGINS)
    if settings.S3_IS_EMBEDDED:
        # `up` names those of this machine besides, in the environment of its own processes.
        named = origins.parsed([*settings.CORS_ORIGINS.listed, *origins.LOOPBACK])
        wanted = set(named.rules(knows_ports=False))
    if not wanted:
        yield ok("TAGGEDIMAGES_CORS_ORIGINS names no page of another origin.")
        return
    try:
        allowed = storage.allowed_origins()
    except storage.StorageUnavailable as error:
        do = "Give the key s3:GetBucketCORS, or have the owner of the bucket look."
        yield warn(f"The CORS rules of the bucket cannot be read: {error}", do)
        return
    missing = wanted - allowed if "*" not in allowed else set()
    if missing:
        do = "Run `manage.py prepare`, which sets the rule, or have the owner of the bucket do so."
        yield fail(f"The bucket does not let pages of {', '.join(sorted(missing))} use it.", do)
    else:
        yield ok(f"The bucket lets pages use it of: {', '.join(sorted(wanted))}.")


def versions() -> Iterator[Finding]:
    """Whether the store keeps what is deleted, which `erase` and `purge` then do not remove."""
    try:
        keeps = storage.keeps_versions()
    except storage.StorageUnavailable as error:
        yield ok(f"Whether the bucket keeps older versions is not told: {error}")
        return
    if keeps:
        do = "Suspend versioning, or have a lifecycle rule end noncurrent versions after some days."
        yield warn("The bucket keeps older versions: what is deleted or erased stays in it.", do)
    else:
        yield ok("The bucket keeps no older versions of what is deleted.")
