"""Restores a backup into a new data folder, with engines of its own that run meanwhile alone.

A file marks the folder until all of it is there; `up` refuses a folder with that mark.
"""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from taggedimages import engines
from taggedimages.backup import readable
from taggedimages.backup.folder import Folder, Manifest
from taggedimages.backup.restoring import NotEmpty
from taggedimages.engines import postgres, state
from taggedimages.engines.state import CHECKOUT, State

# Of an environment, what would name other engines and keys than those of the folder.
OTHERS = ("DATABASE_", "AWS_", "S3_", "SECRET_KEY", "DJANGO_SECRET_KEY")


def restore(
    folder: Folder, manifest: Manifest, data: Path, at_once: int, whole: Collection[int]
) -> int:
    """Restore into a data folder, which is empty or not there; returns the exit code of the
    `restore` that does it, on engines that are started for it. By those in `whole`, all is there.

    Raises NotEmpty, and what starting engines raises.
    """
    refuse_occupied(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = data / state.HALF_RESTORED
    mark.touch(mode=0o600)
    keys = readable.keys(folder.path / manifest.run)
    fallbacks = tuple(keys["SECRET_KEY_FALLBACKS"])
    state.create(data, keys["SECRET_KEY"], keys["TAGGEDIMAGES_HOOK_SECRET"], fallbacks)
    with engines.running(data) as known:
        done = subprocess.run(  # noqa: S603
            [
                *(sys.executable, str(CHECKOUT / "manage.py"), "restore", str(folder.path)),
                *("--unchecked", f"--jobs={at_once}"),
            ],
            env=_environment(data, known),
            check=False,
        )
        if done.returncode in whole:
            mark.unlink()
    return done.returncode


def refuse_occupied(data: Path) -> None:
    """Raise NotEmpty unless a data folder is empty or not there."""
    if (data / state.HALF_RESTORED).exists():
        raise NotEmpty(state.half_restored(data))
    if data.exists() and any(data.iterdir()):
        raise NotEmpty(
            f"{data} is not empty: name a folder that is not there yet, by TAGGEDIMAGES_DATA or"
            " --data."
        )


def _environment(data: Path, known: State) -> dict[str, str]:
    """What has a command work on these engines as on managed ones."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    return outer | {
        "TAGGEDIMAGES_DATA": str(data),
        "TAGGEDIMAGES_PG_BIN": str(postgres.binaries()),
        "DATABASE_URL": known.database_url,
        "S3_BUCKET": known.bucket,
        "AWS_ENDPOINT_URL_S3": known.s3_endpoint_url,
        "AWS_ACCESS_KEY_ID": known.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": known.s3_secret_key,
        "AWS_REGION": known.region,
        "SECRET_KEY": known.secret_key,
        "SECRET_KEY_FALLBACKS": ",".join(known.secret_key_fallbacks),
        "TAGGEDIMAGES_HOOK_SECRET": known.hook_secret,
    }
