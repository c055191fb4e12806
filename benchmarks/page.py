"""Measures where the time of a page goes, in this process: the service's code, part by part."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pkgutil import resolve_name
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from benchmarks import inside
from images import storage
from images.storage import client

# What each part is: functions as their callers know them. What they call belongs to them, unless
# it is a part itself.
PARTS = {
    "authentication": (
        "rest_framework.views.APIView.perform_authentication",
        "rest_framework.views.APIView.check_permissions",
    ),
    "plan": ("search.results.resolve", "search.results.choose"),
    "total": ("search.executor.counts.count",),
    "page of records": (
        "search.executor.pages.page",
        "search.executor.fetch.fetch",
        "search.executor.fetch.fetch_page",
        "search.executor.fetch.fetch_page_with_count",
    ),
    "names": ("tags.name_cache.named",),
    "presigned links": ("images.storage.sign_reads", "images.storage.sigv4.UrlSigner.sign"),
    "JSON": ("taggedimages.http.renderers.FastJSONRenderer.render",),
    "rest of the view": ("rest_framework.views.APIView.dispatch",),
}
OUTSIDE = "URLs, middleware"
WARM_UP, REQUESTS = 10, 100
LINKS = 100
KEY = "archive/2026/01/02/03-04-7f3f4a0e-6a6f-4f6e-9d8f-0b9f3c1d2e3f/IMG_{:06}.jpg"


class Profile:
    """How long each part took, without the parts that it called."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Count the time within for a part, in milliseconds."""
        began = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            took = (time.perf_counter() - began) * 1000
            self.taken[part] += took - self._inner.pop()
            if self._inner:
                self._inner[-1] += took

    def watched(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time counts for a part."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.timing(part):
                return function(*args, **kwargs)

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """All parts are timed meanwhile, wherever they are called."""
        with ExitStack() as stack:
            for part, functions in PARTS.items():
                for function in functions:
                    owner, _, name = function.rpartition(".")
                    place = resolve_name(owner)
                    stack.callback(setattr, place, name, getattr(place, name))
                    setattr(place, name, self.watched(part, getattr(place, name)))
            yield


def measure(requests: int = REQUESTS) -> dict[str, Any]:
    """Profiles of three pages of 100 records, and what signing their links costs."""
    with inside.served():
        pages = {path: profile(path, requests) for path in paths()}
    return {"pages": pages, "presigning": presigning()}


def paths() -> list[str]:
    """All images, those with the commonest tag, and those with the two commonest."""
    tags = inside.common_tags(2, fewest=2)
    both = urlencode({"exact_tags": "|".join(tags)})
    return [
        "/v1/images",
        f"/v1/tags/{next(iter(tags.values()))}/images",
        f"/v1/search/images?{both}",
    ]


def profile(path: str, requests: int) -> dict[str, Any]:
    """Medians of a page's parts and of the whole, in milliseconds, warm."""
    ask = _asking(path)
    for _ in range(WARM_UP):
        ask()
    taken = defaultdict(list)
    for _ in range(requests):
        watch = Profile()
        with watch.watching(), watch.timing(OUTSIDE):
            ask()
        for part in [OUTSIDE, *PARTS]:
            taken[part].append(watch.taken[part])
        taken["whole"].append(sum(watch.taken.values()))
    medians = {part: round(statistics.median(times), 3) for part, times in taken.items()}
    return {"whole": medians.pop("whole"), "parts": medians}


def presigning() -> dict[str, float]:
    """Median milliseconds for the links of a page, by the service and by boto3."""
    keys = [KEY.format(number) for number in range(LINKS)]
    boto3 = client.public()

    def ours() -> None:
        sign = storage.sign_reads()
        for key in keys:
            sign(key, "image/jpeg", "inline", "IMG.jpg", is_bare=True)

    def theirs() -> None:
        for key in keys:
            wanted = {
                "Bucket": settings.S3_BUCKET,
                "Key": key,
                "ResponseContentType": "image/jpeg",
                "ResponseContentDisposition": "inline; filename*=UTF-8''IMG.jpg",
            }
            boto3.generate_presigned_url("get_object", wanted, settings.PRESIGNED_SECONDS)

    return {"links": LINKS, "service": _median(ours, 100), "boto3": _median(theirs, 5)}


def _median(work: Callable[[], None], times: int) -> float:
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)


def _asking(path: str) -> Callable[[], None]:
    handler, requests = WSGIHandler(), RequestFactory(SERVER_NAME="localhost")

    def ask() -> None:
        said: list[str] = []

        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            said.append(status)
            return lambda body: None

        with closing(handler(requests.get(path).environ, start)) as answer:
            body = b"".join(answer)
        if not said[0].startswith("200"):
            raise RuntimeError(f"{path}: {said[0]}: {body[:300]!r}")

    return ask
