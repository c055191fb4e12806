"""Who knocks at the doors that open to nobody else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.attacks.credentials import Caller, read
from taggedimages.identity import credentials
from taggedimages.identity.models import User

NAME = "benchmarks"


@contextmanager
def known(file: Path | None) -> Iterator[Caller]:
    """The caller whose credentials are in a file; without one, a member of the default project
    that is made for this, and gone at the end."""
    if file:
        yield read(str(file))
        return
    issued = credentials.issue(NAME, revoke=True)
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "credentials.json"
            path.write_text(json.dumps(issued.as_dict()))
            yield read(str(path))
    finally:
        User.objects.filter(username=NAME).delete()
