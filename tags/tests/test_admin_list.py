"""The list of tags in the admin: what it shows, how it is sorted and filtered, and what that asks
of the database."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from search.index import maintenance
from taggedimages.factories import TESTS, make_image, make_spare_tags, make_tag, make_user
from tags import statistics, vocabulary
from tags.models import Tag

pytestmark = pytest.mark.django_db
LIST = reverse("admin:tags_tag_changelist")


def staff_of(project: str) -> Client:
    user = make_user(project_id=project, staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tags"))
    client = Client()
    client.force_login(user)
    return client


def settle() -> None:
    """What the worker does."""
    maintenance.run_once()
    while statistics.keep():
        pass


def shown(client: Client, **asked: Any) -> list[str]:
    """The names in a list."""
    answer = client.get(LIST, asked)
    assert answer.status_code == 200, answer.get("Location")
    return [tag.name for tag in answer.context["cl"].result_list]


def column(client: Client, name: str, **asked: Any) -> Any:
    """The number that sorts by a column, in the page's own links."""
    columns = client.get(LIST).context["cl"].list_display
    return columns.index(name)


def uses(client: Client) -> dict[str, int]:
    return {tag.name: tag.uses for tag in client.get(LIST).context["cl"].result_list}


def test_numbers_are_of_now_whether_the_worker_has_been_or_not(boss):
    image = make_image("knee", "left")
    make_tag("spare")
    assert uses(boss) == {"knee": 1, "left": 1, "spare": 0}
    settle()
    image.imagetag_set.filter(tag__name="left").delete()
    make_image("knee")
    assert uses(boss) == {"knee": 2, "left": 0, "spare": 0}


@pytest.mark.parametrize("name", ["images_tagged", "last_use"])
def test_it_is_sorted_by_use(boss, name):
    for names in (["a", "b", "c"], ["b", "c"], ["c"]):
        make_image(*names)
    settle()
    at = column(boss, name)
    if name == "images_tagged":
        assert shown(boss, o=f"-{at}") == ["c", "b", "a"]
        assert shown(boss, o=f"{at}") == ["a", "b", "c"]
    else:
        make_tag("never")
        settle()
        assert shown(boss, o=f"-{at}")[0] == "c"
        assert shown(boss, o=f"{at}")[0] == "a"


def test_unused_tags_are_sorted_with_the_others(boss):
    make_tag("spare")
    make_image("knee")
    settle()
    assert shown(boss, o=column(boss, "images_tagged")) == ["spare", "knee"]


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("name", ["images_tagged", "last_use"])
def test_sorting_reads_an_index_and_sorts_nothing(boss, name, direction):
    make_spare_tags(3_000)
    for number in range(30):
        make_image(f"used {number}")
    settle()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tags_statistics, tags_tag, identity_user")
    answer = boss.get(LIST, {"o": f"{direction}{column(boss, name)}"})
    page: Any = answer.context["cl"].queryset[:50]
    plan = page.explain()
    assert "Index" in plan
    assert "Sort" not in plan, plan


def test_a_search_is_in_any_case_and_finds_targets_by_their_aliases(boss):
    knee, genu = make_tag("Knee Joint"), make_tag("Genu")
    vocabulary.alias(genu, knee, TESTS)
    make_tag("hand")
    assert shown(boss, q="JOINT knee") == ["Knee Joint"]
    assert shown(boss, q="gEN") == ["Genu", "Knee Joint"]


def test_filters(boss):
    knee, genu = make_tag("knee", category="anatomy"), make_tag("genu")
    make_tag("old", status="deprecated")
    vocabulary.alias(genu, knee, TESTS)
    assert shown(boss, category="anatomy") == ["knee"]
    assert shown(boss, category="-") == ["genu", "old"]
    assert shown(boss, status__exact="deprecated") == ["old"]
    assert shown(boss, alias="yes") == ["genu"]
    assert shown(boss, alias="no") == ["knee", "old"]
    assert shown(boss, alias="has") == ["knee"]
    assert shown(boss, category="unheard of", alias="?", q="") == []


def test_categories_are_offered_each_once(boss):
    for number in range(4):
        make_tag(f"tag {number}", category=f"kind {number % 2}")
    page = boss.get(LIST).content.decode()
    assert page.count("category=kind+0") == page.count("category=kind+1") == 1


def test_staff_are_offered_the_categories_of_their_own_tags_alone():
    make_image("knee", by=make_user(project_id="lab"))
    make_image("hand", by=make_user(project_id="far"))
    Tag.objects.filter(name="knee").update(category="anatomy")
    Tag.objects.filter(name="hand").update(category="secrets")
    page = staff_of("lab").get(LIST).content.decode()
    assert "anatomy" in page
    assert "secrets" not in page


def test_staff_see_neither_makers_of_other_projects_nor_when_others_used_a_tag():
    far = make_user("omar", project_id="far")
    make_image("knee", by=far)
    make_image("knee", by=make_user(project_id="lab"))
    Tag.objects.update(user=far)
    answer = staff_of("lab").get(LIST)
    assert "omar" not in answer.content.decode()
    assert "last_use" not in answer.context["cl"].list_display


def test_counts_of_a_project_are_the_same_by_links_and_by_bitmaps():
    lab, far = make_user(project_id="lab"), make_user(project_id="far")
    for by, count in ((lab, 3), (far, 2)):
        for _ in range(count):
            make_image("knee", by=by)
    make_image("knee", by=lab, private=True)
    staff = staff_of("lab")
    assert uses(staff) == {"knee": 4}
    settle()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_setsize SET heavy = true WHERE set > 0")
        cursor.execute("INSERT INTO search_rebuild (asked_at) VALUES (now())")
    maintenance.run_once()
    assert uses(staff) == {"knee": 4}


@pytest.mark.parametrize("who", ["boss", "staff"])
@pytest.mark.parametrize("asked", [{}, {"q": "tag"}, {"o": "-1"}, {"status__exact": "active"}])
def test_twelve_statements_at_most_however_many_rows(boss, who, asked):
    user = make_user(project_id="lab")
    for number in range(50):
        make_image(f"tag {number}", by=user)
    make_spare_tags(10)
    knee = make_tag("tag x")
    for number in range(20):
        vocabulary.alias(make_tag(f"tag alias {number}"), knee, TESTS)
    client = boss if who == "boss" else staff_of("lab")
    with CaptureQueriesContext(connection) as statements:
        assert len(shown(client, **asked)) == 50
    assert len(statements) <= 12, _texts(statements.captured_queries)
    assert not any("COUNT(*)" in one["sql"] and "LIMIT" not in one["sql"] for one in statements)


def _texts(queries: Iterable[dict[str, str]]) -> str:
    return "\n\n".join(one["sql"][:300] for one in queries)
