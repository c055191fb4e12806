"""What applying a change would do, as /v1 shows it, and what it is known by: its digest."""

import hashlib
import json
from typing import Any, NamedTuple

from search.executor.blocks import Blocks
from taggedimages.changes.effects import Effects

# Microseconds that a link takes with all its triggers and its way into the tag index, and bytes of
# a line of the ledger with its indexes; measured at a million images.
ADDED_US, REMOVED_US, CHANGED_US = 168, 133, 228
# The same of an image that is hidden or ended, with a dozen links that follow it.
RECORD_US = 1_000
LEDGER_LINE_BYTES = 173
# Tags that a plan names, of a replacement's very many the most frequent.
TAGS_MAX = 1_000


class Planned(NamedTuple):
    """The images of a change, and what becomes of them: all of a plan but its digest."""

    images: Blocks
    numbers: dict[str, Any]


def numbers(images: Blocks, forbidden: int, effects: Effects) -> dict[str, Any]:
    """What a plan counts."""
    tags = list(effects.tags.items())[:TAGS_MAX]
    return {
        "images": len(images),
        "links_added": effects.added,
        "links_removed": effects.removed,
        "values_changed": effects.values_changed,
        "values_dropped": effects.values_dropped,
        "already": len(images - effects.touched),
        "forbidden": forbidden,
        "tags": [
            tag.to_json() | {"added": coming.added, "removed": coming.removed}
            for tag, coming in tags
        ],
        "estimate": estimate(effects.added, effects.removed, effects.values_changed),
    }


def estimate(added: int, removed: int, changed: int) -> dict[str, int]:
    """How long applying takes in seconds, rounded up, and how many bytes the ledger grows."""
    took_us = added * ADDED_US + removed * REMOVED_US + changed * CHANGED_US
    lines = added + removed + changed
    return {"seconds": -(-took_us // 1_000_000), "ledger_bytes": lines * LEDGER_LINE_BYTES}


def of_records(changed: int) -> dict[str, Any]:
    """What the plan of a change of records counts in place of links."""
    estimate = {"seconds": -(-changed * RECORD_US // 1_000_000), "ledger_bytes": 0}
    return {"records_changed": changed, "estimate": estimate}


def digest(kind: str, operation: Any, images: Blocks) -> str:
    """What a plan is known by: of what is to be done, and of the images."""
    written = json.dumps([kind, operation], sort_keys=True, separators=(",", ":"))
    digested = hashlib.sha256(written.encode())
    for block, bits in images.rows():
        digested.update(f"\n{block} {bits}".encode())
    return f"sha256:{digested.hexdigest()}"
