"""Tags in Chromium: two are merged from the list by a plan and parted again; one is renamed, and
its page shows what stands beside it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from taggedimages.factories import TESTS, make_tag, make_user
from taggedimages.identity.models import User
from taggedimages.tests.admin_pages import make_inspected
from tags import vocabulary
from tags.models import Tag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/tags/tag/"


@pytest.fixture
def boss() -> User:
    user = make_user("boss", project_id="lab", staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    for number in range(3):
        make_inspected(f"knee {number}.png", ["knee", "left", f"seen {number}"], user)
    make_inspected("genu.png", ["genu"], user)
    return User.objects.get(pk=user.pk)


def choose(page: Any, *names: str) -> None:
    """Tick tags of the list."""
    page.goto(LIST)
    for name in names:
        row = page.locator("#result_list tr", has=page.get_by_text(name, exact=True))
        row.locator("input.action-select").check()


def start(page: Any, action: str) -> None:
    page.locator("select[name=action]").select_option(action)
    page.get_by_role("button", name=re.compile("Run|Go")).first.click()


def targets() -> list[tuple[str, str | None]]:
    return list(Tag.objects.filter(name__in=("knee", "genu")).values_list("name", "alias_of__name"))


def test_tags_are_merged_by_a_plan_and_parted_again(
    signed_in: Callable[..., Any], boss: User, axe: Callable[[Any], None]
) -> None:
    page = signed_in(boss)
    choose(page, "genu")
    axe(page)
    start(page, "merge")
    box = page.get_by_role("combobox")
    box.press_sequentially("kne")
    page.get_by_role("option", name=re.compile("knee")).click()
    assert "1 image" in page.locator(".how-many").inner_text()
    axe(page)
    page.get_by_role("button", name="Show the plan").click()
    page.wait_for_url("**/admin/changes/change/*/change/")
    assert "1 image" in page.locator(".how-many").inner_text()
    assert not Tag.objects.filter(alias_of__isnull=False).exists()
    page.get_by_role("button", name="Apply to").click()
    undo = page.get_by_role("button", name="Undo…")
    undo.wait_for(timeout=30_000)
    assert ("genu", "knee") in targets()
    undo.click()
    page.get_by_role("button", name="Apply to").click()
    page.locator(".state", has_text="applied").wait_for(timeout=30_000)
    assert ("genu", None) in targets()


def test_a_tag_is_renamed_from_its_page(
    signed_in: Callable[..., Any], boss: User, axe: Callable[[Any], None]
) -> None:
    knee = Tag.objects.get(name="knee")
    vocabulary.alias(make_tag("Knie"), knee, TESTS)
    vocabulary.imply(knee, [make_tag("joint")], TESTS)
    page = signed_in(boss)
    page.goto(reverse("admin:tags_tag_change", args=[knee.pk]))
    assert "3 images" in page.locator(".how-many").inner_text()
    assert page.locator(".examples img").count() == 3
    # What takes longer comes after the page.
    page.locator("#facets").get_by_text("left", exact=True).wait_for()
    axe(page)
    page.get_by_role("link", name="Rename…").click()
    page.get_by_label("New name").fill("knee joint")
    page.get_by_role("button", name="Show what happens").click()
    page.get_by_role("button", name="Rename it “knee joint”").wait_for()
    assert "3 images" in page.locator(".how-many").inner_text()
    assert not Tag.objects.filter(name="knee joint").exists()
    axe(page)
    page.get_by_role("button", name="Rename it “knee joint”").click()
    told = page.locator(".messagelist .success")
    assert "To take it back, undo change" in told.inner_text()
    assert Tag.objects.filter(name="knee", alias_of__name="knee joint").exists()
    told.get_by_role("link").click()
    page.wait_for_url("**/admin/changes/change/*/change/")


def test_without_scripts_an_alias_is_added_and_removed(
    signed_in: Callable[..., Any], boss: User
) -> None:
    knee = Tag.objects.get(name="knee")
    page = signed_in(boss, java_script_enabled=False)
    page.goto(reverse("admin:tags_tag_change", args=[knee.pk]))
    page.get_by_label("Add aliases").fill("genu, gonu")
    page.locator("form", has=page.get_by_label("Add aliases")).get_by_role("button").click()
    assert "1 image" in page.locator(".how-many").inner_text()
    page.get_by_role("button", name="Make it an alias of “knee”").click()
    assert ("genu", "knee") in targets()
    page.get_by_role("button", name="Remove genu").click()
    page.get_by_role("button", name="Make it a tag of its own").click()
    assert ("genu", None) in targets()
