"""The grid and the list of images in Chromium: pictures really come from the store, what is ticked
is kept and acted on, with scripts and without."""

from collections.abc import Callable
from typing import Any

import pytest

from images.models import Image
from taggedimages.changes import sets
from taggedimages.changes.models import Change
from taggedimages.factories import make_user
from taggedimages.identity.models import User
from taggedimages.tests.admin_pages import make_inspected

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
IMAGES = "/admin/images/image/"
# Whether all pictures of a page have come, lazy ones too.
LOADED = """() => {
    const pictures = [...document.querySelectorAll("label.preview img")];
    pictures.forEach((one) => one.scrollIntoView());
    return pictures.length > 0 && pictures.every((one) => one.complete && one.naturalWidth > 0);
}"""


@pytest.fixture
def boss() -> User:
    user = make_user("boss", project_id="lab", staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def images(boss: User) -> list[int]:
    """Three pictures, the newest first."""
    made = [make_inspected(f"{n}.png", ["knee", f"t{n}"], boss) for n in range(3)]
    return [image.pk for image in made[::-1]]


@pytest.mark.parametrize("view", ["grid", "list"])
def test_pictures_come_from_the_store_and_tags_are_counted_beside(
    signed_in: Callable[..., Any],
    boss: User,
    images: list[int],
    axe: Callable[[Any], None],
    view: str,
) -> None:
    page = signed_in(boss)
    page.goto(f"{IMAGES}?view={view}&q=exact_tags%3Dknee")
    page.wait_for_function(LOADED)
    assert page.locator("label.preview img").count() == 3
    page.wait_for_selector("#facets .facets")
    assert page.locator("#facets .count").all_inner_texts() == ["3", "1", "1", "1"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        axe(page)
    page.click("a[aria-label='Without: tagged knee']")
    page.wait_for_url(f"**{IMAGES}")
    assert page.input_value("#searchbar") == ""


def test_a_click_on_a_picture_selects_it_and_the_caption_opens_it(
    signed_in: Callable[..., Any], boss: User, images: list[int]
) -> None:
    page = signed_in(boss)
    page.goto(f"{IMAGES}?view=grid&q=exact_tags%3Dknee")
    page.click(f"label[for=select-{images[1]}]")
    assert page.is_checked(f"#select-{images[1]}")
    assert "/change/" not in page.url
    page.click(f"#caption-{images[1]}")
    page.wait_for_url(f"**{IMAGES}{images[1]}/change/?*at=1")
    page.go_back()
    page.wait_for_selector(f"#select-{images[1]}:checked")


def test_without_scripts_forms_do_all_of_it(
    signed_in: Callable[..., Any], boss: User, images: list[int]
) -> None:
    page = signed_in(boss, java_script_enabled=False)
    page.goto(f"{IMAGES}?view=grid&q=exact_tags%3Dt0")
    page.check(f"#select-{images[2]}")
    page.click("#keep-selection")
    assert page.inner_text("#selected-count") == "1 selected"
    # Another search: one more picture, and what was kept is acted on as well.
    page.fill("#searchbar", "exact_tags=t1")
    page.press("#searchbar", "Enter")
    page.check(f"#select-{images[1]}")
    page.fill("#id_tags", "left")
    page.click("#plan")
    page.wait_for_url("**/admin/changes/change/*/change/")
    change = Change.objects.get()
    assert sets.ids_after(change.pk, 0, 9) == sorted(images[1:])
    page.goto(f"{IMAGES}?selected=1")
    assert page.locator(".cell").count() == 2
    assert Image.objects.filter(tags__name="left").count() == 0


def test_without_scripts_the_tags_of_what_was_found_are_a_link_away(
    signed_in: Callable[..., Any], boss: User, images: list[int]
) -> None:
    page = signed_in(boss, java_script_enabled=False)
    page.goto(f"{IMAGES}?view=grid")
    page.click("#facets a")
    page.click("a[aria-label='Without t1']")
    assert page.input_value("#searchbar") == "not_tags=t1"
    assert page.locator(".cell").count() == 2
    assert page.inner_text("#found") == "2"
