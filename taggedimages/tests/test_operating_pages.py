"""The pages of those who keep the service running: their commands work, and their links lead on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, finish, start
from taggedimages.tests.shown_commands import assert_run_as_shown, blocks, refusals

DOCS = CHECKOUT / "docs"
PAGES = [DOCS / "operating.md", *sorted((DOCS / "operating").glob("*.md"))]
RUN = [page for page in PAGES if blocks(page, "console")]
LINKING = [*PAGES, CHECKOUT / "README.md", CHECKOUT / "SECURITY.md", DOCS / "doors.md"]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = start(tmp_path_factory.mktemp("pages") / "data")
    yield running
    finish(running)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_commands_give_the_output_that_is_shown(up: Up, page: Path, tmp_path: Path) -> None:
    assert_run_as_shown([page], up, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_for_other_hosts_are_such_as_there_are(page: Path) -> None:
    assert refusals(page, get_commands()) == []


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.stem)
def test_each_page_is_named_in_the_list_of_tasks(page: Path) -> None:
    assert f"(operating/{page.name})" in PAGES[0].read_text()


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_links_lead_to_what_is_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text())
    assert links
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {slug(head) for head in heads}, f"{path}#{anchor}"


def slug(heading: str) -> str:
    """As GitHub names the place of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
