"""What must be there by the ledger alone: each image with the tag sets that it may have."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.torture.ledger import Entry

Tags = frozenset[str]


@dataclass
class Expected:
    """One file that a client announced or sent."""

    client: str
    filename: str
    size: int
    sha256: str
    # More than one where an answer is unknown: each is right.
    tag_sets: set[Tags]
    # None: the answer was lost, so that the record may be there or not.
    id: int | None
    # The store or the service has said that it has the bytes.
    uploaded: bool = False
    # "" (must be there), "sure" (must be gone) or "maybe".
    deleted: str = ""
    url: str | None = None


@dataclass
class Expectations:
    """All files, and the ids of the tags that must be gone."""

    files: dict[str, Expected] = field(default_factory=dict)
    gone_tags: set[int] = field(default_factory=set)

    @property
    def known(self) -> list[Expected]:
        return [file for file in self.files.values() if file.id is not None]

    @property
    def current(self) -> list[Expected]:
        """Those that must be there, with their bytes."""
        return [file for file in self.known if not file.deleted and file.uploaded]


def expectations(entries: Iterable[Entry]) -> Expectations:
    """Replay what clients asked for and were told."""
    expected = Expectations()
    by_id: dict[int, Expected] = {}
    for entry in entries:
        if entry.outcome != "refused":
            _apply(entry, expected, by_id)
    return expected


def _apply(entry: Entry, expected: Expectations, by_id: dict[int, Expected]) -> None:
    asked, told, sure = entry.asked, entry.told, entry.outcome == "ok"
    match entry.op:
        case "create" | "upload":
            file = _announced(entry)
            expected.files[file.filename] = file
            if file.id is not None:
                by_id[file.id] = file
        case "put" | "look" if sure:
            file = expected.files[asked["filename"]]
            file.uploaded |= entry.op == "put" or bool(told["uploaded_timestamp"])
            file.url = told.get("url") or file.url
        case "retag":
            file = by_id[asked["id"]]
            wanted = frozenset(asked["tags"])
            file.tag_sets = {wanted} if sure else file.tag_sets | {wanted}
        case "delete_image":
            by_id[asked["id"]].deleted = "sure" if sure else "maybe"
        case "delete_tag":
            if sure:
                expected.gone_tags.add(asked["id"])
            for file in expected.files.values():
                if file.client == asked["client"]:
                    without = {tags - {asked["name"]} for tags in file.tag_sets}
                    file.tag_sets = without if sure else file.tag_sets | without


def _announced(entry: Entry) -> Expected:
    asked, told = entry.asked, entry.told
    sure = entry.outcome == "ok"
    return Expected(
        client=asked["client"],
        filename=asked["filename"],
        size=asked["size"],
        sha256=asked["sha256"],
        tag_sets={frozenset(asked["tags"])},
        id=told["id"] if sure else None,
        uploaded=sure and entry.op == "upload",
        url=told.get("url"),
    )
