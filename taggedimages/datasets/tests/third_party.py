"""A verifier by somebody who has docs/releases.md and never saw the service's code.

Nothing of the service is imported here: the standard library, and `cryptography` for Ed25519.
"""

import base64
import hashlib
import json
import urllib.request
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHUNK = 10_000


class NotProved(Exception):
    """The release is not what was signed; the text says where."""


def verify(service: str, dataset: str, version: int) -> dict[str, Any]:
    """The statement of a release, once its signature, its digests and all its lines agree."""
    release = f"{service}/v1/datasets/{dataset}/releases/{version}"
    record = json.loads(get(release))
    statement = signed_by(json.loads(get(f"{service}/.well-known/jwks.json")), record["signature"])
    chunks = [bytes.fromhex(one) for one in statement["chunks"]]
    digest = "sha256:" + hashlib.sha256(b"\x02" + b"".join(chunks)).hexdigest()
    if not digest == statement["digest"] == record["digest"]:
        raise NotProved("The digests of the chunks do not come to that of the release.")
    if (statement["dataset"], statement["version"]) != (dataset, version):
        raise NotProved("The statement is of another release.")
    members = all_members(f"{release}/members")
    ids = [member["id"] for member in members]
    if ids != sorted(set(ids)) or len(ids) != statement["members"]:
        raise NotProved("The members are not those that were counted, each once, by their ids.")
    leaves = [leaf(member) for member in members]
    found = [
        hashlib.sha256(b"\x01" + b"".join(leaves[first : first + CHUNK])).digest()
        for first in range(0, len(leaves), CHUNK)
    ]
    for number, (one, other) in enumerate(zip(found, chunks, strict=True)):
        if one != other:
            raise NotProved(f"Chunk {number} has other members than were signed.")
    is_whole = not any("withheld" in member for member in members)
    if is_whole and sum(member["bytes"] for member in members) != statement["bytes"]:
        raise NotProved("The files are not as large as was signed.")
    return statement


def signed_by(keys: dict[str, Any], jws: str) -> dict[str, Any]:
    """What a JWS in compact form says, if one of the keys has signed it (RFC 7515, RFC 8037)."""
    header, payload, signature = jws.split(".")
    said = json.loads(decoded(header))
    if said["alg"] != "EdDSA":
        raise NotProved("The signature is of another kind.")
    (key,) = [one for one in keys["keys"] if one["kid"] == said["kid"]]
    if (key["kty"], key["crv"]) != ("OKP", "Ed25519"):
        raise NotProved("The key is of another kind.")
    public = Ed25519PublicKey.from_public_bytes(decoded(key["x"]))
    try:
        public.verify(decoded(signature), f"{header}.{payload}".encode())
    except InvalidSignature as error:
        raise NotProved("The signature does not fit the statement.") from error
    statement: dict[str, Any] = json.loads(decoded(payload))
    return statement


def all_members(url: str) -> list[dict[str, Any]]:
    """The members, page after page, until one is empty."""
    members: list[dict[str, Any]] = []
    while True:
        after = members[-1]["id"] if members else 0
        lines = get(f"{url}?format=ndjson&after={after}").splitlines()
        if not lines:
            return members
        members += map(json.loads, lines)


def leaf(member: dict[str, Any]) -> bytes:
    """The leaf of a member, from its line or, where that is withheld, as it is told."""
    if "withheld" in member:
        return bytes.fromhex(member["leaf"])
    line = {key: value for key, value in member.items() if key not in ("url", "expires")}
    text = json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def decoded(text: str) -> bytes:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def get(url: str) -> bytes:
    """What a GET is answered."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        body: bytes = answer.read()
        return body
