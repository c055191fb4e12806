"""A whole search is tagged with its plan, stopped, resumed and undone, in a browser."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from PIL import Image as Picture

from images import previews
from images.models import Facts, Image
from search.query import Query
from taggedimages.changes import lifecycle, operations, rights
from taggedimages.changes.models import Change, State
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User
from tags import history, tagging
from tags.models import ImageTag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# More than a batch, and more than one applies without typing their number.
IMAGES = 1_200
# In the second batch.
HELD = 1_100


@pytest.fixture
def boss() -> User:
    user = make_user("boss", project_id="lab", staff=True)
    user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def knees(boss: User, environment: dict[str, str], settings: Any) -> list[int]:
    """Ids of images with a knee; what a sample shows of them has previews."""
    settings.S3_ENDPOINT_URL = environment["AWS_ENDPOINT_URL_S3"]
    ids = many_images("knee", "left", by=boss)
    for place in range(24):
        give_preview(Image.objects.get(pk=ids[place * IMAGES // 24]), place)
    return ids


def many_images(*tags: str, by: User) -> list[int]:
    """IMAGES images with these tags, by a few statements."""
    first = make_image(*tags, by=by)
    created = [timezone.now() - timedelta(seconds=number) for number in range(IMAGES)]
    with transaction.atomic(), history.signed(TESTS):
        others = Image.objects.bulk_create(
            Image(
                filename=f"knee {number}.png",
                size=1_000,
                key=f"archive/knee-{number}",
                created_by=by,
                project=first.project,
                created_at=created[number],
                uploaded_at=created[number],
            )
            for number in range(1, IMAGES)
        )
        given = ImageTag.objects.filter(image=first).values_list("tag", flat=True)
        links = [ImageTag(image=image, tag_id=tag) for image in others for tag in given]
        ImageTag.objects.bulk_create(links)
    return sorted([first.pk, *(image.pk for image in others)])


def give_preview(image: Image, number: int) -> None:
    """A preview of one colour."""
    file = io.BytesIO()
    Picture.new("RGB", (100, 100), f"hsl({number * 15}, 60%, 60%)").save(file, "WEBP")
    previews.store(image, dict.fromkeys(("mini", "large", "full"), file.getvalue()))
    Facts.objects.update_or_create(image=image, defaults={"has_previews": True, "format": "png"})


def plan(by: User, **given: Any) -> Change:
    author = Author(by, ADMIN)
    operation = operations.proposed(given, rights.viewer_of(author))
    query = Query(exact_tags=("knee",), aliased=True)
    return lifecycle.propose(operation, query, author, asked={"exact_tags": ["knee"]})


def seen() -> int:
    return ImageTag.objects.filter(tag__name="seen").count()


SHOWN = """() => Promise.all([...document.querySelectorAll(".cards img")].map(image => {
    image.loading = "eager";
    return image.decode().then(() => 1, () => 0);
}))"""


def shown_pictures(page: Any) -> int:
    """How many pictures of the page can be shown, also those that are not in sight yet."""
    return sum(page.evaluate(SHOWN))


def test_a_whole_search_is_tagged_stopped_resumed_and_undone(
    signed_in: Callable[..., Any],
    boss: User,
    knees: list[int],
    axe: Callable[[Any], None],
) -> None:
    change = plan(boss, add=["seen"], remove=["left"])
    page = signed_in(boss)
    page.goto("/admin/changes/change/")
    page.get_by_role("link", name=str(change.pk), exact=True).click()

    # The plan: how many, which, and what would become of some.
    assert page.locator(".how-many").inner_text() == "1,200 images"
    assert "with the tag “knee”" in page.locator(".conditions").inner_text()
    assert shown_pictures(page) == 24
    assert page.get_by_text("+ seen").count() == 24
    axe(page)

    # One image is taken out.
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Take the ticked").click()
    assert page.locator(".how-many").inner_text() == "1,199 images"
    assert "1 image taken out" in page.locator(".messagelist").inner_text()

    # A wrong number is told, and does nothing.
    page.get_by_label("Type 1,199").fill("1200")
    page.get_by_role("button", name="Apply to").click()
    assert "You typed “1200”" in page.locator(".messagelist").inner_text()
    change.refresh_from_db()
    assert change.state == State.PLANNED

    # Somebody holds an image of the second batch meanwhile, so that it is stopped amid it.
    with transaction.atomic():
        Image.objects.select_for_update().get(pk=knees[HELD])
        page.get_by_label("Type 1,199").fill("1,199")
        page.get_by_role("button", name="Apply to").click()
        # The page counts by itself.
        page.get_by_text("1,000 of 1,199 images").first.wait_for()
        assert page.get_by_role("progressbar").get_attribute("value") == "1000"
        axe(page)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("What is done stays").wait_for()
    assert seen() == 1_000
    axe(page)

    page.get_by_role("button", name="Go on").click()
    # The page finds out by itself that it is over.
    page.locator(".state.good").wait_for()
    assert seen() == 1_199
    page.get_by_role("link", name="1,199 images").click()
    assert page.locator(".card").count() == 60
    axe(page)
    page.get_by_role("link", name="Next page").click()
    assert page.locator(".card").count() == 60
    page.go_back()
    page.go_back()

    page.get_by_role("button", name="Undo").click()
    assert f"Take back change {change.pk}" in page.locator(".does").inner_text()
    page.get_by_label("Type 1,199").fill("1199")
    page.get_by_role("button", name="Apply to").click()
    page.locator(".state.good").wait_for()
    assert seen() == 0
    assert ImageTag.objects.filter(tag__name="left").count() == IMAGES
    page.goto("/admin/changes/change/")
    axe(page)


def test_it_all_works_without_scripts(signed_in: Callable[..., Any], boss: User) -> None:
    for _ in range(3):
        make_image("knee", by=boss)
    change = plan(boss, add=["seen"])
    page = signed_in(boss, java_script_enabled=False)
    page.goto(f"/admin/changes/change/{change.pk}/change/")
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name="Take the ticked").click()
    page.get_by_role("button", name="Apply to 2 images").click()
    until = 100
    while until and not page.locator(".state.good").count():
        page.wait_for_timeout(200)
        page.get_by_role("link", name="Look again").click()
        until -= 1
    assert seen() == 2


def test_what_comes_to_match_is_left_alone_and_told(
    signed_in: Callable[..., Any], boss: User
) -> None:
    image, _ = make_image("knee", by=boss), make_image("knee", by=boss)
    change = plan(boss, add=["seen"])
    make_image("knee", by=boss)
    tagging.untag_named(image, {"knee": None}, TESTS)
    page = signed_in(boss, color_scheme="dark")
    page.goto(f"/admin/changes/change/{change.pk}/change/")
    page.get_by_role("button", name=re.compile("Apply to 2 images")).click()
    page.locator(".state.good").wait_for()
    said = page.locator(".outcomes").inner_text()
    assert "1 image changed" in said
    assert "1 image left alone: somebody else changed them since" in said
    assert "1 image matches since it was planned" in said
