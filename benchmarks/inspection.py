"""How fast files are inspected, beside a bare loop that decodes them and renders the same previews.

In a throwaway service, whose worker is halted while files are sent, so that what is timed is its
own. The bare loop is Pillow's or pydicom's in one process: no sandbox, no store, no database.
"""

import io
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import pydicom
import urllib3
from django.db.models import Q
from django.utils import timezone
from PIL import Image as Picture
from PIL import ImageOps

from benchmarks.client import Client
from benchmarks.stamp import Say
from images import storage, uploads
from images.inspection.rendering import QUALITY
from images.inspection.sizes import SIZES
from images.models import Image
from images.querysets import ImageQuerySet
from images.tests.files import dicom, encoded, photo
from taggedimages.engines.tests.conftest import Up
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project, default_project_id

PUTS_AT_ONCE, CLIENTS, SENT_BYTES = 8, 8, 200_000
# Files that nobody announces: as quickly as a client was seen to send 1,200.
UNANNOUNCED_PER_SECOND = 1_200 / 27
# Pages that are asked for between two looks whether inspection still goes on.
PAGES_BETWEEN = 20
BY = Author(None, "benchmarks")
POLL_SECONDS, MOST_SECONDS = 0.05, 900


@dataclass(frozen=True)
class Kind:
    """A kind of file, and how many are made of it, to those of small ones."""

    body: bytes
    share: float
    load: Callable[[bytes], Picture.Image]


def kinds() -> dict[str, Kind]:
    """The files, by what they are called."""
    return {
        "small PNG": Kind(encoded(_noisy(256, 256), "PNG"), 1, _pillow),
        "camera JPEG, 12 MP": Kind(encoded(_noisy(4000, 3000), "JPEG", quality=88), 0.1, _pillow),
        "DICOM, 512 x 512": Kind(_slice(512), 0.5, _pydicom),
        "DICOM, 2048 x 2048": Kind(_slice(2048), 0.1, _pydicom),
    }


def measure(up: Up, files: int, unannounced: int, seconds: float, say: Say) -> dict[str, Any]:
    """All figures; `files` is how many small ones are inspected, `unannounced` how many are sent
    without a word."""
    Project.objects.get_or_create(pk=default_project_id())
    found: dict[str, Any] = {"processors": psutil.cpu_count(), "kinds": {}}
    every = kinds()
    for name, kind in every.items():
        number = max(2, round(files * kind.share))
        rates = {"bare": _bare(kind, seconds)}
        for way, is_told in (("completed", True), ("unannounced", False)):
            rates[way] = _inspected(up, kind.body, number, is_told)
        found["kinds"][name] = {key: round(rate, 2) for key, rate in rates.items()}
        say(f"{name}: {found['kinds'][name]} a second")
    found["sent"] = _sent(up, seconds)
    say(f"record, PUT and complete: {found['sent']}")
    small = next(iter(every.values())).body
    found["pages"] = _pages_beside(up, small, files, seconds)
    say(f"pages beside inspection, p99: {found['pages']}")
    found["first"] = _first(up, unannounced)
    say(f"{unannounced} files that nobody announces: {found['first']}")
    return found


def _noisy(width: int, height: int) -> Picture.Image:
    """Soft shapes with the noise of a camera."""
    noise = np.random.default_rng(1).integers(-12, 12, (height, width, 3))
    pixels = np.asarray(photo(width, height), np.int16) + noise
    return Picture.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _slice(side: int) -> bytes:
    pixels = np.asarray(_noisy(side, side).convert("L"), np.uint16) * 4
    return dicom(pixels)


def _pillow(body: bytes) -> Picture.Image:
    picture = Picture.open(io.BytesIO(body))
    picture.draft("RGB", (max(side for side, _ in SIZES.values()),) * 2)
    return picture.convert("RGB")


def _pydicom(body: bytes) -> Picture.Image:
    pixels = pydicom.dcmread(io.BytesIO(body)).pixel_array
    scale = 255 / max(1, int(pixels.max()))
    return Picture.fromarray((pixels * scale).astype(np.uint8)).convert("RGB")


def _bare(kind: Kind, seconds: float) -> float:
    """Files a second of a loop that decodes, and renders what is kept; by the processor's time."""
    done, began, until = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < until or not done:
        picture = kind.load(kind.body)
        picture.thumbnail((max(side for side, _ in SIZES.values()),) * 2, reducing_gap=2.0)
        for side, fills in SIZES.values():
            square = (min(side, *picture.size),) * 2
            rendered = ImageOps.fit(picture, square) if fills else picture
            rendered.save(io.BytesIO(), "WEBP", quality=QUALITY, method=1)
        done += 1
    return done / (time.process_time() - began)


@contextmanager
def _halted(up: Up) -> Iterator[None]:
    """The worker stands still meanwhile."""
    _wait(lambda: not _due().exists())
    workers = [p for of in up.part("work") for p in (of, *of.children(recursive=True))]
    _signal(workers, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(workers, signal.SIGCONT)


def _signal(processes: list[psutil.Process], number: int) -> None:
    for each in processes:
        each.send_signal(number)


def _due() -> Any:
    return Image.objects.filter(check_at__lte=timezone.now())


def _inspected(up: Up, body: bytes, number: int, is_told: bool) -> float:
    """Files a second that the worker inspects, from the first that is ready to the last."""
    with _halted(up):
        ready = _arrived(body, number, is_told)
    _wait(lambda: ready.count() == number)
    times = sorted(filter(None, ready.values_list("processed_at", flat=True)))
    return (number - 1) / (times[-1] - times[0]).total_seconds()


def _arrived(body: bytes, number: int, is_told: bool) -> ImageQuerySet:
    """Have so many files come; those of them that have been inspected by the time one asks."""
    made = [uploads.begin("file", len(body), BY) for _ in range(number)]
    with ThreadPoolExecutor(PUTS_AT_ONCE) as threads:
        list(threads.map(lambda image: storage.put(image.key, body), made))
    if is_told:
        for image in made:
            uploads.confirm(image)
    return Image.objects.filter(pk__in=[image.pk for image in made], processed_at__isnull=False)


def _pages_beside(up: Up, body: bytes, number: int, seconds: float) -> dict[str, float]:
    """The p99 of pages of 100, in milliseconds, that one client asks for while the worker stands
    still, and while it inspects."""
    with _halted(up):
        ready, until = _arrived(body, number, is_told=True), time.monotonic() + seconds
        alone = _pages(up, lambda: time.monotonic() < until)
    return {"alone": alone, "beside": _pages(up, lambda: ready.count() < number)}


def _pages(up: Up, lasts: Callable[[], bool]) -> float:
    taken: list[float] = []
    with closing(Client(up.url)) as client:
        while lasts() or not taken:
            for _ in range(PAGES_BETWEEN):
                began = time.perf_counter()
                assert client.ask("/v1/images?limit=100").status == 200
                taken.append((time.perf_counter() - began) * 1000)
    return round(sorted(taken)[int(len(taken) * 0.99)], 2)


def _sent(up: Up, seconds: float) -> dict[str, Any]:
    """Files a second that clients send: record, PUT of 200 KB, and `complete`, worker and all."""
    body = _noisy(256, 256).tobytes()[:SENT_BYTES].ljust(SENT_BYTES, b"\0")
    until = time.monotonic() + seconds
    errors: list[int] = []

    def send(_: int) -> int:
        done = 0
        with closing(Client(up.url)) as client, urllib3.PoolManager() as store:
            while time.monotonic() < until:
                made = client.ask("/v1/images", "POST", {"filename": "sun.png", "size": len(body)})
                if made.status != 201:
                    errors.append(made.status)
                    continue
                put = store.request("PUT", made.json()["upload_url"], body=body)
                told = client.ask(f"/v1/images/{made.json()['id']}/complete", "POST")
                if (put.status, told.status) != (200, 200):
                    errors.append(told.status)
                    continue
                done += 1
        return done

    with ThreadPoolExecutor(CLIENTS) as clients:
        done = sum(clients.map(send, range(CLIENTS)))
    return {"clients": CLIENTS, "per_second": round(done / seconds, 1), "errors": len(errors)}


def _first(up: Up, unannounced: int) -> dict[str, float]:
    """Of files that are sent and not announced: seconds from the first that was sent until one is
    ready, and how many are when all are sent."""
    _wait(lambda: not Image.objects.filter(~Q(uploaded_at=None), processed_at=None).exists())
    body = encoded(photo(), "PNG")
    made = [uploads.begin("file", len(body), BY) for _ in range(unannounced)]
    ready = Image.objects.filter(pk__in=[image.pk for image in made], processed_at__isnull=False)
    began = timezone.now()

    def send(number: int) -> None:
        at = number / UNANNOUNCED_PER_SECOND
        time.sleep(max(0, at - (timezone.now() - began).total_seconds()))
        storage.put(made[number].key, body)

    with ThreadPoolExecutor(PUTS_AT_ONCE) as threads:
        list(threads.map(send, range(unannounced)))
    sent = ready.count()
    _wait(lambda: ready.count() == unannounced)
    times = sorted(filter(None, ready.values_list("processed_at", flat=True)))
    return {
        "first_seconds": round((times[0] - began).total_seconds(), 2),
        "ready_when_sent": sent,
        "last_seconds": round((times[-1] - began).total_seconds(), 2),
    }


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + MOST_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("The worker does not come to an end.")
        time.sleep(POLL_SECONDS)
