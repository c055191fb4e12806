"""Staff of a project cannot tell from the admin whether any other project has anything at all.

Every page is asked for twice, before and after another project gets the same things, byte for byte
and by the same names, and things of its own besides. Whatever is of the other project is answered
as what there is not.
"""

import difflib
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from images.models import Image
from taggedimages.changes.models import Change
from taggedimages.factories import make_user
from taggedimages.identity.models import User
from taggedimages.tests.admin_pages import all_addresses, make_log, make_workplace
from tags.models import Tag

pytestmark = pytest.mark.django_db

# What a page has that is of the moment: the tokens of its forms, and the colour of a new tag.
OF_THE_MOMENT = re.compile(r"(name=\"(?:csrfmiddlewaretoken|(?:initial-)?color)\" value=\")[^\"]+")
LISTS = {
    "images/image": (
        "?view=grid",
        "?view=list",
        "?q=knee",
        "?q=seen",
        "?q=twin.png",
        "?q=exact_tags=knee",
        "?q=match_tags=kn%25",
        "?q=exact_tags=far+only",
        "?view=grid&q=not_tags=knee",
        "?view=grid&q=order=largest",
        "?state=trash",
        "?upload=waiting",
        "?upload=refused",
        "?visibility__exact=2",
        "facets/?q=",
        "facets/?q=exact_tags=knee",
        "facets/?q=exact_tags=far+only",
    ),
    "tags/tag": (
        "?q=kn",
        "?q=far",
        "?o=2",
        "?o=-3",
        "suggest/?q=",
        "suggest/?q=k",
        "suggest/?q=far",
    ),
    "tags/tagchange": ("?q=knee", "?q=far+only"),
    "changes/change": ("?state__in=failed,stopped", "?state__exact=applied", "?kind__exact=retag"),
    "tags/finding": ("?q=kn", "?kind=once", "?kind=case"),
}

NOWHERE = 999_999_999
# Pages that show whether a tag may be changed: not while images of others have it.
TELLING = ("/admin/tags/tag/",)


@pytest.fixture
def mira(settings: Any) -> User:
    """Staff of `lab`, whose URLs stay the same from one page to the next."""
    settings.PRESIGNED_SECONDS = 10**9
    settings.PRESIGNED_STABLE_SECONDS = 10**8
    mira = make_user("mira", project_id="lab", staff=True)
    mira.user_permissions.set(Permission.objects.all())
    return User.objects.get(pk=mira.pk)


def make_far(*names: str) -> Image:
    """Another project with the same things, but for the names of their tags."""
    omar = make_user("omar", project_id="far", staff=True)
    omar.user_permissions.set(Permission.objects.all())
    image = make_workplace(omar, *names)
    make_log(omar, image)
    return image


def asked(client: Client, address: str) -> tuple[int, str]:
    """What is answered, without what is of the moment."""
    answer = client.get(address, follow=True)
    return answer.status_code, OF_THE_MOMENT.sub(r"\1", answer.content.decode())


def differing(address: str, before: Any, after: Any) -> str | None:
    """The lines of a page that are other than they were; None where there are none."""
    if before[address] == after[address]:
        return None
    was, is_now = (told[address][1].splitlines() for told in (before, after))
    lines = difflib.unified_diff(was, is_now, lineterm="", n=0)
    return "\n".join([address, *lines])


@pytest.mark.parametrize("names", [("far only", "far bone"), ("knee", "left")])
def test_no_page_tells_whether_another_project_has_anything(
    client: Client, mira: User, names: tuple[str, ...]
) -> None:
    image = make_workplace(mira)
    make_log(mira, image)
    client.force_login(mira)
    # Those first that say how images are shown, which is remembered.
    addresses = [f"/admin/{of}/{more}" for of, several in LISTS.items() for more in several]
    addresses += all_addresses(client)
    before = {address: asked(client, address) for address in addresses}

    make_far(*names)

    after = {address: asked(client, address) for address in addresses}
    told = [differing(address, before, after) for address in addresses]
    known = TELLING if "knee" in names else ()
    assert [one for one in told if one and not one.startswith(known)] == []
    # It was a workplace, and not a hundred refusals.
    shown = [address for address, (status, _) in before.items() if status == 200]
    assert len(shown) > 40, sorted(before)


@pytest.mark.parametrize("kind", [Image, Change, Tag])
def test_what_is_of_another_project_is_as_what_is_not_there(
    client: Client, mira: User, kind: Any
) -> None:
    make_workplace(mira)
    make_far("far only", "far bone")
    client.force_login(mira)
    theirs = {
        Image: Image.objects.of_project("far"),
        Change: Change.objects.filter(project="far"),
        Tag: Tag.objects.filter(name="far only"),
    }[kind].earliest("pk")
    base = f"/admin/{kind._meta.app_label}/{kind._meta.model_name}/"
    routes = [str(getattr(one, "pattern", "")) for one in admin.site._registry[kind].get_urls()]
    for route in (route for route in routes if "<" in route):
        there, nowhere = (
            answered(client, base + re.sub("<[^>]+>", str(pk), route))
            for pk in (theirs.pk, NOWHERE)
        )
        assert [
            (status, text.replace(str(NOWHERE), str(theirs.pk))) for status, text in nowhere
        ] == there, route


def answered(client: Client, address: str) -> list[tuple[int, str]]:
    """What a GET and a POST are answered."""
    answers: list[Any] = [client.get(address, follow=True), client.post(address, follow=True)]
    return [
        (answer.status_code, OF_THE_MOMENT.sub(r"\1", answer.content.decode()))
        for answer in answers
    ]


POSTS: dict[str, dict[str, Any]] = {
    "/admin/images/image/retag/": {"add": "knee"},
    "/admin/images/image/selection/": {},
    "/admin/images/image/?view=grid": {"action": "tag", "tags": "knee"},
    "/admin/images/image/?view=list": {"action": "untag", "tags": "knee"},
}


@pytest.mark.parametrize("address", POSTS)
def test_nothing_is_done_to_images_of_another_project(
    client: Client, mira: User, address: str
) -> None:
    make_workplace(mira)
    image = make_far("far only", "far bone")
    links, before = image.tags.count(), Change.objects.count()
    client.force_login(mira)
    said = []
    for pk in (image.pk, NOWHERE):
        sent = POSTS[address] | {"ids": [pk], "_selected_action": [pk]}
        if "selection" in address:
            sent = {"add": [pk]}
        answer: Any = client.post(address, sent, headers={"Accept": "application/json"})
        text = OF_THE_MOMENT.sub(r"\1", answer.content.decode())
        told = (answer.status_code, answer.get("Location"), text)
        # Changes are numbered on.
        said.append(re.sub(r"\d+", "#", str(told)))
    assert said[0] == said[1]
    assert image.tags.count() == links
    new = Change.objects.order_by("pk")[before:]
    assert [change.images for change in new] == [0] * len(new)
