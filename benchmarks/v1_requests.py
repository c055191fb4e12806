"""Questions as requests of /v1, and whether what came back answers them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from benchmarks.client import Answer
from benchmarks.corpus import Question

# How a question is asked.
Path = Callable[[Question], str]
# Conditions that lists of images have under other names than searches have, or not at all.
ONLY_OF_SEARCHES = {"exact_tags", "match_tags"}


class Wrong(Exception):
    """An answer that is not the answer; the text says in what."""


def search(asked: Question) -> str:
    """By the names or the prefix of tags; without either, all images."""
    more = conditions(asked)
    is_search = not ONLY_OF_SEARCHES.isdisjoint(more)
    return _listed("/v1/search/images" if is_search else "/v1/images", asked, more)


def by_id(ids: dict[str, int]) -> Path:
    """By the id of the first tag, and the window."""
    return lambda asked: _listed(f"/v1/tags/{ids[asked.tags[0]]}/images", asked, _times(asked))


def conditions(asked: Question) -> dict[str, Any]:
    """All but the page, by their names in /v1."""
    lists = {
        "exact_tags": asked.tags,
        "any_tags": asked.any_tags,
        "not_tags": asked.not_tags,
        "format": asked.formats,
        "modality": asked.modalities,
        "body_part": asked.body_parts,
    }
    found: dict[str, Any] = {name: "|".join(values) for name, values in lists.items() if values}
    if asked.prefix:
        found["match_tags"] = f"{asked.prefix}%"
    if asked.untagged:
        found["untagged"] = "true"
    if asked.filename:
        found["filename"] = asked.filename
    if asked.order != "newest":
        found["order"] = asked.order
    if asked.facets is not None:
        found["facets"] = "tags"
    return found | dict(asked.bounds) | _times(asked)


def _times(asked: Question) -> dict[str, int]:
    windows = {
        "": (asked.created_from, asked.created_to),
        "uploaded_": (asked.uploaded_from, asked.uploaded_to),
    }
    found: dict[str, int] = {}
    for of, (first, last) in windows.items():
        if first is not None and last is not None:
            found |= {f"{of}start_timestamp": first, f"{of}end_timestamp": last - 1}
    return found


def _listed(path: str, asked: Question, more: dict[str, Any]) -> str:
    page = {"limit": asked.limit, "page": asked.offset // asked.limit}
    return f"{path}?{urlencode(more | page)}"


def check(asked: Question, answer: Answer, rows: list[tuple[Any, ...]] | None) -> None:
    """Raises Wrong unless it has the right total and records, in their order, complete.

    `rows` are the floor's for the same page: filename, created, uploaded, size, tags.
    """
    if answer.status != 200:
        raise Wrong(f"{answer.status}: {answer.body[:300]!r}")
    said = answer.json()
    total, records = said["meta"]["total_results"], said["results"]
    if total != asked.total:
        raise Wrong(f"{total} found, there are {asked.total}")
    if len(records) != asked.length:
        raise Wrong(f"{len(records)} records on a page of {asked.length}")
    order = [(record["created_timestamp"], record["id"]) for record in records]
    if asked.order == "newest" and order != sorted(order, reverse=True):
        raise Wrong("not newest first")
    if not all(set(asked.tags) <= {tag["name"] for tag in record["tags"]} for record in records):
        raise Wrong("a record without the tags asked for")
    if not all(record["url"] for record in records if record["uploaded_timestamp"]):
        raise Wrong("an uploaded record without a URL")
    if rows is not None:
        shown = [(record["filename"], record["created_timestamp"]) for record in records]
        if shown != [(filename, created) for filename, created, *_ in rows]:
            raise Wrong("other records than the floor's")
