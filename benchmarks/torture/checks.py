"""The reckoning: the service, its bucket and its database against the clients' ledger."""

import hashlib
import time
from typing import Any

import requests

from benchmarks.torture.doors import Doors
from benchmarks.torture.expectations import Expectations, Expected
from benchmarks.torture.service import Service

SETTLE_SECONDS = 600
# What the worker has still to do: files to inspect, files of deleted images to remove.
OPEN = """
SELECT count(*) FROM images_image
WHERE (deleted_at IS NULL AND uploaded_at IS NOT NULL AND processed_at IS NULL)
   OR (deleted_at IS NOT NULL AND check_at <= now())
"""
UNFINISHED = """
SELECT id, filename FROM images_image
WHERE deleted_at IS NULL AND upload_error = '' AND (uploaded_at IS NULL OR processed_at IS NULL)
"""
VALUES = """
SELECT t.name, l.value FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id WHERE image_id = %s
"""
# As if an hour had passed, so that what was announced and never sent comes to its end.
LATER = {"TAGGEDIMAGES_PRESIGNED_SECONDS": "1", "TAGGEDIMAGES_UPLOAD_GRACE_SECONDS": "0"}


class Checker:
    """Asks about everything; what differs is a loss, told in a line."""

    def __init__(self, service: Service, expected: Expectations, doors: Doors) -> None:
        self.service = service
        self.expected = expected
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = doors.tim.headers

    def settle(self) -> float | None:
        """Wait until every file is inspected; the seconds it took, None if that never came."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE_SECONDS:
            if not self.service.sql(OPEN)[0][0] and self._all_final():
                return time.monotonic() - began
            time.sleep(0.2)
        return None

    def sweep(self) -> dict[str, int]:
        """Purge what was abandoned and mend what deaths left over; what there was to mend."""
        time.sleep(2)  # LATER's presigned second, so that no upload is too young
        purged = self.service.manage("purge", "--apply", **LATER)
        if purged.returncode:
            raise RuntimeError(f"purge failed: {purged.stderr}")
        found, _ = self.service.reconcile("--apply")
        return found

    def losses(self) -> list[str]:
        """Every difference."""
        found = [line for file in self.expected.files.values() for line in self._file(file)]
        found += [
            f"tag {tag} was deleted, and is there"
            for tag in self.expected.gone_tags
            if self._get(f"/v1/tags/{tag}").status_code != 404
        ]
        found += [f"not final: {row}" for row in self.service.sql(UNFINISHED)]
        return found + [f"reconcile: {line}" for line in self.service.reconcile()[1]]

    def _all_final(self) -> bool:
        states = (self._facts(file.id).get("state") for file in self.expected.current)
        return all(state in ("ready", "failed") for state in states)

    def _facts(self, id: int | None) -> dict[str, Any]:
        answer = self._get(f"/v1/images/{id}/facts")
        return dict(answer.json()) if answer.ok else {}

    def _file(self, file: Expected) -> list[str]:
        named = self.service.sql(
            "SELECT id, ended_at IS NULL, uploaded_at IS NOT NULL FROM images_image"
            " WHERE filename = %s",
            file.filename,
        )
        there = [(image, uploaded) for image, current, uploaded in named if current]
        problems = [f"{len(named)} records"] if len(named) > 1 else []
        if file.id is not None and file.id not in [row[0] for row in named]:
            problems.append("its record is lost")
        elif file.gone == "sure" or not file.claimed:
            problems += self._gone(file, bool(there))
        elif there:
            problems += self._present(there[0][0], file, uploaded=file.uploaded or there[0][1])
        elif file.uploaded and not file.gone:
            problems.append("it is gone, and nobody did that")
        return [f"{file.filename} ({file.id}): {problem}" for problem in problems]

    def _gone(self, file: Expected, there: bool) -> list[str]:
        problems = ["it was made to go, and is there"] if there and file.claimed else []
        if file.id is not None and self._get(f"/v1/images/{file.id}").status_code != 404:
            problems.append("it was made to go, and is shown")
        if file.deleted and file.url and self._get(file.url).status_code != 404:
            problems.append("it was deleted, and its bytes are there")
        return problems

    def _present(self, id: int, file: Expected, *, uploaded: bool) -> list[str]:
        answer = self._get(f"/v1/images/{id}")
        if not answer.ok:
            return [f"it is not shown: {answer.status_code}"]
        record = answer.json()
        problems = []
        if (record["filename"], record["size"]) != (file.filename, file.size):
            problems.append(f"other fields: {record}")
        rows = self.service.sql(VALUES, id)
        if frozenset(rows) not in file.tag_sets or len(record["tags"]) != len(rows):
            problems.append(f"tags {rows}, not {[sorted(tags) for tags in file.tag_sets]}")
        return problems + (self._bytes(id, record, file) if uploaded else [])

    def _bytes(self, id: int, record: dict[str, Any], file: Expected) -> list[str]:
        if not record["url"]:
            return ["its file is not there by its record"]
        answer = self._get(record["url"])
        if not answer.ok:
            return [f"its bytes are lost: {answer.status_code}"]
        facts = self._facts(id)
        problems = []
        if hashlib.sha256(answer.content).hexdigest() != file.sha256:
            problems.append("other bytes")
        if facts["state"] != "ready" or facts["sha256"] != file.sha256:
            problems.append(f"{facts['state']}: {facts['reason']}, {facts['sha256']}")
        for url in facts["previews"].values():
            if not url or not self._get(url).ok:
                problems.append("a preview is lost")
        return problems

    def _get(self, where: str) -> requests.Response:
        if where.startswith("http"):
            return self.session.get(where, timeout=20)
        return self.session.get(self.service.url + where, headers=self.headers, timeout=20)
