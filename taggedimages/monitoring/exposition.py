"""All numbers in Prometheus's text format: this process's, or those of all that share a folder."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from taggedimages.monitoring import series
from taggedimages.monitoring.folders import FOLDER

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(*more: object) -> bytes:
    """Everything counted, and what other collectors tell."""
    registry = CollectorRegistry()
    if folder := shared():
        forget_the_dead(folder)
        MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    else:
        registry.register(series.REGISTRY)
    for collector in more:
        registry.register(collector)  # type: ignore[arg-type]  # anything that collects
    return generate_latest(registry)


def shared() -> Path | None:
    """The folder where this process and others keep their numbers."""
    named = os.environ.get(FOLDER)
    return Path(named) if named else None


def forget_the_dead(folder: Path) -> None:
    """Remove what processes that have ended said of the present; what they counted stays."""
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _is_alive(pid):
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
