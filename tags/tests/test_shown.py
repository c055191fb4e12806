"""Which tags who is shown: lists, counts and single tags, held against the rule told in Python.

SHOWN_EXAMPLES says how many histories are tried.
"""

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images import deletion
from images.models import Image
from images.visibility import Viewer
from search.index import maintenance
from search.models import Rebuild
from search.tests.indexes import merge_all
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import alphabet, curation, shown, shown_rows, tagging, vocabulary
from tags.models import AudienceTag, ImageTag, Tag

pytestmark = pytest.mark.django_db

# A row is missing, one of an unused tag too, one should not be there, and one has another name.
SPOIL = """
DELETE FROM tags_audiencetag WHERE name IN ('knee', 'unused');
INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
SELECT 0, id, folded, name FROM tags_tag WHERE name = 'hidden';
UPDATE tags_audiencetag SET name = 'Left' WHERE name = 'left'
"""
HOUR = timedelta(hours=1)
EXAMPLES = int(os.environ.get("SHOWN_EXAMPLES", "30"))
NAMES = ["knee", "Knee", "left", "été", "%"]
WHO = ["ann", "bob", "cleo", "staff", "boss"]
names = st.sampled_from(NAMES)
users = st.sampled_from([*WHO, None])
times = st.sampled_from([-2, -1, 1, 2])
steps = st.one_of(
    st.tuples(st.just("declare"), names, users),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("delete tag"), names),
    st.tuples(
        st.just("make"), st.sets(names), users, st.sampled_from([0, 1, 2]), times, st.none() | times
    ),
    st.tuples(st.just("retag"), st.integers(0, 5), st.sets(names), users),
    st.tuples(st.just("show to"), st.integers(0, 5), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("end"), st.integers(0, 5), st.none() | times),
    st.tuples(st.just("date"), st.integers(0, 5), times),
    st.tuples(st.just("give"), st.integers(0, 5), users),
    st.tuples(st.just("move"), st.integers(0, 5), st.sampled_from(["lab", "far"])),
    st.tuples(st.just("trash"), st.integers(0, 5)),
    st.tuples(st.just("delete image"), st.integers(0, 5)),
    st.tuples(st.just("move user"), st.sampled_from(WHO), st.sampled_from(["lab", "far"])),
    st.tuples(st.just("compact")),
)


class World:
    """What is done, and what the rule says of it."""

    def __init__(self) -> None:
        self.now = timezone.now()
        for name in WHO:
            make_user(name, project_id="lab" if name != "bob" else "far", staff=name == "staff")
        User.objects.filter(username="boss").update(is_superuser=True)
        # By tag: who made it, and whether everybody has been shown it or it was made for itself.
        self.makers: dict[int, set[int]] = {}
        self.told: set[int] = set()

    def do(self, what: str, *how: Any) -> None:
        getattr(self, what.replace(" ", "_"))(*how)
        self.told |= set(ImageTag.objects.filter(audience=0).values_list("tag", flat=True))

    def image(self, number: int) -> Image | None:
        images = list(Image.objects.order_by("id"))
        return images[number % len(images)] if images else None

    def edit(self, number: int, **changes: Any) -> None:
        if image := self.image(number):
            for field, value in changes.items():
                setattr(image, field, value)
            image.save()

    def at(self, hours: int | None) -> datetime | None:
        return None if hours is None else self.now + hours * HOUR

    def made(self, name: str, by: User | None) -> None:
        self.makers.setdefault(Tag.objects.get(name=name).pk, set()).update({by.pk} if by else ())

    def declare(self, name: str, user: str | None) -> None:
        by = user and User.objects.get(username=user)
        curation.create(name, Author(by or None, "tests"))
        self.made(name, by or None)
        self.told.add(Tag.objects.get(name=name).pk)

    def rename(self, old: str, new: str) -> None:
        if tag := Tag.objects.filter(name=old).first():
            try:
                with transaction.atomic():
                    curation.rename(tag, new, TESTS)
            except curation.TagNameTaken:
                pass

    def delete_tag(self, name: str) -> None:
        if tag := Tag.objects.filter(name=name).first():
            curation.delete(tag, TESTS)

    def tag(self, image: Image, wanted: set[str], user: User | None) -> None:
        new = [name for name in wanted if not Tag.objects.filter(name=name).exists()]
        tagging.retag(image, wanted, Author(user, "tests"))
        for name in new:
            self.made(name, user)

    def make(
        self, wanted: set[str], user: str | None, visibility: int, begins: int, ends: int | None
    ) -> None:
        by = User.objects.filter(username=user).first()
        image = Image.objects.create(
            filename="x.png",
            key=f"x{Image.objects.count()}{timezone.now()}",
            visibility=visibility,
            created_by=by,
            project_id=by.project_id if by else "lab",
            created_at=self.now + begins * HOUR,
            ended_at=self.at(ends),
        )
        self.tag(image, wanted, by)

    def retag(self, number: int, wanted: set[str], user: str | None) -> None:
        if image := self.image(number):
            self.tag(image, wanted, User.objects.filter(username=user).first())

    def show_to(self, number: int, visibility: int) -> None:
        self.edit(number, visibility=visibility)

    def end(self, number: int, hours: int | None) -> None:
        self.edit(number, ended_at=self.at(hours))

    def date(self, number: int, hours: int) -> None:
        self.edit(number, created_at=self.at(hours))

    def give(self, number: int, user: str | None) -> None:
        self.edit(number, created_by=User.objects.filter(username=user).first())

    def move(self, number: int, project: str) -> None:
        self.edit(number, project_id=project)

    def trash(self, number: int) -> None:
        if (image := self.image(number)) and image.ended_at is None:
            deletion.trash(image)

    def delete_image(self, number: int) -> None:
        if image := self.image(number):
            image.delete()

    def move_user(self, user: str, project: str) -> None:
        one = User.objects.get(username=user)
        one.project_id = project
        one.save()

    def compact(self) -> None:
        merge_all()
        maintenance.run_once()

    def is_shown(self, tag: Tag, user: User | None) -> bool:
        if user and (user.is_superuser or user.pk in self.makers.get(tag.pk, ())):
            return True
        if not tag.imagetag_set.exists():
            return tag.pk in self.told
        return any(is_shown_image(link.image, user) for link in tag.imagetag_set.all())

    def check(self) -> None:
        for user in [None, *User.objects.all()]:
            wanted = [tag for tag in Tag.objects.all() if self.is_shown(tag, user)]
            assert_shown_exactly(Viewer.of(user), wanted)
            assert_targets_shown(Viewer.of(user), list({tag.alias_of or tag for tag in wanted}))

    def alias(self, name: str, target: str) -> None:
        tags = Tag.objects.filter(name__in=[name, target], alias_of=None)
        if name != target and len(found := {tag.name: tag for tag in tags}) == 2:
            vocabulary.alias(found[name], found[target], TESTS)
            self.told.discard(found[name].pk)


def is_shown_image(image: Image, user: User | None) -> bool:
    """The rule of `images.visibility`, to whoever is no superuser."""
    now = timezone.now()
    if image.created_at > now or (image.ended_at and image.ended_at <= now):
        return False
    if image.visibility == 0:
        return True
    if user is None:
        return False
    ours = image.project_id == user.project_id
    if image.visibility == 1 or user.is_staff:
        return ours or (image.visibility == 2 and image.created_by_id == user.pk)
    return bool(image.created_by_id == user.pk)


def assert_shown_exactly(viewer: Viewer, wanted: list[Tag]) -> None:
    """Lists by age, totals and single tags show these and no others where exact names are told."""
    assert shown.count(shown.shown_to(viewer)) == len(wanted)
    by_age = sorted(wanted, key=lambda tag: tag.pk)
    assert alphabet.OldestFirst(viewer)[1:3] == by_age[1:3]
    assert set(Tag.objects.shown_to(viewer)) == set(wanted)


def assert_targets_shown(viewer: Viewer, wanted: list[Tag]) -> None:
    """Alphabetical lists, from any place, totals and single tags show these where aliases are gone
    by."""
    ordered = sorted(wanted, key=lambda tag: (tag.folded, tag.name))
    listed = [{"id": tag.pk, "name": tag.name} for tag in ordered]
    assert shown.count(shown.shown_to(viewer, aliased=True)) == len(wanted)
    assert set(Tag.objects.targets_shown_to(viewer)) == set(wanted)
    for offset in (0, 1, len(wanted) - 1, len(wanted)) if wanted else (0,):
        page = alphabet.page(viewer, 2, offset)
        assert (page.total, page.tags) == (len(wanted), listed[offset : offset + 2])
    for at, tag in list(enumerate(ordered))[:2]:
        after = alphabet.TagPosition(tag.folded, tag.name)
        assert alphabet.page(viewer, 2, after=after).tags == listed[at + 1 : at + 3]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(steps, max_size=12), st.dictionaries(names, names, max_size=2))
def test_everybody_is_shown_the_tags_that_the_rule_says(db, todo, aliases):
    with transaction.atomic():
        world = World()
        for step in todo:
            world.do(*step)
        world.check()
        for pair in aliases.items():
            world.do("alias", *pair)
        world.check()
        transaction.set_rollback(True)


def test_rows_that_say_something_else_are_found_and_mended():
    make_image("knee", "left")
    make_image("hidden", private=True)
    make_tag("unused")
    unbypassed = set(AudienceTag.objects.values_list("audience", "tag__name", "name"))
    with connection.cursor() as cursor:
        cursor.execute(SPOIL)
    assert shown_rows.verify() == 4
    with pytest.raises(CommandError, match="sizes"):
        call_command("tagindex")
    call_command("tagindex", "--repair")
    call_command("tagindex")
    assert set(AudienceTag.objects.values_list("audience", "tag__name", "name")) == unbypassed


def test_what_bypassed_the_triggers_is_listed_once_the_index_is_made_anew():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Tag.objects.create(name="knee")
        cursor.execute("SET LOCAL session_replication_role = origin")
    Rebuild.objects.create()
    assert shown.count(shown.shown_to(Viewer.of(None))) == 0
    maintenance.run_once()
    assert_shown_exactly(Viewer.of(None), list(Tag.objects.all()))
    assert_targets_shown(Viewer.of(None), list(Tag.objects.all()))
