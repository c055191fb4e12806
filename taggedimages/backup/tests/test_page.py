"""docs/operating/backup.md shows commands that there are, and names every file of a backup."""

import re
import shlex

import pytest
from django.core.management import load_command_class

from taggedimages.backup import folder, readable
from taggedimages.engines.state import CHECKOUT

PAGE = (CHECKOUT / "docs" / "operating" / "backup.md").read_text()
SHOWN = re.findall(r"manage\.py\s+((?:backup|restore)\s[^`\n#&]*)", PAGE)


@pytest.mark.parametrize("line", SHOWN)
def test_each_command_on_the_page_can_be_given(line: str) -> None:
    name, *words = shlex.split(line)
    command = load_command_class("taggedimages.backup", name)
    assert command.create_parser("manage.py", name).parse_args(words).folder.is_absolute()


def test_each_file_of_a_backup_is_on_the_page() -> None:
    runs = (f"{folder.DATABASE}/", folder.LIST, folder.MISSING, readable.KEYS, readable.SETTINGS)
    names = (folder.MANIFEST, f"{folder.OBJECTS}/", *(f"RUN/{name}" for name in runs))
    assert len(SHOWN) >= 5
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []
