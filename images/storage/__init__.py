"""The bucket: the only package that imports boto3.

Callers come here outside database transactions. An object that is not there is None; every other
failure is StorageUnavailable, and its kind Damaged where bytes were changed on their way, or in the
store (`images.storage.content`).
"""

from images.storage.bucket import (
    OCTETS,
    StoredObject,
    check_bucket,
    check_writing,
    copy,
    delete,
    download,
    ensure_bucket,
    fetch,
    head,
    objects,
    put,
    put_file,
    read,
)
from images.storage.client import Damaged, PartsRefused, StorageUnavailable
from images.storage.content import Content
from images.storage.cross_origin import allow_origins, allowed_origins
from images.storage.examination import clock, engine, keeps_versions, sent, unsigned_url
from images.storage.heads import quick_heads
from images.storage.multipart import (
    Part,
    abort_parts,
    begin_parts,
    complete_parts,
    parts,
    unfinished,
)
from images.storage.presigned import (
    noted_ends,
    presign_get,
    presign_gets,
    presign_parts,
    presign_post,
    presign_put,
    presign_put_back,
    public_origin,
    put_headers,
    sign_reads,
    worth,
)
from images.storage.quick import QUICK_BYTES, quick_puts, quick_reads

__all__ = [
    "OCTETS",
    "QUICK_BYTES",
    "Content",
    "Damaged",
    "Part",
    "PartsRefused",
    "StorageUnavailable",
    "StoredObject",
    "abort_parts",
    "allow_origins",
    "allowed_origins",
    "begin_parts",
    "check_bucket",
    "check_writing",
    "clock",
    "complete_parts",
    "copy",
    "delete",
    "download",
    "engine",
    "ensure_bucket",
    "fetch",
    "head",
    "keeps_versions",
    "noted_ends",
    "objects",
    "parts",
    "presign_get",
    "presign_gets",
    "presign_parts",
    "presign_post",
    "presign_put",
    "presign_put_back",
    "public_origin",
    "put",
    "put_file",
    "put_headers",
    "quick_heads",
    "quick_puts",
    "quick_reads",
    "read",
    "sent",
    "sign_reads",
    "unfinished",
    "unsigned_url",
    "worth",
]
