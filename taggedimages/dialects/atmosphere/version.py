"""Which state of the program answers, in the words of the last server: a commit of a branch.

What is deployed has no repository beside it, so the commit is a digest of the program's own files,
and its date that of the youngest of them.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings

BRANCH = "taggedimages"
PACKAGES = ("images", "search", "tags", "taggedimages")


@cache
def version() -> dict[str, str]:
    """`{git_branch, git_sha, git_sha_abbrev, commit_date}`; read once a process."""
    digest, youngest = hashlib.sha1(usedforsecurity=False), 0.0
    for file in sorted(_files()):
        digest.update(file.read_bytes())
        youngest = max(youngest, file.stat().st_mtime)
    sha = digest.hexdigest()
    return {
        "git_branch": BRANCH,
        "git_sha": sha,
        "git_sha_abbrev": f"@{sha[:6]}",
        "commit_date": f"{datetime.fromtimestamp(youngest, UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def _files() -> list[Path]:
    root = Path(settings.BASE_DIR)
    return [file for package in PACKAGES for file in (root / package).rglob("*.py")]
