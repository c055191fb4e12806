"""Which split a group is in: by its keyed hash alone, so that it never moves (docs/releases.md).

Pure functions: whoever has the salt of a data set can compute them.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from taggedimages.datasets.splits.asking import BUCKETS, Split

# Of the hash, what a line tells and what the bucket is of.
HASH_BYTES, BUCKET_BYTES = 16, 8


def hash_of(salt: bytes, group: str) -> bytes:
    """What stands for a group, 16 bytes: its HMAC-SHA256, which a line has in hexadecimal digits.

    >>> hash_of(bytes(32), "patient 7").hex()
    '924db4f79ad1a4633cf2c70e8852ecad'
    """
    return hmac.digest(salt, group.encode(), sha256)[:HASH_BYTES]


def bucket_of(hashed: bytes) -> int:
    """The bucket of a hashed group, from 0 to 9,999.

    >>> bucket_of(bytes.fromhex("924db4f79ad1a4633cf2c70e8852ecad"))
    1331
    """
    return int.from_bytes(hashed[:BUCKET_BYTES], "big") % BUCKETS


def split_of(bucket: int, shares: Mapping[Split, int]) -> Split:
    """The split of a bucket: `test` is from below and `validation` from the top, so that either
    grows by what was in `train`.

    >>> shares = {Split.TRAIN: 8_000, Split.VALIDATION: 1_000, Split.TEST: 1_000}
    >>> [split_of(bucket, shares).value for bucket in (0, 999, 1_000, 8_999, 9_000, 9_999)]
    ['test', 'test', 'train', 'train', 'validation', 'validation']
    """
    if bucket < shares[Split.TEST]:
        return Split.TEST
    if bucket >= BUCKETS - shares[Split.VALIDATION]:
        return Split.VALIDATION
    return Split.TRAIN
