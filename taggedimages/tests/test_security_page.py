"""The tables of docs/security.md are what the service answers, and the tests it names are there."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from taggedimages.tests.access import Subject, ask

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NONE = "–"  # noqa: RUF001  as the page has it
# Of the states of an image, those that the page tells apart, in its words.
SHOWN = {"p": "public", "m": "project", "v": "private"}


@dataclass(frozen=True)
class Column:
    """An action: requests that are all answered alike, of an image or, with `of_tag`, of a tag."""

    head: str
    asked: tuple[str, ...]
    of_tag: bool = False
    edits: str = "members"
    with_file: bool = False

    def cell(self, headers: dict[str, str], subjects: dict[str, Subject]) -> str:
        """For whom of the images it may be done, in the words of the page."""
        states = "p" if self.of_tag else SHOWN
        found = [
            [
                SHOWN[state]
                for state in states
                if _may(request, headers, subjects[state], self.with_file)
            ]
            for request in self.asked
        ]
        assert all(one == found[0] for one in found), (self.head, found)
        if self.of_tag:
            return "yes" if found[0] else NONE
        return "all" if len(found[0]) == len(SHOWN) else ", ".join(found[0]) or NONE


def _may(request: str, headers: dict[str, str], subject: Subject, with_file: bool) -> bool:
    method, path, *body = subject.fill(request).split(maxsplit=2)
    answer = ask(method, path, "".join(body), headers)
    if method == "GET" and "/parts" not in path:
        return subject.marks_in(answer.body) == "+" and (
            not with_file or "X-Amz-Signature" in answer.body
        )
    # 409: nothing is under way that could be gone on with.
    return answer.status // 100 == 2 or answer.status == 409


PEOPLE = {
    "without a token": "anonymous",
    "its creator": "owner",
    "a member of its project": "other",
    "an editor of it": "editor",
    "staff of it": "staff",
    "somebody of another project": "foreign",
    "an editor of another": "far-editor",
    "staff of another": "far-staff",
    "a superuser": "super",
}


def people(scheme: str, *left_out: str) -> dict[str, str]:
    """The callers of an API by the words of the page."""
    named = {words: name for words, name in PEOPLE.items() if words not in left_out}
    return {
        words: name if name == "anonymous" else f"{scheme} {name}" for words, name in named.items()
    }


V1_EDITS = (
    'PUT /v1/images/{image} {"tags": ["new"]}',
    'PUT /v1/images/{image} {"visibility": "private"}',
    "DELETE /v1/images/{image}",
)


def changes_of_tag(tag: str) -> tuple[str, ...]:
    """All that /v1 changes of a tag."""
    return (
        f'PUT /v1/tags/{tag} {{"name": "new"}}',
        f'PUT /v1/tags/{tag} {{"name": "new", "keep_old": true}}',
        f'PUT /v1/tags/{tag} {{"status": "deprecated", "category": "new"}}',
        f'POST /v1/tags/{tag}/alias {{"of": {{tag}}}}',
        f"DELETE /v1/tags/{tag}/alias",
        f'POST /v1/tags/{tag}/merge {{"from": [{{tag}}]}}',
        f'POST /v1/tags/{tag}/implications {{"parents": [{{tag}}]}}',
        f"DELETE /v1/tags/{tag}",
    )


APIS = {
    "`/v1`": (
        people("Bearer"),
        (
            Column(
                "sees, reads the file",
                ("GET /v1/images/{image}", "GET /v1/images"),
                with_file=True,
            ),
            Column("tags, shows, deletes", V1_EDITS),
            Column("the same with `own`", V1_EDITS, edits="own"),
            Column(
                "goes on with an upload in parts",
                ("GET /v1/images/{image}/parts", "DELETE /v1/images/{image}/parts"),
            ),
            Column(
                "adds images and tags",
                (
                    'POST /v1/images {"filename": "new.png"}',
                    'POST /v1/upload {"filename": "new.png", "image_data": "eA=="}',
                    'POST /v1/tags {"name": "new"}',
                ),
                of_tag=True,
            ),
            Column(
                "changes, deletes a tag of that project",
                changes_of_tag("{shared_id}"),
                of_tag=True,
            ),
            Column("… that others have too", changes_of_tag("{common}"), of_tag=True),
            Column("locks tags", ('PUT /v1/tags/{shared_id} {"status": "locked"}',), of_tag=True),
        ),
    ),
    "Bulk changes": (
        people("Bearer"),
        (
            Column(
                "proposes changes",
                (
                    'POST /v1/changes {"query": {"untagged": true}, "operation": {"add": ["x"]}}',
                    'POST /v1/changes {"query": {"everything": true}, "operation": {"add": ["x"]}}',
                ),
                of_tag=True,
            ),
            Column(
                "sees, applies, stops, discards, undoes one that its creator has proposed",
                (
                    "GET /v1/changes/{change}/images",
                    'POST /v1/changes/{change}/apply {"digest": "{digest}"}',
                    "POST /v1/changes/{change}/stop",
                    "POST /v1/changes/{change}/resume",
                    "POST /v1/changes/{change}/undo",
                    "DELETE /v1/changes/{change}",
                ),
                of_tag=True,
            ),
            Column(
                "merges tags of that project",
                (
                    'POST /v1/tags/{action}/merge {"from": [{shared_id}]}',
                    'POST /v1/changes {"operation": '
                    '{"merge": {"from": ["shared"], "into": "action"}}}',
                ),
                of_tag=True,
            ),
            Column(
                "… that others have too",
                (
                    'POST /v1/tags/{action}/merge {"from": [{common}]}',
                    'POST /v1/changes {"operation": '
                    '{"merge": {"from": ["common"], "into": "action"}}}',
                ),
                of_tag=True,
            ),
        ),
    ),
    "Releases": (
        people("Bearer"),
        (
            Column("makes data sets", ('POST /v1/datasets {"name": "new"}',), of_tag=True),
            Column(
                "sees, releases, retires one that its creator has made",
                ("POST /v1/datasets/{dataset}/releases/{number}/retire",),
                of_tag=True,
            ),
        ),
    ),
    "Contracts": (
        people("Bearer"),
        (
            Column(
                "makes contracts",
                (
                    'PUT /v1/contracts/{any} {"when": {"everything": true}, '
                    '"rules": [{"at_most": 9}]}',
                ),
                of_tag=True,
            ),
            Column(
                "sees, changes, gives up, judges and searches by one that its creator has made",
                ("DELETE /v1/contracts/{contract}",),
                of_tag=True,
            ),
        ),
    ),
    "Atmosphere": (
        people("TOKEN"),
        (
            Column("sees", ("GET /api/v2/images/{image}", "GET /api/v2/image_tags/{link}")),
            Column(
                "tags, describes, ends",
                (
                    'POST /api/v2/image_tags {"image": "{image}", "tag": "{tag}"}',
                    "DELETE /api/v2/image_tags/{link}",
                    'PATCH /api/v2/images/{image} {"private": true}',
                    'PATCH /api/v2/images/{image} {"end_date": "2020-01-01T00:00:00Z"}',
                ),
            ),
            Column(
                "adds tags",
                ('POST /api/v2/tags {"name": "new", "description": "new"}',),
                of_tag=True,
            ),
            Column(
                "renames, deletes a tag of that project",
                (
                    'PATCH /api/v2/tags/{shared_id} {"name": "new"}',
                    "DELETE /api/v2/tags/{shared_id}",
                ),
                of_tag=True,
            ),
            Column(
                "… that others have too",
                ('PATCH /api/v2/tags/{common} {"name": "new"}', "DELETE /api/v2/tags/{common}"),
                of_tag=True,
            ),
        ),
    ),
    "SharinPix": (
        {
            "without a token": "anonymous",
            "`admin: true`": "admin",
            "all rights in its album": "album",
            "`see` in its album": "viewer",
            "all rights in another album": "other-album",
            "`q` that finds it": "query",
            "a session of its creator": "session owner",
            "a session of a member": "session other",
            "a session of staff": "session staff",
            "`admin: true` of another project": "far-admin",
            "a session of a superuser of another": "session super",
        },
        (
            Column("sees, reads the file", ("GET /api/v1/images/{uuid}",), with_file=True),
            Column("sees the links", ("GET /api/v1/tag_images?image_id={uuid}",)),
            Column(
                "tags, describes, deletes",
                (
                    'POST /api/v1/tags/{name}/tag_images {"image_ids": ["{uuid}"]}',
                    "DELETE /api/v1/tag_images/{link_uuid}",
                    'PUT /api/v1/images/{uuid} {"title": "new"}',
                    "DELETE /api/v1/images/{uuid}",
                ),
            ),
            Column(
                "uploads to an album of this name",
                ('POST /api/v1/storages/x/storage_files {"album_id": "case", "name": "new.png"}',),
                of_tag=True,
            ),
            Column(
                "changes a tag of that project",
                ('PUT /api/v1/tags/{shared} {"label": "new"}',),
                of_tag=True,
            ),
            Column(
                "… that others have too",
                ('PUT /api/v1/tags/{common_uuid} {"label": "new"}',),
                of_tag=True,
            ),
            Column("sees on the page of a public tag", ("GET /api/v1/tags/{shared}/public_tags",)),
        ),
    ),
    "IMS": (
        people("X-Auth", "an editor of another"),
        (
            Column("lists", ("GET /v2/images", "GET /v2/cloudimages")),
            Column("sees", ("GET /v2/images/{uuid}",)),
            Column(
                "tags",
                (
                    "PUT /v2/images/{uuid}/tags/{name}",
                    "DELETE /v2/images/{uuid}/tags/{name}",
                    'PUT /v1/cloudimages/tags {"image_id": "{uuid}", "tag": "new"}',
                ),
            ),
        ),
    ),
}


@pytest.mark.parametrize("api", APIS)
def test_the_table_of_an_api_is_what_it_answers(corpus: Any, settings: Any, api: str) -> None:
    callers, subjects = corpus
    who, columns = APIS[api]
    lines = [["who", *(column.head for column in columns)], ["---"] * (len(columns) + 1)]
    settings.ANONYMOUS = "read-only"
    for words, name in who.items():
        line = [words]
        for column in columns:
            settings.PROJECT_EDITS = column.edits
            line.append(column.cell(callers[name], subjects))
        lines.append(line)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines).replace(" --- ", "---")
    section = re.search(rf"^### {re.escape(api)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section
    assert table in section[1], table


def test_the_tests_that_the_page_names_are_there() -> None:
    named = re.findall(r"`(test_\w+\.py)`", PAGE)
    there = {path.name for path in ROOT.glob("*/**/test_*.py") if ".venv" not in path.parts}
    assert named
    assert set(named) <= there
