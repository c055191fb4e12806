"""Questions as requests of /v1, and whether what came back answers them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from benchmarks.client import Answer
from benchmarks.corpus import Question

# How a question is asked.
Path = Callable[[Question], str]


class Wrong(Exception):
    """An answer that is not the answer; the text says in what."""


def search(asked: Question) -> str:
    """By the names or the prefix of tags; without either, all images."""
    more: dict[str, Any] = {}
    if asked.tags:
        more["exact_tags"] = "|".join(asked.tags)
    if asked.prefix:
        more["match_tags"] = f"{asked.prefix}%"
    return _listed("/v1/search/images" if more else "/v1/images", asked, more)


def by_id(ids: dict[str, int]) -> Path:
    """By the id of the first tag."""
    return lambda asked: _listed(f"/v1/tags/{ids[asked.tags[0]]}/images", asked, {})


def _listed(path: str, asked: Question, more: dict[str, Any]) -> str:
    if asked.created_from is not None and asked.created_to is not None:
        more |= {"start_timestamp": asked.created_from, "end_timestamp": asked.created_to - 1}
    page = {"limit": asked.limit, "page": asked.offset // asked.limit}
    return f"{path}?{urlencode(more | page)}"


def check(asked: Question, answer: Answer, rows: list[tuple[Any, ...]] | None) -> None:
    """Raises Wrong unless it has the right total and records, newest first, complete.

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
    if order != sorted(order, reverse=True):
        raise Wrong("not newest first")
    if not all(set(asked.tags) <= {tag["name"] for tag in record["tags"]} for record in records):
        raise Wrong("a record without the tags asked for")
    if not all(record["url"] for record in records if record["uploaded_timestamp"]):
        raise Wrong("an uploaded record without a URL")
    if rows is not None:
        shown = [(record["filename"], record["created_timestamp"]) for record in records]
        if shown != [(filename, created) for filename, created, *_ in rows]:
            raise Wrong("other records than the floor's")
