#!/usr/bin/env python3
"""Download a release of a data set, and prove that it is what was released.

    python fetch.py https://images.example.org knees@3 FOLDER [--split train] [--digest sha256:...]

It needs Python 3.8 and nothing else. Each file is saved as ID-NAME, and what the release says of
the members as members.ndjson. Files that are there already and right are kept, and those that are
there in part are gone on with, so that the same command, once more, finishes what was broken off.

The digest of the release is computed from what came, and compared with what the service says and
with --digest, which is what was quoted somewhere else. A part of it, --split, has no digest.

Ends with 0 where all is here and right, with 1 where something differs, each on a line of the
output, and with 2 where nothing can be said: no access, or the service is away.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

TRIES, TIMEOUT_SECONDS, PAGE_MEMBERS, CHUNK_MEMBERS, PIECE_BYTES = 6, 60, 1000, 10_000, 1 << 20
# What is not worth another try; 403 is a URL that has expired.
FINAL = {400, 401, 404, 405, 406, 409, 410, 413, 422, 501}
BROKEN = (OSError, http.client.HTTPException, ValueError)


class Failed(Exception):
    """The service does not answer, or refuses."""


def opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    if not request.full_url.startswith(("http://", "https://")):
        raise Failed(f"No address of HTTP: {request.full_url}")
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    return answer


def pause(attempt: int, error: Exception) -> None:
    headers = getattr(error, "headers", None) or {}
    asked = headers.get("Retry-After", "")
    time.sleep(min(int(asked), 60) if asked.isdigit() else min(2**attempt, 30) / 4)


class Release:
    """One release at a service. The token goes to the service alone, and not where it redirects."""

    def __init__(self, service: str, quoted: str, token: str | None) -> None:
        name, _, number = quoted.partition("@")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or not re.fullmatch("[0-9]+", number):
            raise Failed(f"Not a release, such as knees@3: {quoted}")
        self.address = f"{service.rstrip('/')}/v1/datasets/{name}/releases/{number}"
        self.token = token

    def ask(self, path: str = "", body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(TRIES):
            request = urllib.request.Request(self.address + path, data)
            request.add_header("Content-Type", "application/json")
            if self.token:
                request.add_unredirected_header("Authorization", f"Bearer {self.token}")
            try:
                with opened(request) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    told = error.read(10_000).decode(errors="replace")
                if error.code in FINAL or error.code == 403 or attempt == TRIES - 1:
                    raise Failed(f"{self.address + path}: {error.code} {told}") from error
                pause(attempt, error)
            except BROKEN as error:
                if attempt == TRIES - 1:
                    raise Failed(f"{self.address + path}: {error}") from error
                pause(attempt, error)
        raise AssertionError

    def members(self, split: str | None) -> Iterator[dict[str, Any]]:
        """All members by their ids, a page in memory at a time, so that their URLs are fresh."""
        after, failures = 0, 0
        asked = {"limit": PAGE_MEMBERS, "format": "ndjson", **({"split": split} if split else {})}
        while True:
            query = urllib.parse.urlencode({**asked, "after": after})
            lines = [json.loads(line) for line in self.ask(f"/members?{query}").splitlines()]
            if not lines:
                return
            for line in lines:
                # The last line of an answer that could not be finished has none.
                if "id" in line:
                    after = line["id"]
                    yield line
            failures = 0 if "id" in lines[0] else failures + 1
            if failures == TRIES:
                raise Failed(f"{self.address}: {lines[0].get('message')}")

    def renewed(self, member: dict[str, Any]) -> dict[str, Any]:
        """A member with another URL; without one where it is withheld or gone by now."""
        (fresh,) = json.loads(self.ask("/urls", {"ids": [member["id"]]}))["results"]
        return {**member, "url": fresh.get("url"), "expires": fresh.get("expires")}


def without_url(member: dict[str, Any]) -> bytes:
    """What was hashed: JSON of RFC 8785, for the keys are ASCII and the numbers whole."""
    line = {name: value for name, value in member.items() if name not in ("url", "expires")}
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


class Digest:
    """The digest of a release, member after member."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.chunks: list[bytes] = []

    def add(self, member: dict[str, Any], line: bytes) -> None:
        withheld = "withheld" in member
        leaf = bytes.fromhex(member["leaf"]) if withheld else hashlib.sha256(b"\0" + line).digest()
        self.leaves.append(leaf)
        if len(self.leaves) == CHUNK_MEMBERS:
            self.end_chunk()

    def end_chunk(self) -> None:
        self.chunks.append(hashlib.sha256(b"\1" + b"".join(self.leaves)).digest())
        self.leaves = []

    def told(self) -> str:
        if self.leaves:
            self.end_chunk()
        return "sha256:" + hashlib.sha256(b"\2" + b"".join(self.chunks)).hexdigest()


def saved_as(member: dict[str, Any]) -> str:
    """As the formats aria2, sha256sum and csv have it: never a path out of the folder."""
    name = re.sub(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]', "_", member["name"])
    name = name.encode()[-150:].decode(errors="ignore")
    return f"{int(member['id'])}-{name}".rstrip(". ")


def is_right(path: Path, member: dict[str, Any]) -> bool:
    if not path.is_file() or path.stat().st_size != member["bytes"]:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(PIECE_BYTES), b""):
            digest.update(piece)
    return bool(digest.hexdigest() == member["sha256"])


def download(url: str, part: Path, size: int) -> None:
    """The bytes that are missing of a file."""
    start = part.stat().st_size if part.is_file() else 0
    if start >= size:
        part.unlink()
        start = 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with opened(urllib.request.Request(url, headers=headers)) as answer:
        if answer.status != 206:
            start = 0
        left = size - start
        with part.open("ab" if start else "wb") as file:
            # One more byte tells that it is too long.
            while left >= 0 and (piece := answer.read(min(PIECE_BYTES, left + 1))):
                file.write(piece)
                left -= len(piece)
    if left > 0:
        raise OSError(f"{left} bytes are missing")


def fetch(release: Release, member: dict[str, Any], folder: Path) -> str | None:
    """Have a member's file in the folder; what is wrong with it where that cannot be."""
    path = folder / saved_as(member)
    part = folder / (saved_as(member) + ".part")
    if is_right(path, member):
        return None
    problem, differed = "there is no file", 0
    for attempt in range(TRIES):
        try:
            if attempt == 0 and member["expires"] and member["expires"] < time.time() + 60:
                member = release.renewed(member)
            if not member["url"]:
                return f"{path.name}: there is no file any more"
            download(member["url"], part, member["bytes"])
            if is_right(part, member):
                os.replace(part, path)
                return None
            part.unlink()
            problem, differed = "other bytes than were released", differed + 1
            if differed == 2:
                break
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"the store answers {error.code}"
            if error.code == 403:
                member = release.renewed(member)
            elif error.code == 416:
                part.unlink()
            elif error.code in FINAL:
                break
            else:
                pause(attempt, error)
        except Failed as error:
            return f"{path.name}: {error}"
        except BROKEN as error:
            problem = str(error)
            pause(attempt, error)
    return f"{path.name}: {problem}"


def fetch_all(
    release: Release, folder: Path, split: str | None, jobs: int
) -> tuple[list[str], Digest, int, int]:
    """What differs, the digest of what came, and how many members there are and are withheld."""
    problems: list[str] = []
    digest, count, withheld = Digest(), 0, 0
    listed = folder / (f"members-{split}.ndjson" if split else "members.ndjson")
    part = listed.with_name(listed.name + ".part")
    pending: set[Future[str | None]] = set()
    with ThreadPoolExecutor(jobs) as pool, part.open("wb") as lines:
        for member in release.members(split):
            line = without_url(member)
            lines.write(line + b"\n")
            digest.add(member, line)
            count += 1
            if "withheld" in member:
                withheld += 1
                continue
            pending.add(pool.submit(fetch, release, member, folder))
            if len(pending) >= 4 * jobs:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                problems += [problem for one in done if (problem := one.result())]
            if count % 1000 == 0:
                print(f"{count} members", file=sys.stderr)
        problems += [problem for one in wait(pending).done if (problem := one.result())]
    os.replace(part, listed)
    return problems, digest, count, withheld


def main() -> int:
    parser = argparse.ArgumentParser(description="Download a release and verify it.")
    parser.add_argument("service", help="such as https://images.example.org")
    parser.add_argument("release", help="such as knees@3")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", help="one split alone")
    parser.add_argument("--digest", help="the digest that was quoted")
    parser.add_argument("--token", default=os.environ.get("TAGGEDIMAGES_TOKEN"))
    parser.add_argument("--jobs", type=int, default=8, help="files at a time")
    asked = parser.parse_args()
    if asked.split and asked.digest:
        parser.error("A split has no digest.")
    if asked.split and not re.fullmatch("[a-z]+", asked.split):
        parser.error("Not the name of a split.")
    try:
        release = Release(asked.service, asked.release, asked.token)
        told = json.loads(release.ask())
        asked.folder.mkdir(parents=True, exist_ok=True)
        problems, digest, count, withheld = fetch_all(
            release, asked.folder, asked.split, max(asked.jobs, 1)
        )
    except (Failed, *BROKEN) as error:
        print(error, file=sys.stderr)
        return 2
    if not asked.split:
        for name, expected in ("the service says", told["digest"]), ("quoted was", asked.digest):
            if expected and digest.told() != expected:
                problems.append(f"digest: of what came {digest.told()}, {name} {expected}")
        if count != told["members"]:
            problems.append(f"members: {count} came of {told['members']}")
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{count} members, {withheld} withheld, {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
