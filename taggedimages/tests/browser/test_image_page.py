"""The page of one image in Chromium: looked at closely, tagged, taken back, walked, without scripts
too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from images import inspection_jobs
from images.models import Image
from images.tests.files import dicom, encoded, photo
from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.identity.models import User
from tags import tag_sets, tagging, vocabulary
from tags.models import ImageTag, Tag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = timezone.now()


@pytest.fixture
def large(who: User, settings: Any, environment: dict[str, str]) -> Image:
    """A picture that is larger than its largest preview, inspected."""
    settings.S3_ENDPOINT_URL = environment["AWS_ENDPOINT_URL_S3"]
    return inspected(encoded(photo(2400, 1800), "JPEG"), "knee", by=who, filename="large.jpg")


def inspected(body: bytes, *tags: str, **fields: Any) -> Image:
    image = make_image(*tags, body=body, **fields)
    inspection_jobs.inspect(image)
    return image


def page_of(image: Image, **asked: Any) -> str:
    return reverse("admin:images_image_change", args=[image.pk], query=asked or None)


def tags_of(image: Image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def scale(page: Any) -> float:
    return float(page.evaluate("new DOMMatrix(getComputedStyle(sheet).transform).a"))


def place(page: Any) -> tuple[float, float]:
    there = "(({e, f}) => [e, f])(new DOMMatrix(getComputedStyle(sheet).transform))"
    x, y = page.evaluate(there)
    return x, y


def until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way asks for a policy that lets texts be run."""
    page.wait_for_load_state()
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def said(page: Any, text: str) -> None:
    page.locator("#says", has_text=text).wait_for()


def test_a_picture_is_zoomed_by_keys_and_click_and_moved(
    signed_in: Callable[..., Any], who: User, large: Image
) -> None:
    page = signed_in(who)
    page.goto(page_of(large))
    until(page, "shown.complete && shown.naturalWidth === 1920")
    assert scale(page) == 1
    page.keyboard.press("+")
    assert scale(page) == 1.5
    # The file itself comes now.
    until(page, "shown.naturalWidth === 2400")
    page.keyboard.press("-")
    assert scale(page) == 1
    page.locator("#stage").click()
    full = page.evaluate("2400 / shown.offsetWidth")
    assert scale(page) == pytest.approx(full)
    assert page.locator("#zoomed").text_content() == "100 %"
    page.locator("#stage").focus()
    before = place(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert place(page) == pytest.approx((before[0] - 80, before[1] - 80), abs=0.1)
    box = page.locator("#stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=3)
    page.mouse.up()
    assert place(page) == pytest.approx((before[0] - 50, before[1] - 60), abs=0.1)
    assert scale(page) == pytest.approx(full)
    page.keyboard.press("0")
    assert (scale(page), place(page)) == (1, (0, 0))
    page.get_by_role("button", name="Full size").click()
    assert scale(page) == pytest.approx(full)
    page.get_by_role("combobox", name="Add tags").press("-")
    assert scale(page) == pytest.approx(full)


def test_tags_are_added_removed_and_valued_on_the_page(
    signed_in: Callable[..., Any], who: User, large: Image
) -> None:
    page = signed_in(who)
    page.goto(page_of(large))
    page.evaluate("window.stayed = true")
    page.keyboard.press("t")
    page.keyboard.insert_text("left, fresh; odd | name")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator("#tag-box .chip").count() == 0
    said(page, "Tagged 1 image")
    chips = page.locator("#held .chips .chip a")
    page.locator("#held .chip", has_text="fresh").wait_for()
    assert chips.all_text_contents() == ["knee", "left", "fresh", "odd", "name"]
    page.get_by_role("button", name="Remove odd").press("Enter")
    page.locator("#held .chip", has_text="odd").wait_for(state="detached")
    # The focus is on the next one, not lost.
    assert page.evaluate("document.activeElement.closest('li')?.dataset.tag") is not None
    page.locator("summary", has_text="Values").click()
    page.get_by_label("left", exact=True).fill("3")
    page.get_by_label("left", exact=True).press("Enter")
    page.locator("#held .chip .value", has_text="= 3").wait_for()
    assert tags_of(large) == {"knee": "", "left": "3", "fresh": "", "name": ""}
    assert page.locator("details.values").get_attribute("open") is not None
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("u")
    page.locator("#held .chip .value").wait_for(state="detached")
    assert tags_of(large)["left"] == ""
    assert page.evaluate("window.stayed")


def test_a_line_is_taken_back_and_the_history_says_so(
    signed_in: Callable[..., Any], who: User, large: Image, faults: list[str]
) -> None:
    page = signed_in(who)
    page.goto(page_of(large))
    page.get_by_role("button", name="Take back: added knee").click()
    said(page, "Took off 1 image: knee.")
    page.locator("#history", has_text="Removed").wait_for()
    assert tags_of(large) == {}
    tagging.tag(large, ["knee"], TESTS)
    page.get_by_role("button", name="Take back: removed knee").click()
    said(page, "The image has “knee” again")
    assert tags_of(large) == {"knee": ""}
    # A refusal is an answer of 4xx, which the browser puts down.
    assert all("409" in fault for fault in faults)
    faults.clear()


def test_a_set_is_given_by_its_key_and_the_search_walked_by_n_and_p(
    signed_in: Callable[..., Any], who: User, large: Image
) -> None:
    tag_sets.write(who, {3: ["left", "reviewed"]})
    other = make_image("knee", by=who, created_at=large.created_at - timedelta(minutes=1))
    page = signed_in(who)
    page.goto(page_of(large, **{"from": "exact_tags=knee", "at": 0}))
    page.keyboard.press("3")
    page.locator("#held .chip", has_text="reviewed").wait_for()
    page.keyboard.press("n")
    page.wait_for_url(f"**{page_of(other)}**")
    assert page.locator("h1").text_content() == other.filename
    page.keyboard.press("3")
    page.locator("#held .chip", has_text="reviewed").wait_for()
    page.keyboard.press("p")
    page.wait_for_url(f"**{page_of(large)}**")
    assert tags_of(large) == tags_of(other) == {"knee": "", "left": "", "reviewed": ""}


def test_the_tags_of_a_copy_are_taken(
    signed_in: Callable[..., Any], who: User, large: Image
) -> None:
    body = encoded(photo(2400, 1800), "JPEG")
    copy = inspected(body, "left", by=who, filename="copy.jpg")
    page = signed_in(who)
    page.goto(page_of(large))
    assert page.locator("#alike .card").count() == 1
    page.get_by_role("button", name="Take the tags of copy.jpg").click()
    page.locator("#held .chip", has_text="left").wait_for()
    assert tags_of(large) == {"knee": "", "left": ""}
    assert tags_of(copy) == {"left": ""}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    signed_in: Callable[..., Any],
    axe: Callable[[Any], None],
    who: User,
    large: Image,
    scheme: str,
) -> None:
    tagging.set_values(large, {"left": "3"}, TESTS)
    vocabulary.imply(Tag.objects.get(name="knee"), [make_tag("joint")], TESTS)
    tagging.untag_named(large, {"left": None}, TESTS)
    inspected(encoded(photo(2400, 1800), "JPEG"), "left", by=who)
    ended = inspected(dicom(), by=who, created_at=NOW - timedelta(days=1), ended_at=NOW)
    waiting = make_image("knee", by=who, uploaded_at=None)
    page = signed_in(who, color_scheme=scheme)
    for image in (large, ended, waiting):
        page.goto(page_of(image, **{"from": "", "at": 1}))
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        axe(page)


def test_without_scripts_forms_do_all_of_it(
    signed_in: Callable[..., Any], who: User, large: Image
) -> None:
    page = signed_in(who, java_script_enabled=False)
    page.goto(page_of(large, **{"from": "", "at": 0}))
    assert not page.locator("#zoom").is_visible()
    assert page.get_by_role("link", name="Open the file").is_visible()
    page.get_by_label("Add tags").fill("left\nright")
    page.get_by_role("button", name="Add", exact=True).click()
    assert "at=0" in page.url
    page.get_by_role("button", name="Remove right").click()
    page.locator("summary", has_text="Values").click()
    page.get_by_label("left", exact=True).fill("3")
    page.get_by_role("button", name="Set the value of left").click()
    assert tags_of(large) == {"knee": "", "left": "3"}
    page.get_by_role("button", name="Take back: set the value of left to 3").click()
    assert tags_of(large) == {"knee": "", "left": ""}
    assert page.locator(".messagelist").is_visible()
