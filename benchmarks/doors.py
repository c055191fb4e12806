"""The doors at which questions are put: how each is asked there, and what its answer says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from benchmarks import v1_requests
from benchmarks.attacks.credentials import Caller
from benchmarks.client import Answer, Client, Request
from benchmarks.contents import digest_of
from benchmarks.corpus import (
    ATMOSPHERE,
    ATMOSPHERE_LINKS,
    IMS,
    IMS_TAGS,
    SHARINPIX,
    V1,
    Corpus,
    Question,
)
from benchmarks.stamp import Say
from benchmarks.v1_requests import Wrong


@dataclass(frozen=True)
class Said:
    """What an answer says: how many there are, where it tells, and what the page shows."""

    total: int | None
    shown: tuple[str, ...]
    facets: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True)
class Door:
    """One of them."""

    # Of whose headers (`Caller.headers`), and whether it opens to nobody else.
    dialect: str
    is_locked: bool
    request: Callable[[Question, Caller | None], Request]
    said: Callable[[Any], Said]

    def headers(self, token: str, caller: Caller | None) -> dict[str, str]:
        """With which it opens."""
        if caller:
            return caller.headers()[self.dialect]
        scheme = {"v1": "Bearer", "atmosphere": "TOKEN"}[self.dialect]
        return {"Authorization": f"{scheme} {token}"} if token else {}


def read(asked: Question, answer: Answer) -> Said:
    """What came back, understood. Raises Wrong."""
    if answer.status != 200:
        raise Wrong(f"{answer.status}: {answer.body[:300]!r}")
    try:
        return DOORS[asked.door].said(answer.json())
    except (KeyError, TypeError, ValueError) as error:
        raise Wrong(f"{error!r} in {answer.body[:300]!r}") from error


def check(asked: Question, answer: Answer, rows: list[tuple[Any, ...]] | None = None) -> Said:
    """Raises Wrong unless an answer has the right total, page, order and facets; `rows` are the
    floor's for the page."""
    said = read(asked, answer)
    if asked.door == V1:
        v1_requests.check(asked, answer, rows)
    if said.total is not None and said.total != asked.total:
        raise Wrong(f"{said.total} found, there are {asked.total}")
    # Rows of SharinPix have eleven URLs each: a list ends where it is large enough.
    is_cut = asked.door == SHARINPIX and 0 < len(said.shown) < (asked.length or 0)
    if len(said.shown) != asked.length and not is_cut:
        raise Wrong(f"{len(said.shown)} on a page of {asked.length}")
    if asked.digest is not None and not is_cut and digest_of(said.shown) != asked.digest:
        raise Wrong("another page than the corpus has")
    if asked.facets != said.facets:
        raise Wrong(f"other facets: {str(said.facets)[:100]}, not {str(asked.facets)[:100]}")
    return said


def projects(client: Client, corpus: Corpus, caller: Caller, headers: Mapping[str, str]) -> int:
    """Of how many projects the corpus's images are, as the first of them is told. Raises Wrong."""
    path = f"/v2/{caller.project}/images/resource_instances/action"
    answer = client.ask(path, "POST", {"action": "count"}, headers)
    if answer.status != 200:
        raise Wrong(f"{path}: {answer.status}: {answer.body[:300]!r}")
    # Some may have come or gone since they were loaded; the answers will tell.
    return 1 if answer.json()["total_count"] > corpus.size * 3 / 4 else 2


def known_parameters(client: Client) -> set[str]:
    """The names of the parameters of lists of images that /v1 documents. Raises Wrong."""
    answer = client.ask("/v1/openapi.json")
    if answer.status != 200:
        raise Wrong(f"/v1/openapi.json: {answer.status}")
    lists = [path for path in answer.json()["paths"].items() if path[0].endswith("search/images")]
    return {parameter["name"] for _, path in lists for parameter in path["get"]["parameters"]}


def answerable(
    kinds: dict[str, list[Question]],
    clients: Sequence[Client],
    corpus: Corpus,
    caller: Caller | None,
    say: Say,
) -> dict[str, list[Question]]:
    """Those of some kinds that can be put to all of these services: which know what is asked, and
    have as many projects. What is left out is told."""
    parameters = set.intersection(*(known_parameters(client) for client in clients))
    headers = caller.headers()["ims"] if caller else {}
    is_locked = any(DOORS[asked[0].door].is_locked for asked in kinds.values())
    own = set()
    if caller and is_locked:
        own = {projects(client, corpus, caller, headers) for client in clients}
    found = {}
    for name, questions in kinds.items():
        asked = questions[0]
        if not is_known(questions, parameters):
            say(f"{name}: not known here")
        elif DOORS[asked.door].is_locked and not caller:
            say(f"{name}: no --credentials")
        elif asked.projects is None or {asked.projects} == own:
            found[name] = questions
    return found


def is_known(questions: Iterable[Question], parameters: set[str]) -> bool:
    """Whether a service with these parameters knows what is asked."""
    return all(
        set(v1_requests.conditions(asked)) <= parameters for asked in questions if asked.door == V1
    )


def _v1(asked: Question, caller: Caller | None) -> Request:
    return (v1_requests.search(asked),)


def _page(path: str, asked: Question, **more: str) -> Request:
    page = {"page_size": asked.limit, "page": asked.offset // asked.limit + 1}
    return (f"{path}?{urlencode(more | page)}",)


def _atmosphere(asked: Question, caller: Caller | None) -> Request:
    return _page("/api/v2/images", asked, **({"search": asked.word} if asked.word else {}))


def _links(asked: Question, caller: Caller | None) -> Request:
    return _page("/api/v2/image_tags", asked)


def _sharinpix(asked: Question, caller: Caller | None) -> Request:
    return (f"/api/v1/search?{urlencode({'q': asked.word})}",)


def _ims(asked: Question, caller: Caller | None) -> Request:
    tags = [{"key": tag, "values": []} for tag in asked.tags]
    body = {"action": "filter", "tags": tags, "limit": asked.limit, "offset": asked.offset}
    assert caller
    return f"/v2/{caller.project}/images/resource_instances/action", "POST", body


def _ims_tags(asked: Question, caller: Caller | None) -> Request:
    assert caller
    return (f"/v2/{caller.project}/images/tags",)


def _said_by_v1(told: Any) -> Said:
    shown = tuple(record["filename"] for record in told["results"])
    facets = None
    if "facets" in told:
        facets = tuple((tag["name"], tag["count"]) for tag in told["facets"]["tags"])
    return Said(told["meta"]["total_results"], shown, facets)


def _said_of_links(told: Any) -> Said:
    links = [(link["image"]["name"], link["tag"]["name"]) for link in told["results"]]
    return Said(told["count"], tuple(f"{image} {tag}" for image, tag in links))


DOORS = {
    V1: Door("v1", False, _v1, _said_by_v1),
    ATMOSPHERE: Door(
        "atmosphere",
        False,
        _atmosphere,
        lambda told: Said(told["count"], tuple(image["name"] for image in told["results"])),
    ),
    ATMOSPHERE_LINKS: Door("atmosphere", False, _links, _said_of_links),
    SHARINPIX: Door(
        "sharinpix",
        True,
        _sharinpix,
        lambda told: Said(None, tuple(image["filename"] for image in told)),
    ),
    IMS: Door(
        "ims",
        True,
        _ims,
        lambda told: Said(
            told["total_count"], tuple(image["resource_name"] for image in told["resources"])
        ),
    ),
    IMS_TAGS: Door(
        "ims",
        True,
        _ims_tags,
        lambda told: Said(len(told["tags"]), tuple(sorted(tag["key"] for tag in told["tags"]))),
    ),
}


def by_id(ids: dict[str, int]) -> Door:
    """/v1's list of the images of a question's first tag, by its id."""
    path = v1_requests.by_id(ids)
    return replace(DOORS[V1], request=lambda asked, caller: (path(asked),))
