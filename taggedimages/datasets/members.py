"""Members of a release, as they are while it is built: what their lines say, and a little more."""

from typing import NamedTuple

from taggedimages.datasets.lines import Line


class Member(NamedTuple):
    """An image that is ready to be released, at the instant of the release."""

    id: int
    uuid: str
    # The file's.
    name: str
    bytes: int
    format: str
    width: int
    height: int
    # 64 hexadecimal digits.
    sha256: str
    # Names of the given tags, an alias by its target's, sorted by code point, each once.
    tags: list[str]
    # [tag, value] of those that have one, sorted.
    values: list[list[str]]
    # Of the object in the store.
    key: str
    # 32 hexadecimal digits of the hashed group; None where the data set has none.
    group: str | None = None
    split: str | None = None


def line_of(member: Member) -> Line:
    """What a release says of a member for good (contract of releases, the line)."""
    return {
        "bytes": member.bytes,
        "format": member.format,
        "group": member.group,
        "height": member.height,
        "id": member.id,
        "name": member.name,
        "sha256": member.sha256,
        "split": member.split,
        "tags": member.tags,
        "uuid": member.uuid,
        "values": member.values,
        "width": member.width,
    }
