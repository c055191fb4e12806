"""Screenshots of the curator's pages, of a service that has generated radiographs.

Each is a PNG with a palette, small enough for a repository. docs/curating.md shows them.
"""

import io
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from benchmarks import radiographs
from images.models import Image
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import lifecycle, operations
from taggedimages.changes.models import Change, State
from taggedimages.identity import credentials
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User
from taggedimages.management.commands.demo import add
from taggedimages.tests.browser.conftest import found_chromium, launched, signed_in_to
from tags import curation, tagging
from tags.cleanup import sweep
from tags.models import Tag

PICTURES, SEED, WAIT_SECONDS = 240, 3, 120
WINDOW = {"width": 1280, "height": 1000}
WITHOUT_SIDEBAR = "localStorage.setItem('django.admin.navSidebarIsOpen', 'false')"
COLOURS, MAX_BYTES = 160, 200_000
GRID = "/admin/images/image/?view=grid"
# Of the vocabulary, with colours as curators give them.
TAG_COLOURS = {
    "knee": "#1976d2",
    "hand": "#388e3c",
    "chest": "#7b1fa2",
    "fracture": "#d32f2f",
    "implant": "#f57c00",
    "reviewed": "#00897b",
}
# For the clean-up list: names that nobody meant, and on how many images each is.
PLANTED = {
    "X-ray": 40,
    "x ray": 12,
    "left-knee": 9,
    "check-implant": 4,
    "fractures": 7,
    "osteoarthritus": 3,
    "Röntgen": 5,
    "Rontgen": 2,
    "no implant": 16,
    "to do": 0,
}


class TooLarge(Exception):
    """A screenshot would be a burden to the repository."""


def take(base: str, folder: Path, say: Callable[[str], None], only: Collection[str]) -> None:
    """Fill the service at `base`, and write a file for each page of SHOTS (or `only` of these)."""
    chromium = found_chromium()
    if chromium is None:
        raise SystemExit("No Chromium is installed.")
    curator = filled(say)
    folder.mkdir(parents=True, exist_ok=True)
    with launched(chromium) as browser:
        window = signed_in_to(browser, base, curator, viewport=WINDOW)
        window.add_init_script(WITHOUT_SIDEBAR)
        page = window.new_page()
        for name, visit in SHOTS.items():
            if only and name not in only:
                continue
            visit(page)
            page.wait_for_load_state("networkidle")
            file = folder / f"{name}.png"
            file.write_bytes(small(page.screenshot()))
            say(f"{file}: {file.stat().st_size // 1000} KB")


def small(png: bytes) -> bytes:
    """The same picture with few colours. Raises TooLarge."""
    picture = Picture.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    if buffer.tell() > MAX_BYTES:
        raise TooLarge(f"{buffer.tell()} bytes")
    return buffer.getvalue()


def filled(say: Callable[[str], None]) -> User:
    """A curator, pictures with tags, and changes that came to different ends."""
    credentials.issue("curator", staff=True)
    User.objects.filter(username="curator").update(is_superuser=True)
    curator = User.objects.get(username="curator")
    author = Author(curator, ADMIN)
    for picture in radiographs.generate(PICTURES, SEED):
        add(picture, author)
    say("The worker looks at the pictures.")
    wait(lambda: not Image.objects.filter(processed_at=None).exists())
    for name, colour in TAG_COLOURS.items():
        Tag.objects.filter(name=name).update(color=colour)
    images = list(Image.objects.order_by("pk"))
    for name, count in PLANTED.items():
        tag = curation.create(name, author)
        tagging.tag_each(images[:count], [tag], author)
    for given, query in {
        "adult": Query(exact_tags=("knee",)),
        "left knee": Query(exact_tags=("knee", "left")),
        "check implant": Query(exact_tags=("implant",)),
    }.items():
        apply(proposed({"add": [given]}, query, author), author)
    apply(lifecycle.undo(Change.objects.latest("pk"), author), author)
    proposed({"add": ["trauma"], "remove": ["reviewed"]}, Query(exact_tags=("fracture",)), author)
    sweep.run()
    return curator


def proposed(operation: dict[str, Any], query: Query, by: Author) -> Change:
    viewer = Viewer(audiences=None, project=None)
    return lifecycle.propose(operations.proposed(operation, viewer), query, by)


def apply(change: Change, by: Author) -> None:
    lifecycle.apply(change.pk, change.digest, by)
    wait(Change.objects.filter(pk=change.pk, state=State.APPLIED).exists)


def wait(condition: Callable[[], bool]) -> None:
    """Until it holds. Raises TimeoutError."""
    until = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("The worker is not done in time.")
        time.sleep(0.2)


def home(page: Any) -> None:
    page.goto("/admin/")


def grid(page: Any) -> None:
    page.goto(f"{GRID}&q=exact_tags%3Dleft")
    for box in page.locator("#grid .cell input[type=checkbox]").all()[:3]:
        box.check()


def image(page: Any) -> None:
    page.goto(f"{GRID}&q=exact_tags%3Dfracture")
    page.locator("#grid a.caption").nth(2).click()


def plan(page: Any) -> None:
    latest = Change.objects.filter(state=State.PLANNED).latest("pk")
    page.goto(f"/admin/changes/change/{latest.pk}/change/")


def changes(page: Any) -> None:
    page.goto("/admin/changes/change/")


def cleanup(page: Any) -> None:
    page.goto("/admin/tags/finding/")


def vocabulary(page: Any) -> None:
    page.goto("/admin/tags/tag/")


SHOTS: dict[str, Callable[[Any], None]] = {
    "home": home,
    "grid": grid,
    "image": image,
    "plan": plan,
    "changes": changes,
    "cleanup": cleanup,
    "tags": vocabulary,
}
