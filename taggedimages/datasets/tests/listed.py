"""What /v1 lists of a release, and the digest that it comes to by the contract."""

import json
from typing import Any

from taggedimages.datasets import chunks, lines
from taggedimages.datasets.models import Release


def path_of(release: Release, what: str = "members") -> str:
    return f"/v1/datasets/{release.dataset.name}/releases/{release.number}/{what}"


def read(client: Any, release: Release, query: str = "") -> list[dict[str, Any]]:
    """The lines of an answer in NDJSON."""
    answer = client.get(f"{path_of(release)}?{query}")
    assert answer.status_code == 200, answer.content
    return [json.loads(line) for line in answer.getvalue().splitlines()]


def ids(members: list[dict[str, Any]]) -> list[int]:
    return [member["id"] for member in members]


def canonical(member: dict[str, Any]) -> bytes:
    kept = {key: value for key, value in member.items() if key not in ("url", "expires")}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(members: list[dict[str, Any]]) -> str:
    leaves = b"".join(
        bytes.fromhex(one["leaf"]) if "withheld" in one else lines.leaf(canonical(one))
        for one in members
    )
    # As the tests have it, which make small ones.
    each = vars(chunks)["CHUNK_MEMBERS"] * lines.LEAF_BYTES
    parts = [leaves[at : at + each] for at in range(0, len(leaves), each)]
    return lines.release_digest(map(lines.chunk_digest, parts))
