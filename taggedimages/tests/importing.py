"""Imports for tests: what there is to import, and what became of it."""

import io
import uuid
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from images import storage
from images.models import Image


def run(*arguments: object) -> str:
    """What the command says at the end, without its change id."""
    out = io.StringIO()
    call_command("import_images", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue().rpartition(";")[0].splitlines()[-1]


def refused(*arguments: object) -> list[str]:
    """What the command says, line by line, where something is not imported."""
    out = io.StringIO()
    with pytest.raises(CommandError, match="not imported") as ended:
        call_command("import_images", *map(str, arguments), stdout=out, stderr=out)
    assert ended.value.returncode == 1
    return out.getvalue().splitlines()


def tags_by_name() -> dict[str, list[str]]:
    """The tags of each image, by its filename."""
    return {
        image.filename: sorted(tag.name for tag in image.tags.all())
        for image in Image.objects.all()
    }


def make_objects() -> str:
    """Objects of the service's own bucket that no record knows; what their keys begin with."""
    prefix = f"old-{uuid.uuid4()}/"
    for path in ("knee/1.png", "hip/2.png"):
        storage.put(prefix + path, path.encode())
    return prefix


def write(folder: Path, name: str, text: str) -> Path:
    """A new file."""
    (folder / name).write_text(text)
    return folder / name
