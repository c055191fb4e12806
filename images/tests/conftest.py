"""Fixtures of the tests of images."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from images import inspecting
from images.inspection import child, sandbox
from images.inspection.sandbox import Inspected

Look = Callable[..., Inspected]


@pytest.fixture
def look() -> Look:
    """Inspects bytes in a child process, within the limits of the settings or other ones."""

    def run(body: bytes, work: sandbox.Work = child.work, wall: float = 30, **other: Any):
        with tempfile.TemporaryFile() as file:
            file.write(body)
            file.flush()
            return sandbox.run(file, replace(inspecting.limits(), **other), wall, work=work)

    return run
