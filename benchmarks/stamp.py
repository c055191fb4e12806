"""What measurements say: how far they are, and in results when and of what they were taken."""

import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

from taggedimages.engines.state import CHECKOUT

# Tells whoever waits, one line at a time.
Say = Callable[[str], None]


def stamp() -> dict[str, str]:
    """What every result says of itself."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": f"{platform.machine()}, {platform.system()}",
    }


def _commit() -> str:
    """What is checked out, marked where it was changed since; empty outside git."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
