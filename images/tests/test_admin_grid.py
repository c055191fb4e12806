"""The grid of images in the admin: pictures, chips, pages by cursors, conditions, facets."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images.admin import counts
from images.models import Facts, Image
from search.index import maintenance
from search.ordering import ORDERS
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from taggedimages.identity.models import User
from tags import tagging, vocabulary

pytestmark = pytest.mark.django_db
IMAGES = "/admin/images/image/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def with_preview(*tags: str, **fields: Any) -> Image:
    image = make_image(*tags, **fields)
    known = {"thumbhash": "2fcaFYaKaGeXeWZ5d4eIiHiIh4eHiHeH", "color": "#336699"}
    Facts.objects.create(image=image, has_previews=True, **known)
    return image


def grid(client: Client, url: str = "", **asked: Any) -> str:
    answer = client.get(url or IMAGES, {} if url else {"view": "grid"} | asked)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def shown(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'class="cell" data-id="(\d+)"', page)]


def link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}"[^>]*href="([^"]+)"', page)
    return IMAGES + found[1] if found else ""


def chips(page: str) -> list[tuple[str, str]]:
    """The conditions in words, and where taking each away leads."""
    return re.findall(
        r'<li class="chip condition" data-name="[^"]*">(.*?) <a class="x" href="([^"]*)"', page
    )


def test_a_picture_has_its_preview_its_name_its_tags_and_a_labelled_box(staff):
    image = with_preview("knee", filename="a.png")
    page = grid(staff)
    assert f'data-id="{image.pk}" data-thumbhash="2fcaFYaKaGeXeWZ5d4eIiHiIh4eHiHeH"' in page
    assert re.search(rf'previews/{image.uuid}/mini.webp\?[^"]*X-Amz-Signature=', page)
    assert 'loading="lazy"' in page
    assert "background-color: #336699" in page
    assert f'aria-labelledby="caption-{image.pk} tags-{image.pk}"' in page
    assert 'data-tag="knee"' in page
    assert re.search(
        rf'id="caption-{image.pk}" href="/admin/images/image/{image.pk}/change/\?[^"]*at=0"', page
    )


def test_what_has_no_preview_says_why(staff):
    make_image(filename="new.png")
    make_pending(filename="late.png")
    make_pending(filename="bad.png", upload_error="too_large: It is too large.")
    page = grid(staff)
    assert re.findall(r'class="lacks">([^<]*)', page) == [
        "failed: too_large: It is too large.",
        "file not there yet",
        "being looked at",
    ]


def test_the_view_is_remembered(staff):
    make_image()
    assert not shown(grid(staff, IMAGES))
    assert shown(grid(staff))
    assert shown(grid(staff, IMAGES))
    assert not shown(grid(staff, view="list"))
    assert not shown(grid(staff, IMAGES))


@pytest.mark.parametrize("order", ORDERS)
def test_pages_lead_on_and_back_through_every_image_once(staff, monkeypatch, order):
    monkeypatch.setattr("images.admin.grid.PAGE", 3)
    at = timezone.now()
    for number in range(8):
        make = make_pending if number % 3 else make_image
        make(filename=f"same{number % 2}.png", created_at=at - timedelta(seconds=number // 2))
    page = grid(staff, q=f"order={order}")
    pages = [shown(page)]
    while there := link(page, "next"):
        page = grid(staff, there)
        pages.append(shown(page))
    assert [len(one) for one in pages] == [3, 3, 2]
    images = ORDERS[order].applied(Image.objects.all()).values_list("pk", flat=True)
    assert [one for some in pages for one in some] == list(images)
    back = []
    while there := link(page, "prev"):
        page = grid(staff, there)
        back.append(shown(page))
    assert back == pages[-2::-1]
    assert "1 to 3" in page


def test_what_comes_and_goes_meanwhile_moves_no_page(staff, monkeypatch):
    monkeypatch.setattr("images.admin.grid.PAGE", 2)
    made = [make_image().pk for _ in range(6)][::-1]
    first = grid(staff)
    second = grid(staff, link(first, "next"))
    Image.objects.filter(pk=made[1]).update(ended_at=timezone.now())
    new = make_image().pk
    assert shown(second) == made[2:4]
    assert shown(grid(staff, link(second, "next"))) == made[4:]
    # Of those before, whoever goes back sees the ones next to it.
    before = grid(staff, link(second, "prev"))
    assert shown(before) == [new, made[0]]
    assert shown(grid(staff, link(before, "next"))) == made[2:4]


def test_a_page_whose_images_are_all_gone_is_the_first(staff, monkeypatch):
    monkeypatch.setattr("images.admin.grid.PAGE", 2)
    made = [make_image().pk for _ in range(3)][::-1]
    there = link(grid(staff), "next")
    Image.objects.filter(pk=made[2]).update(ended_at=timezone.now())
    assert shown(grid(staff, there)) == made[:2]


@pytest.mark.parametrize(
    ("search", "said", "rest"),
    [
        ("exact_tags=knee|left", "tagged knee", "exact_tags=left"),
        ("exact_tags=knee&min_width=5", "at least 5 pixels wide", "exact_tags=knee"),
        ("any_tags=a|b&order=largest", "tagged a or b", "order=largest"),
        (r"not_tags=a\|b|c", "not tagged c", r"not_tags=a\|b"),
        ("match_tags=kn%&untagged=1", "with a tag like kn%", "untagged=1"),
        ("exact_tags=R%26D", "tagged R&D", ""),
        ("knee left", "with “left” as id, uuid or in the filename", "knee"),
        ("start_timestamp=86400", "created at or after 1970-01-02 00:00:00 UTC", ""),
        ("min_size=2048", "of at least 2.0 KB", ""),
        ("knee=b", "knee: b", ""),
    ],
)
def test_each_condition_is_said_and_taken_away_by_itself(staff, search, said, rest):
    without = dict(chips(grid(staff, q=search)))
    there = IMAGES if not rest else f"{IMAGES}?q="
    assert without[said].startswith(there)
    follow = staff.get(without[said])
    assert follow.context["text"] == rest


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("exact_tags=knee|left", "b"),
        ("not_tags=left&max_size=5", "c"),
        ("KNEE", "cba"),
        ("knee order=smallest", "cba"),
        ("knee order=largest", "abc"),
        ("called=knee&not_tags=left", "ca"),
        ("order=smallest", "cba"),
    ],
)
def test_what_is_found_is_in_grid_and_list(staff, search, found):
    make_image("knee", filename="a-knee", size=9)
    make_image("knee", "left", filename="b-knee", size=8)
    make_image("knee", "right", filename="c-knee", size=1, private=True)
    page = grid(staff, q=search)
    assert "".join(re.findall(r'href="[^"]*at=\d+">(.)-knee</a>', page)) == found
    listed = staff.get(IMAGES, {"q": search, "view": "list"}).context["cl"]
    assert "".join(image.filename[0] for image in listed.result_list) == found
    assert listed.result_count == len(found)


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "exact_tag=knee"},
        {"q": "min_width=wide"},
        {"q": "order=size"},
        {"q": "a\0b"},
        {"q": "knee " * 200},
        {"q": "a " * 8_000},
        {"q": "exact_tags=" + "a|" * 3_000},
        {"after": "x"},
        {"before": "x"},
        {"after": "", "before": ""},
        {"at": "9" * 40},
        {"at": "-5"},
        {"view": "x"},
        {"selected": "1"},
    ],
)
def test_what_cannot_be_asked_is_said(staff, asked):
    make_image()
    page = grid(staff, **asked)
    refused = "errornote" in page
    assert refused == bool(asked.keys() & {"q"} or asked.get("after") or asked.get("before"))
    assert not (refused and shown(page))
    assert len(page) < 3_000_000


def test_chips_are_of_targets_and_only_the_first_of_very_many(staff):
    vocabulary.alias(make_tag("genu"), make_tag("knee"), TESTS)
    image = make_image("knee", *(f"t{n}" for n in range(30)))
    tagging.tag(image, ["genu"], TESTS)
    page = grid(staff)
    assert len(re.findall(r'data-tag="', page)) == 20
    assert page.count('data-tag="knee"') == 1
    assert "and more" in page


def statements(client: Client, **asked: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(IMAGES, asked).status_code == 200
    return len(captured)


@pytest.mark.parametrize("view", ["grid", "list"])
@pytest.mark.parametrize("search", ["", "exact_tags=knee", "knee", "min_size=1", "match_tags=kn%"])
@pytest.mark.parametrize("who", ["boss", "mira"])
def test_a_page_is_of_few_statements_however_many_images_it_has(client, who, view, search):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename__endswith="_image"))
    client.force_login(lab if who == "mira" else User.objects.create_superuser("boss"))
    asked = {"view": view, "q": search}
    with_preview("knee", by=lab, filename="knee0")
    # The index knows the project.
    maintenance.run_once()
    statements(client, **asked)
    few = statements(client, **asked)
    for number in range(1, 40):
        with_preview("knee", f"t{number}", by=lab, filename=f"knee{number}")
    statements(client, **asked)
    assert statements(client, **asked) <= few <= 12


# --- Facets --------------------------------------------------------------------------------------


def test_facets_count_what_was_found_and_narrow_it(staff):
    make_image("knee", "left")
    make_image("knee", "right")
    make_image("hand", "left")
    page = html.unescape(staff.get(IMAGES + "facets/", {"q": "exact_tags=knee"}).content.decode())
    counts = re.findall(r'class="name"[^>]*>([^<]*)<.*?class="count">(\d+)', page, re.DOTALL)
    assert counts == [("knee", "2"), ("left", "1"), ("right", "1")]
    assert f'href="{IMAGES}?q=exact_tags%3Dknee%7Cleft"' in page
    assert f'href="{IMAGES}?q=exact_tags%3Dknee%26not_tags%3Dleft"' in page
    fragment = staff.get(IMAGES + "facets/", {"q": "knee", "fragment": "1"}).content.decode()
    assert "<html" not in fragment


@pytest.mark.parametrize("search", ["exact_tag=x", "a\0b", "order=x"])
def test_facets_say_what_cannot_be_asked(staff, search):
    page = staff.get(IMAGES + "facets/", {"q": search})
    assert page.status_code == 200
    assert "errornote" in page.content.decode()


def test_a_filter_is_counted_as_far_as_it_is_paged(staff, monkeypatch):
    monkeypatch.setattr(counts, "FILTERED_MAX", 2)
    for _ in range(3):
        make_image()
    page = staff.get(IMAGES, {"visibility__exact": "0"})
    assert page.context["cl"].result_count == 2
    assert "the first 2 are listed" in page.content.decode()
    for asked in ({}, {"state": "current"}):
        assert staff.get(IMAGES, asked).context["cl"].result_count == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", ["grid", "list"])
def test_what_takes_too_long_is_said(staff, view):
    def slow(execute: Any, statement: str, *more: Any) -> Any:
        if "images_image" not in statement:
            return execute(statement, *more)
        return execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(9)", None, *more[1:])

    make_image("knee")
    with connection.execute_wrapper(slow):
        assert "takes too long" in grid(staff, view=view)


def test_staff_of_a_project_see_its_pictures_counts_and_tags_alone(client):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename__endswith="_image"))
    client.force_login(lab)
    far = make_image("hand", "knee", by=make_user("omar", project_id="far"), filename="far.png")
    make_image("knee", by=lab, private=True, filename="lab.png")
    for search in ("", "exact_tags=knee", "png", "called=png&exact_tags=knee"):
        page = grid(client, q=search)
        assert '<span id="found">1</span>' in page
        assert "far.png" not in page
        assert "hand" not in page
        assert str(far.uuid) not in page
        facets = client.get(IMAGES + "facets/", {"q": search}).content.decode()
        assert "hand" not in facets
        assert re.findall(r'class="count">(\d+)', facets) == ["1"]


def test_whoever_may_not_see_images_sees_none(client):
    client.force_login(make_user("mira", project_id="lab", staff=True))
    for page in ("", "facets/", "selection/"):
        assert client.get(IMAGES + page, {"view": "grid"} if not page else {}).status_code == 403
