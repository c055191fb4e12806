"""The embedded PostgreSQL and S3 engines, and what keeps them and the service running."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taggedimages.engines.state import State


@contextmanager
def running(folder: Path) -> Iterator[State]:
    """Both engines on the data in `folder`, for as long as the context lasts; no service."""
    # Settings import this package for its state only.
    from taggedimages.engines import postgres, seaweedfs, state
    from taggedimages.engines.supervisor import Supervisor

    with state.held(folder, "engines only"):
        supervisor = Supervisor(say=lambda line: None)
        try:
            current = state.load_or_create(folder)
            supervisor.launch(seaweedfs.part(folder, current))
            supervisor.launch(postgres.part(folder, current))
            supervisor.wait_until_ready()
            yield current
        finally:
            supervisor.stop()
