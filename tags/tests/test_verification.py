"""Links and vocabulary are what their ledgers say, whatever is done by any door; and where somebody
wrote past the triggers, it is found and named."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from threading import Event

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images import deletion
from images.models import Image
from taggedimages.factories import TESTS, make_image
from tags import curation, redaction, renaming, tagging, verification, vocabulary
from tags.models import ImageTag, Tag
from tags.redaction import Texts
from tags.verification import Faults

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def image():
    return make_image("knee", "left")


@contextmanager
def past_the_triggers():
    """What is written meanwhile is in no ledger."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


def found(look):
    faults = Faults()
    for _ in look(faults):
        pass
    return faults


def links():
    return found(verification.links)


def rules():
    return found(verification.vocabulary)


def tag(name):
    return Tag.objects.get(name=name)


@pytest.fixture
def link(image):
    return ImageTag.objects.get(image=image, tag=tag("knee"))


class TestLinks:
    def test_that_were_made_and_changed_by_the_service_are_as_their_lines_say(self, image, link):
        tagging.untag(image, [tag("left").pk], TESTS)
        tagging.tag(image, ["left"], TESTS)
        ImageTag.objects.filter(pk=link.pk).update(value="flexed")
        make_image("knee").delete()
        curation.rename(tag("knee"), "joint", TESTS)
        Tag.objects.filter(name="left").delete()
        assert links().counts == {}

    def test_that_came_past_the_ledger_are_told_and_no_fault(self, image):
        """A corpus may be loaded without it."""
        new = Tag.objects.create(name="new", folded="new")
        with past_the_triggers() as cursor:
            cursor.execute(
                "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value, image_created_at)"
                " SELECT gen_random_uuid(), id, %s, '', created_at FROM images_image",
                [new.pk],
            )
        faults = links()
        assert (faults.count, faults.unrecorded) == (0, 1)
        assert faults.places == {"unrecorded": [[image.pk, new.pk]]}

    @pytest.mark.parametrize(
        ("kind", "statement"),
        [
            ("missing", "DELETE FROM tags_imagetag WHERE id = %s"),
            ("other value", "UPDATE tags_imagetag SET value = 'other' WHERE id = %s"),
        ],
    )
    def test_that_somebody_changed_past_the_triggers_are_named(self, image, link, kind, statement):
        with past_the_triggers() as cursor:
            cursor.execute(statement, [link.pk])
        assert links().places == {kind: [[image.pk, link.tag_id]]}

    def test_that_went_and_came_back_past_the_triggers_are_named(self, image, link):
        ImageTag.objects.filter(pk=link.pk).delete()
        with past_the_triggers():
            link.save(force_insert=True)
        assert links().places == {"removed": [[image.pk, link.tag_id]]}

    def test_a_line_that_is_gone_leaves_the_others_torn(self, image, link):
        for value in ("flexed", "stretched"):
            ImageTag.objects.filter(pk=link.pk).update(value=value)
        with past_the_triggers() as cursor:
            cursor.execute("DELETE FROM tags_tagchange WHERE new_value = 'flexed'")
        assert links().places == {"torn": [[image.pk, link.tag_id]]}

    def test_blanked_values_fit_any_other(self, link):
        for value in ("of Mira", "flexed"):
            ImageTag.objects.filter(pk=link.pk).update(value=value)
        redaction.redact(Texts(value="of Mira"), "tests", "a name")
        assert links().counts == {}

    def test_of_images_far_apart_are_looked_at_too(self):
        far = make_image("knee", pk=2**40)
        with past_the_triggers() as cursor:
            cursor.execute("DELETE FROM tags_imagetag WHERE image_id = %s", [far.pk])
        assert links().places == {"missing": [[far.pk, tag("knee").pk]]}

    def test_no_more_than_some_of_each_kind_are_named(self, monkeypatch):
        monkeypatch.setattr(verification, "IMAGES", 3)
        for _ in range(15):
            make_image("knee")
        with past_the_triggers() as cursor:
            cursor.execute("DELETE FROM tags_imagetag WHERE tag_id = %s", [tag("knee").pk])
        faults = links()
        assert faults.counts == {"missing": 16}
        assert len(faults.places["missing"]) == verification.NAMED


class TestVocabulary:
    def test_that_was_made_and_changed_by_the_service_is_as_its_lines_say(self):
        for name in ("joint", "body", "femur", "tmp"):
            Tag.objects.create(name=name, folded=name)
        vocabulary.imply(tag("knee"), [tag("joint")], TESTS)
        vocabulary.imply(tag("joint"), [tag("body")], TESTS)
        vocabulary.alias(tag("femur"), tag("body"), TESTS)
        renaming.rename(tag("joint"), "hinge", TESTS)
        tag("tmp").delete()
        assert rules().counts == {}
        tag("body").delete()
        assert rules().counts == {}

    def test_tags_that_are_older_than_the_ledger_are_told_and_no_fault(self):
        with past_the_triggers():
            old = Tag.objects.create(name="old", folded="old")
        assert rules().places == {"unrecorded": [[old.pk]]}
        assert rules().count == 0

    @pytest.mark.parametrize(
        ("kind", "statement"),
        [
            ("missing", "DELETE FROM tags_tag WHERE id = %s"),
            ("other name", "UPDATE tags_tag SET name = 'other' WHERE id = %s"),
        ],
    )
    def test_tags_that_somebody_changed_past_the_triggers_are_named(self, kind, statement):
        lone = Tag.objects.create(name="lone", folded="lone")
        with past_the_triggers() as cursor:
            cursor.execute(statement, [lone.pk])
        assert rules().places == {kind: [[lone.pk]]}

    def test_rules_that_somebody_changed_past_the_triggers_are_named(self):
        knee, left = tag("knee"), tag("left")
        vocabulary.imply(knee, [left], TESTS)
        with past_the_triggers() as cursor:
            cursor.execute("DELETE FROM tags_implication")
        assert rules().places == {
            "missing rule": [[knee.pk, left.pk]],
            "stands for others": [[left.pk, knee.pk]],
        }
        with connection.cursor() as cursor:
            cursor.execute("SELECT tags_rewrite_closure(array_agg(id)) FROM tags_tag")
        assert rules().places == {"missing rule": [[knee.pk, left.pk]]}

    def test_aliases_that_somebody_made_past_the_triggers_are_named(self):
        knee, left = tag("knee"), tag("left")
        vocabulary.alias(left, knee, TESTS)
        with past_the_triggers() as cursor:
            cursor.execute("UPDATE tags_tag SET alias_of_id = NULL")
        assert rules().places == {
            "other alias": [[left.pk]],
            "stands for others": [[knee.pk, left.pk]],
        }


@pytest.mark.django_db(transaction=True)
def test_others_that_write_meanwhile_raise_no_alarm(image):
    over = Event()

    def write():
        try:
            for number in count():
                tagging.tag(image, ["new"], TESTS)
                curation.rename(tag("new"), f"new {number}", TESTS)
                tag(f"new {number}").delete()
                if over.is_set():
                    return
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        writing = other.submit(write)
        try:
            for _ in range(20):
                assert (links().counts, rules().counts) == ({}, {})
        finally:
            over.set()
        writing.result()


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["tag", "untag", "value", "rename", "alias", "imply", "delete", "end"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(DEEDS)
def test_whatever_is_done_ledgers_and_state_agree(deeds):
    with transaction.atomic():
        do(deeds)
        assert links().counts == {}
        assert rules().counts == {}
        transaction.set_rollback(True)


def do(deeds):
    images = [make_image() for _ in range(4)]
    names = [f"a{number}" for number in range(4)]
    for number, (deed, one, other) in enumerate(deeds):
        image, tags = images[one], Tag.objects.filter(name=names[other])
        if deed == "tag" and Image.objects.filter(pk=image.pk).exists():
            tagging.tag(image, [names[other]], TESTS)
        elif deed == "untag":
            tagging.untag(image, list(tags.values_list("pk", flat=True)), TESTS)
        elif deed == "value":
            ImageTag.objects.filter(image=image, tag__in=tags).update(value=f"{number}")
        elif deed == "rename":
            tags.update(name=f"b{number}", folded=f"b{number}")
        elif deed == "delete":
            tags.delete()
        elif deed == "end":
            deletion.delete(image)
        elif tags and (others := Tag.objects.exclude(name=names[other])):
            with suppress(vocabulary.Cycle, vocabulary.TooDeep):
                if deed == "alias":
                    vocabulary.alias(tags[0], others[0], TESTS)
                else:
                    vocabulary.imply(tags[0], others[:1], TESTS)
