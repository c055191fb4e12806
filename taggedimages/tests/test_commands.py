"""What every command of `manage.py` promises: help whose examples run, JSON that is JSON, a row in
docs/operating/commands.md, and one line where something is away or wrong."""

import json
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.db import connection

from images.models import Image
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import lifecycle
from taggedimages.changes.operations import proposed
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.datasets.tests.releases import make_dataset, ready_image, released
from taggedimages.engines.state import CHECKOUT
from taggedimages.factories import TESTS, make_credentials, make_image
from taggedimages.management import base

OURS = ("taggedimages", "images", "tags", "search")
# Django's own, which takes its arguments and ends as Django documents it.
DJANGOS = {"migrate"}
ALL = sorted(
    name
    for name, app in get_commands().items()
    if app.split(".")[0] in OURS and name not in DJANGOS
)
# They never end, want a place of their own, or change the keys that all tests work with: their
# examples are read here, and tests of theirs run such lines.
RUN_ELSEWHERE = {"up", "work", "backup", "restore", "rotate_keys"}
# They print nothing but JSON.
JSON_ALWAYS = {"find", "credentials"}
ASK_THE_STORE = {"demo", "import_images", "prepare", "purge", "reconcile", "verify"}
# In a test, the database that the process connects to is not one of a service that is up: nobody
# serves, no worker has its heartbeat, and nobody made a backup.
FINDS_FAULTS = {"doctor"}
# Where all is well.
HAVE_NOTHING_TO_TELL = {"cleanup", "tagnames"}


def command(name: str) -> Any:
    return load_command_class(get_commands()[name], name)


def options_of(name: str) -> set[str]:
    """All that a command takes, its own and Django's."""
    return set(command(name).create_parser("manage.py", name)._option_string_actions)


def ends(name: str, *words: str) -> int:
    """The exit code of a command line."""
    try:
        command(name).run_from_argv(["manage.py", name, *words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def seeded(transactional_db: None) -> None:
    """What the examples name."""
    make_credentials("mira", project_id="clinic")
    for number in (4711, 4712):
        ready_image("knee", "left knee", pk=number, stored=True)
    make_image("left-knee", "knee (left)", body=b"bytes")
    released(make_dataset("knees"), {"exact_tags": ["knee"]})
    keep({"at_most": 9}, name="laterality")
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE changes_change_id_seq RESTART WITH 812")
    joints = proposed({"add": ["joint"]}, Viewer(audiences=None))
    lifecycle.propose(joints, Query(exact_tags=("knee",), aliased=True), TESTS)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The places that examples name, and where they are in a test, which works in a folder of its
    own."""
    folder = tmp_path / "srv" / "pictures" / "knee" / "left"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"picture")
    (tmp_path / "archive.csv").write_text("filename,size\nb.png,7\n")
    monkeypatch.chdir(tmp_path)
    return {"/srv": f"{tmp_path}/srv", "s3://archive": f"s3://{settings.S3_BUCKET}"}


def placed(example: str, places: dict[str, str]) -> list[str]:
    """The words of an example."""
    for named, place in places.items():
        example = example.replace(named, place)
    return shlex.split(example)


# --- What each has -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_help_has_examples_of_the_command_and_its_exit_codes(name, capsys):
    assert ends(name, "--help") == 0
    told = capsys.readouterr().out
    examples = [line.split()[:2] for line in told.splitlines() if "  manage.py " in line]
    assert examples
    assert {tuple(words) for words in examples} == {("manage.py", name)}
    for code in base.EXIT_CODES:
        assert re.search(rf"^  {code} +\w", told, re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_option_of_it_is_misuse(name, capsys):
    assert ends(name, "--nonsense") == base.MISUSED
    assert "manage.py" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(RUN_ELSEWHERE))
def test_examples_that_are_not_run_here_are_understood(name):
    for example in command(name).examples:
        command(name).create_parser("manage.py", name).parse_args(shlex.split(example)[1:])


def test_each_has_a_row_in_the_docs_and_none_is_too_many():
    page = (CHECKOUT / "docs" / "operating" / "commands.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)[` ]", page, re.MULTILINE)) == ALL


@pytest.mark.parametrize("name", ALL)
def test_one_with_json_has_an_example_of_it(name):
    if "--json" in options_of(name):
        assert any("--json" in example for example in command(name).examples)


# --- What each does ------------------------------------------------------------------------------


@pytest.mark.usefixtures("seeded")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [name for name in ALL if name not in RUN_ELSEWHERE])
def test_its_examples_run_one_after_the_other(name, places, capsys):
    told: list[Any] = []
    for example in command(name).examples:
        _, *words = placed(example, places)
        code = ends(name, *words)
        printed = capsys.readouterr()
        expected = {base.FAILED} if name in FINDS_FAULTS else {base.DONE}
        assert {code} == expected, f"{example}\n{printed.out}{printed.err}"
        # No bar, nor what clears one, where there is no terminal.
        assert "\r" not in printed.err
        if name in JSON_ALWAYS or "--json" in words:
            told += [json.loads(line) for line in printed.out.splitlines()]
    assert told or name in HAVE_NOTHING_TO_TELL or "--json" not in options_of(name)


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port where connections are refused."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield int(reserved.getsockname()[1])


def told_in_a_line(name: str, example: str, places: dict[str, str], capsys: Any) -> None:
    """Run an example, which has to fail with one line of what is wrong."""
    code, printed = ends(name, *placed(example, places)[1:]), capsys.readouterr()
    assert code == base.FAILED, printed.err
    assert "Traceback" not in printed.err
    assert re.fullmatch(r"CommandError: \S.*\n", printed.err), printed.err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [name for name in ALL if name not in RUN_ELSEWHERE])
def test_without_a_database_it_says_so_in_a_line(name, places, capsys, monkeypatch):
    connection.close()
    with nobody_listens() as port, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        patch.setitem(connection.settings_dict, "PORT", str(port))
        told_in_a_line(name, command(name).examples[0], places, capsys)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(ASK_THE_STORE))
def test_without_a_store_it_says_so_in_a_line(name, places, capsys, settings):
    settings.S3_TRIES = 1
    with nobody_listens() as port:
        settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{port}"
        told_in_a_line(name, command(name).examples[0], places, capsys)


@pytest.mark.django_db(transaction=True)
def test_an_erasure_without_a_store_is_left_to_the_worker(capsys, settings):
    image = make_image(body=b"bytes")
    settings.S3_TRIES = 1
    with nobody_listens() as port:
        settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{port}"
        assert ends("erase", str(image.pk), "--reason=so") == base.DONE
    assert "The worker looks once more" in capsys.readouterr().out
    assert not Image.objects.filter(pk=image.pk).exists()
