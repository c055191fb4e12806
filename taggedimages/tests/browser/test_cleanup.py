"""The clean-up list in a browser: a row opens its plan, and what is no problem stays away."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taggedimages.engines.tests.conftest import eventually
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.models import User
from taggedimages.tests.admin_pages import make_inspected
from tags import vocabulary
from tags.cleanup import asking, sweep
from tags.cleanup.models import CleanupSweep, Finding, SetAside
from tags.models import Tag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/tags/finding/"


@pytest.fixture
def boss() -> User:
    user = make_user("boss", project_id="lab", staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def vocabulary_of_all_kinds(boss: User) -> None:
    """Rows of every kind, some with pictures."""
    for name in ("knees", "knee", "knee"):
        make_inspected(f"{name}.png", [name], boss)
    for name in ("left-hand", "left hand", "left hand", "Toe", "toe", "toe", "hips", "hip", "hip"):
        make_image(name, by=boss)
    for name in ("anteroir view", *["anterior view"] * 3, "cafe", "café", "café", "genu"):
        make_image(name, by=boss)
    make_image("fracture", "no fracture", by=boss)
    make_inspected("once.png", ["fabella"], boss)
    make_tag("sesamoid")
    vocabulary.alias(Tag.objects.get(name="genu"), Tag.objects.get(name="knee"), TESTS)
    look()


def look() -> None:
    """A look through all of the vocabulary. A worker beside may be at it: then it looks again."""
    if not sweep.run():
        assert eventually(lambda: is_looked_through(CleanupSweep.objects.get()))


def is_looked_through(state: CleanupSweep) -> bool:
    """Whether nobody is at it, or has asked since it was begun."""
    return state.ended_at is not None and not asking.is_waiting(state)


def test_a_row_opens_its_plan_and_what_is_no_problem_stays_away(
    signed_in: Callable[..., Any],
    boss: User,
    vocabulary_of_all_kinds: None,
    axe: Callable[[Any], None],
) -> None:
    page = signed_in(boss)
    page.goto(f"{LIST}?kind=plural")
    row = page.locator(".finding", has_text="knees")
    assert row.locator("img").count() == 3
    page.wait_for_function(
        "[...document.querySelectorAll('.finding img')].every(one => one.naturalWidth)"
    )
    row.get_by_role("button", name="Merge… knees / knee").click()
    page.wait_for_url("**/admin/changes/change/*/change/")
    assert page.locator(".how-many").first.inner_text().startswith("1")

    page.goto(f"{LIST}?kind=plural")
    page.get_by_role("button", name="Not a problem hips / hip").click()
    page.get_by_text("Not a problem, for good.").wait_for()
    assert page.locator(".finding").count() == 1
    look()
    page.goto(f"{LIST}?kind=plural")
    assert page.locator(".finding").count() == 1
    assert SetAside.objects.count() == 1

    page.get_by_role("link", name="Not a problem").click()
    page.get_by_role("button", name="Take back hips hip").click()
    look()
    page.goto(f"{LIST}?kind=plural")
    assert page.locator(".finding").count() == 2


def test_all_rows_of_a_page_are_ticked_at_once(
    signed_in: Callable[..., Any], boss: User, vocabulary_of_all_kinds: None
) -> None:
    page = signed_in(boss)
    page.goto(f"{LIST}?kind=plural")
    page.get_by_label("All on this page").check()
    assert page.locator("input[name=row]:checked").count() == 2
    page.locator("input[name=row]").first.uncheck()
    assert page.get_by_label("All on this page").evaluate("box => box.indeterminate")
    page.get_by_label("All on this page").check()
    page.get_by_label("With the ticked rows:").select_option("aside")
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back").wait_for()
    assert page.locator(".finding").count() == 2


def test_without_scripts_forms_do_all_of_it(
    signed_in: Callable[..., Any], boss: User, vocabulary_of_all_kinds: None
) -> None:
    page = signed_in(boss, java_script_enabled=False)
    page.goto(f"{LIST}?kind=never")
    page.get_by_role("button", name="Delete… sesamoid").click()
    page.get_by_role("button", name="Delete 1 tag").click()
    assert "1 tag deleted" in page.inner_text(".messagelist")
    page.goto(f"{LIST}?kind=once")
    page.get_by_role("link", name="Merge into… fabella").click()
    page.get_by_label("Merge “fabella” into").fill("knee")
    page.get_by_role("button", name="Merge…", exact=True).click()
    assert "/admin/changes/change/" in page.url


def test_each_kind_is_sound(
    signed_in: Callable[..., Any],
    boss: User,
    vocabulary_of_all_kinds: None,
    axe: Callable[[Any], None],
) -> None:
    page, kinds = signed_in(boss), Finding.objects.values_list("kind", flat=True).distinct()
    rows = [f"{LIST}{row.pk}/change/" for row in Finding.objects.distinct("kind").order_by("kind")]
    every = [*(f"{LIST}?kind={kind}" for kind in (*kinds.order_by("kind"), "aside")), *rows]
    assert len(every) == 19
    shots = os.environ.get("CLEANUP_SHOTS")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for number, address in enumerate(every):
            page.goto(address)
            axe(page)
            if shots:
                page.screenshot(path=str(Path(shots) / f"{scheme}-{number:02}.png"), full_page=True)
