"""A backup of a service that is written to all the time, and its copy that runs beside it."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from taggedimages.backup.tests.places import manage
from taggedimages.engines.tests.conftest import Up, eventually, finish, start, up, without_engines
from taggedimages.factories import make_png

__all__ = ["up"]

WRITERS, BEFORE = 2, 6


class Writers:
    """Clients that send images, tag them, and delete every third; what they were told is done."""

    def __init__(self, up: Up) -> None:
        self.url, self.numbers = f"{up.url}/v1/images", itertools.count(1)
        # By id: the file and the tags of those that stay.
        self.kept: dict[int, tuple[bytes, set[str]]] = {}
        self.deleted: set[int] = set()
        self.stopping = threading.Event()

    def write(self) -> None:
        """Go on until it is to end."""
        with requests.Session() as session:
            while not self.stopping.is_set():
                self._one(session, next(self.numbers))

    def _one(self, session: requests.Session, number: int) -> None:
        body, tag = make_png(10 + number % 50, 9, f"#{number:06x}"), f"tag {number}"
        asked = {"filename": f"{number}.png", "tags": ["all", tag]}
        made = session.post(self.url, json=asked, timeout=30).json()
        sent = requests.put(made["upload_url"], data=body, timeout=30)
        shown = session.get(f"{self.url}/{made['id']}", timeout=30).json()
        if sent.status_code != 200 or not shown["uploaded_timestamp"]:
            return
        if number % 3:
            self.kept[made["id"]] = body, {"all", tag}
        elif session.delete(f"{self.url}/{made['id']}", timeout=30).ok:
            self.deleted.add(made["id"])


@contextmanager
def writing(up: Up) -> Iterator[Writers]:
    """Writers, as long as the context lasts."""
    writers = Writers(up)
    threads = [threading.Thread(target=writers.write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.stopping.set()
        for thread in threads:
            thread.join()


def test_the_copy_has_all_that_was_done_before_and_runs_beside_it(up: Up, tmp_path: Path) -> None:
    env = without_engines() | {"TAGGEDIMAGES_DATA": str(up.data)}
    with writing(up) as writers:
        assert eventually(lambda: len(writers.kept) >= BEFORE and bool(writers.deleted), 90)
        kept, deleted = dict(writers.kept), set(writers.deleted)
        done = manage("backup", tmp_path / "backup", env=env)
        assert done.returncode == 0, done.stderr
    assert len(writers.kept) > len(kept)
    (tmp_path / "copy").mkdir()
    data = tmp_path / "copy" / "data"
    restored = manage("restore", tmp_path / "backup", "--data", data, env=without_engines())
    assert restored.returncode == 0, restored.stdout + restored.stderr
    copy = start(data)
    try:
        assert up.is_ready()
        assert copy.is_ready()
        assert copy.url != up.url
        for image_id, (body, tags) in kept.items():
            shown = requests.get(f"{copy.url}/v1/images/{image_id}", timeout=30).json()
            assert requests.get(shown["url"], timeout=30).content == body
            assert {tag["name"] for tag in shown["tags"]} == tags
        for image_id in deleted:
            assert requests.get(f"{copy.url}/v1/images/{image_id}", timeout=30).status_code == 404
    finally:
        finish(copy)
