"""What must be there by the ledger alone: each image with the tags that it may have."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.torture.ledger import Entry

# The tags of an image with their values.
Tags = frozenset[tuple[str, str]]
Change = Callable[[dict[str, str]], dict[str, str]]


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
    id: int | None = None
    uuid: str = ""
    # Only what was announced through SharinPix waits to be claimed, and is not shown until then.
    claimed: bool = True
    # The store or the service has said that it has the bytes.
    uploaded: bool = False
    # "" (must be there), "sure" (must be gone from every list) or "maybe".
    gone: str = ""
    # Whether it went for good, with its bytes.
    deleted: bool = False
    url: str | None = None

    def change(self, change: Change, sure: bool) -> None:
        """Apply what was asked to every state that is right now."""
        after = {frozenset(change(dict(tags)).items()) for tags in self.tag_sets}
        self.tag_sets = after if sure else self.tag_sets | after

    def has(self, name: str) -> set[bool]:
        """Whether it has this tag: both, where that is not known."""
        return {any(name == tag for tag, _ in tags) for tags in self.tag_sets}

    @property
    def most_tags(self) -> int:
        """How many tags it may have."""
        return max(map(len, self.tag_sets))


@dataclass
class Expectations:
    """All files by their names, and the ids of the tags that must be gone."""

    files: dict[str, Expected] = field(default_factory=dict)
    gone_tags: set[int] = field(default_factory=set)

    @property
    def current(self) -> list[Expected]:
        """Those that must be there, with their bytes."""
        return [
            file
            for file in self.files.values()
            if file.id is not None and file.claimed and file.uploaded and not file.gone
        ]

    def apply(self, entry: Entry) -> None:
        """Take in what one request did."""
        if entry.outcome != "refused":
            _apply(entry, self)


def expectations(entries: Iterable[Entry]) -> Expectations:
    """Replay what clients asked for and were told."""
    expected = Expectations()
    for entry in entries:
        expected.apply(entry)
    return expected


def change_of(op: str, asked: dict[str, Any]) -> Change | None:
    """What a request changes of an image's tags; None for one that changes none."""
    match op:
        case "retag":
            # A diff: what stays keeps its value (contracts, rule 3).
            return lambda tags: {name: tags.get(name, "") for name in asked["tags"]}
        case "link":
            return lambda tags: {asked["tag"]: "", **tags}
        case "value":
            return lambda tags: tags | asked["values"]
        case "unlink":
            return lambda tags: {name: tags[name] for name in tags if name not in asked["tags"]}
        case "delete_tag":
            return lambda tags: {name: tags[name] for name in tags if name != asked["name"]}
        case "rename_tag":
            old, new = asked["name"], asked["to"]
            return lambda tags: {new if name == old else name: tags[name] for name in tags}
    return None


def _apply(entry: Entry, expected: Expectations) -> None:
    asked, told, sure = entry.asked, entry.told, entry.outcome == "ok"
    change = change_of(entry.op, asked)
    if change:
        for changed in _changed(entry, expected):
            changed.change(change, sure)
        if entry.op == "delete_tag" and sure:
            expected.gone_tags.add(asked["id"])
        return
    if entry.op in ("create", "upload", "announce"):
        expected.files[asked["filename"]] = _announced(entry)
        return
    file = expected.files.get(asked.get("filename", ""))
    if file is None:
        return
    match entry.op:
        case "put" | "look" | "claim" | "identify" if sure:
            if entry.op == "identify":
                file.id, file.uuid = told["id"], told["uuid"]
            file.claimed |= entry.op == "claim"
            file.uploaded |= entry.op in ("put", "claim") or bool(told.get("uploaded_timestamp"))
            file.url = told.get("url") if entry.op == "look" else file.url
        case "delete_image" | "trash" | "end":
            file.gone = "sure" if sure else "maybe"
            file.deleted = entry.op == "delete_image"
        case "restore":
            file.gone = "" if sure else "maybe"


def _changed(entry: Entry, expected: Expectations) -> list[Expected]:
    if "filename" in entry.asked:
        return [expected.files[entry.asked["filename"]]]
    # Of a client's own tags no other's image has any.
    return [file for file in expected.files.values() if file.client == entry.asked["client"]]


def _announced(entry: Entry) -> Expected:
    asked, told = entry.asked, entry.told
    sure = entry.outcome == "ok"
    return Expected(
        client=asked["client"],
        filename=asked["filename"],
        size=asked["size"],
        sha256=asked["sha256"],
        tag_sets={frozenset((name, "") for name in asked["tags"])},
        id=told["id"] if sure and entry.op != "announce" else None,
        claimed=entry.op != "announce",
        uploaded=sure and entry.op == "upload",
        url=told.get("url"),
    )
