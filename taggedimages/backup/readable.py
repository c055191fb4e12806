"""What a backup needs besides database and bucket: the keys that read it, and the settings."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from taggedimages.backup.folder import Unusable, write_private

KEYS, SETTINGS = "keys.json", "settings.json"
# What is ours in the environment, and what of it is nobody's business.
OURS = re.compile(r"TAGGEDIMAGES_|S3_|AWS_|DATABASE_")
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|CREDENTIAL|DATABASE_(REPLICA_)?URL|CONTAINER_AUTH")


def write(run: Path) -> None:
    """Write keys and settings into the folder of a run, for its owner alone."""
    keys = {
        "SECRET_KEY": settings.SECRET_KEY,
        "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS,
        "TAGGEDIMAGES_HOOK_SECRET": settings.HOOK_SECRET,
    }
    write_private(run / KEYS, json.dumps(keys, indent=1) + "\n")
    write_private(run / SETTINGS, json.dumps(told(dict(os.environ)), indent=1) + "\n")


def told(environment: dict[str, str]) -> dict[str, str]:
    """Of an environment, what sets this service and is no secret."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if OURS.match(name) and not SECRET.search(name) and not _has_password(value)
    }


def keys(run: Path) -> dict[str, Any]:
    """The keys in the folder of a run. Raises Unusable."""
    try:
        found = json.loads((run / KEYS).read_text())
        return {
            "SECRET_KEY": str(found["SECRET_KEY"]),
            "SECRET_KEY_FALLBACKS": list(map(str, found["SECRET_KEY_FALLBACKS"])),
            "TAGGEDIMAGES_HOOK_SECRET": str(found["TAGGEDIMAGES_HOOK_SECRET"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{run / KEYS} cannot be read: {error!r}") from error


def _has_password(value: str) -> bool:
    try:
        return "@" in value and urlsplit(value).password is not None
    except ValueError:
        return True
