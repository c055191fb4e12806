"""The page on the architecture names modules, classes and functions that there are."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/ARCHITECTURE.md").read_text()
NAMES = sorted(set(re.findall(r"`((?:images|tags|search|taggedimages)(?:\.\w+)*)`", PAGE)))


@pytest.mark.parametrize("name", NAMES)
def test_each_name_on_the_page_is_there(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError as missing:
            # Of the name itself, and not of something that it imports.
            if not name.startswith(str(missing.name)):
                raise
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"There is no {name}.")


def test_each_package_of_the_domain_is_on_the_page():
    for package in ("search/planner", "search/executor", "search/index", "images/storage"):
        assert package.replace("/", ".") in PAGE


def test_every_section_is_a_question_or_a_wish():
    headings = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    assert headings
    assert all(heading.endswith("?") or heading.startswith("I want") for heading in headings)


def test_search_has_at_most_twelve_entries_at_its_top():
    entries = {
        entry.name
        for entry in (ROOT / "search").iterdir()
        if entry.name not in {"migrations", "tests", "__pycache__"}
    }
    assert len(entries) <= 12, sorted(entries)
