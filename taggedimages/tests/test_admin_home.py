"""The admin's first page says what needs a look, and leads to it; of staff's own project alone."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.admin.uploads import STATES
from images.models import Facts, Image
from taggedimages import disk
from taggedimages.admin import home
from taggedimages.changes.models import State
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.factories import make_image, make_pending, make_user
from taggedimages.identity.models import User
from taggedimages.postgresql.counting import counted
from tags.cleanup.models import Finding

pytestmark = pytest.mark.django_db

HOME = "/admin/"
WORDS = {
    "uploads whose file has not come": "2",
    "files that were not looked at yet": "1",
    "uploads that were refused": "1",
    "files that cannot be read": "1",
    "changes under way": "2",
    "changes planned, to be applied or discarded": "1",
    "changes that failed or were stopped": "2",
    "rows of the clean-up list": "1",
}


@pytest.fixture
def mira() -> User:
    """Staff of `lab` with every permission."""
    user = make_user("mira", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


def make_matters(by: User) -> None:
    """Two uploads that wait, one of each other state of a file, and a change of each state."""
    now = make_image(by=by).created_at
    make_pending(by=by)
    make_pending(by=by)
    make_image(by=by, check_at=now)
    make_pending(by=by, upload_error="size: There are other bytes than were declared.")
    # What was never sent is done with; it has an end.
    make_pending(by=by, upload_error="abandoned: no file came", ended_at=now, deleted_at=now)
    unread = make_image(by=by, processed_at=now)
    Facts.objects.create(image=unread, problem="damaged: The file ends too soon.")
    image = make_image(f"once in {by.project_id}", by=by)
    for state in State:
        make_change({"add": refs("knee")}, [image], by=by, state=state)
    tag, here = image.tags.get(), {by.project_id: [1, image.pk, 0, 0]}
    Finding.objects.create(
        kind="once", tag=tag, tag_name=tag.name, images=1, sweep=1, projects=here
    )


def told(page: Any) -> dict[str, tuple[str, str]]:
    """Number and address of each matter, by its words."""
    text = page.content.decode()
    found = re.findall(
        r'<li><a href="([^"]+)"[^>]*><strong>([^<]+)</strong> ([^<]+)</a></li>',
        text[text.index('id="needs-a-look"') :],
    )
    return {words: (number, url.replace("&amp;", "&")) for url, number, words in found}


def test_what_there_is_is_counted(boss, mira):
    make_matters(mira)
    assert {words: number for words, (number, _) in told(boss.get(HOME)).items()} == WORDS


def test_each_number_leads_to_the_list_of_just_those(boss, mira):
    make_matters(mira)
    for words, (number, url) in told(boss.get(HOME)).items():
        page = boss.get(url)
        if "clean-up" not in words:
            assert len(page.context["cl"].result_list) == int(number), words
        assert page.status_code == 200


def test_nothing_is_said_where_there_is_nothing(boss):
    make_image("knee")
    page = boss.get(HOME)
    assert told(page) == {}
    assert "Nothing at present." in page.content.decode()


def test_no_more_is_counted_than_is_told(mira):
    make_matters(mira)
    images = Image.objects.filter(deleted_at=None)
    waiting, refused = (images.filter(STATES[state]) for state in ("waiting", "refused"))

    assert counted([(waiting, 1), (refused, 2), (images.none(), 2)]) == [1, 1, 0]
    assert counted([]) == []
    matter = home.Matter("uploads", "/", waiting, most=1_000)
    assert home.Found(matter, 999).number == "999"
    assert home.Found(matter, 1_000).number == "1,000 or more"


def test_staff_is_told_of_its_project_alone(client, mira):
    make_matters(make_user("omar", project_id="far"))
    client.force_login(mira)
    assert told(client.get(HOME)) == {}
    make_matters(mira)
    numbers = {words: number for words, (number, _) in told(client.get(HOME)).items()}
    assert numbers == WORDS


def test_nobody_is_told_of_what_they_may_not_see(client, mira):
    make_matters(mira)
    mira.user_permissions.clear()
    client.force_login(mira)
    assert told(client.get(HOME)) == {}


@pytest.mark.parametrize("is_super", [True, False])
def test_it_takes_few_statements(client, mira, settings, is_super):
    settings.DATABASE_IS_EMBEDDED = True
    User.objects.filter(pk=mira.pk).update(is_superuser=is_super)
    make_matters(mira)
    client.force_login(User.objects.get(pk=mira.pk))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert told(client.get(HOME))
    assert len(asked) <= 12, [one["sql"][:100] for one in asked]


def test_failures_are_found_by_their_index(mira):
    """Among very many that are in order."""
    for state, index in {"refused": "image_refused", "unreadable": "facts_unreadable"}.items():
        found = Image.objects.filter(STATES[state])
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert index in found.explain(), state


def test_the_disk_of_embedded_engines_is_told_to_superusers(client, boss, mira, settings, tmp_path):
    assert "Disk of" not in boss.get(HOME).content.decode()
    (tmp_path / "seaweedfs" / "volumes").mkdir(parents=True)
    (tmp_path / "seaweedfs" / "volumes" / "1.dat").write_bytes(b"x" * 3 * 1024**2)
    settings.DATA_FOLDER = tmp_path
    settings.DATABASE_IS_EMBEDDED = settings.S3_IS_EMBEDDED = True
    text = boss.get(HOME).content.decode().replace("\xa0", " ")
    assert "the database takes" in text
    assert "the object store takes 3.0 MB" in text
    client.force_login(mira)
    assert "Disk of" not in client.get(HOME).content.decode()


@pytest.mark.parametrize(
    ("free", "total", "is_low"),
    [(4, 100, True), (6, 100, False), (1, 5, False), (0.4, 5, True), (20, 1000, False)],
)
def test_when_a_disk_is_low(free, total, is_low):
    gb = 1024**3
    assert disk.Disk(int(free * gb), int(total * gb), None, None).is_low is is_low
