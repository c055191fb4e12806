"""The look through the vocabulary: all that was planted is found, and nothing else."""

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from taggedimages.factories import TESTS, make_image, make_tag, make_user
from tags import vocabulary
from tags.cleanup import asking, judging, parts, sweep, writing
from tags.cleanup.models import TWINS, CleanupSweep, Finding, Kind, SetAside
from tags.cleanup.tests.names import PLANTED, unlike
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db


def found(*kinds: Kind) -> set[tuple[str, str, str]]:
    """The rows of some kinds, of all if none is named."""
    rows = Finding.objects.filter(kind__in=kinds or [kind.value for kind in Kind])
    return set(rows.values_list("kind", "tag_name", "other_name"))


def use(name: str, images: int) -> Tag:
    """A tag on so many images."""
    tag = make_tag(name)
    for _ in range(images):
        make_image(name)
    return tag


def use_all(names: list[str]) -> None:
    """Tags on two images each, neighbours on others."""
    images = [make_image() for _ in range(4)]
    Tag.objects.bulk_create(Tag(name=name, folded=name.casefold()) for name in names)
    tags = Tag.objects.order_by("id")
    ImageTag.objects.bulk_create(
        ImageTag(image=image, tag=tag, image_created_at=image.created_at)
        for place, tag in enumerate(tags)
        for image in images[place % 2 :: 2]
    )


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_pairs_are_found_with_the_one_that_is_used_more_to_stay(kind):
    for name, other, images, other_images in PLANTED[kind]:
        use(other, other_images)
        use(name, images)
    assert sweep.run()
    assert found(*TWINS) == {(kind.value, name, other) for name, other, *_ in PLANTED[kind]}


def test_nothing_is_found_among_a_thousand_names_that_are_unlike():
    use_all(unlike(1_000))
    assert sweep.run()
    assert found() == set()


def test_the_vocabulary_is_looked_through_in_parts(monkeypatch):
    monkeypatch.setattr(parts, "TAGS_PER_PART", 3)
    pairs = [("Knee", "knee"), ("feet", "foot"), ("left-arm", "left arm"), ("anteroir", "anterior")]
    for name, other in pairs:
        use(other, 3)
        use(name, 2)
    assert sweep.run()
    assert CleanupSweep.objects.get().parts > 2
    assert {row[1:] for row in found()} == set(pairs)


def test_of_as_many_images_the_older_tag_stays():
    for name in ("knees", "knee"):
        use(name, 2)
    sweep.run()
    assert found() == {("plural", "knee", "knees")}


def test_a_tag_with_several_twins_has_one_row():
    """Which leads to the surest, and of these to the one with most images."""
    for name, images in (("left knee", 5), ("Left-Knee", 3), ("left_knee", 2), ("Left knee", 1)):
        use(name, images)
    sweep.run()
    assert found(*TWINS) == {
        ("spacing", "Left-Knee", "left knee"),
        ("spacing", "left_knee", "left knee"),
        ("case", "Left knee", "left knee"),
    }


def test_tags_used_once_and_never():
    use("knee", 2)
    image = make_image("hip")
    make_tag("elbow")
    sweep.run()
    assert found() == {("once", "hip", ""), ("never", "elbow", "")}
    assert Finding.objects.get(kind="once").examples == [image.pk]


def test_what_the_vocabulary_relates_or_has_locked_is_wanted_unused():
    knee, joint, genu = use("knee", 2), make_tag("joint"), make_tag("genu")
    make_tag("featured", status=Tag.Status.LOCKED)
    vocabulary.imply(knee, [joint], TESTS)
    vocabulary.alias(genu, knee, TESTS)
    sweep.run()
    assert found() == set()


def test_links_under_the_name_of_an_alias_are_left_over():
    knee, genu = use("knee", 2), use("genu", 1)
    vocabulary.alias(genu, knee, TESTS)
    sweep.run()
    assert found() == {("left_over", "genu", "knee")}
    row = Finding.objects.get()
    assert (row.images, row.other_images) == (1, 2)


def test_opposites_are_found_where_an_image_has_both():
    for name in ("left knee", "right knee", "no fracture", "fracture"):
        use(name, 2)
    sweep.run()
    assert found() == set()
    both = [make_image("left knee", "right knee") for _ in range(2)]
    denied = make_image("fracture", "no fracture")
    make_image("fracture", "no fracture", ended_at=timezone.now())
    sweep.run()
    assert {row[0] for row in found()} == {"contradiction"}
    rows = {frozenset((row.tag_name, row.other_name)): row for row in Finding.objects.all()}
    knees = rows[frozenset(("left knee", "right knee"))]
    assert (knees.shared, sorted(knees.examples)) == (2, [image.pk for image in both])
    assert rows[frozenset(("fracture", "no fracture"))].examples == [denied.pk]


def test_a_deprecated_tag_that_images_still_have_is_found():
    for name in ("old", "older"):
        use(name, 2)
    Tag.objects.filter(name="old").update(status=Tag.Status.DEPRECATED)
    make_tag("oldest", status=Tag.Status.DEPRECATED)
    sweep.run()
    assert found() == {("contradiction", "old", ""), ("never", "oldest", "")}


def test_tags_of_which_one_implies_the_other_are_no_twins():
    knees, knee = use("knees", 2), use("knee", 2)
    vocabulary.imply(knees, [knee], TESTS)
    sweep.run()
    assert found() == set()


def test_tags_of_other_categories_are_twins_only_where_they_are_the_same():
    categories = {"apples": "brand", "apple": "fruit", "Pear": "brand", "pear": "fruit"}
    for name, category in categories.items():
        use(name, 2)
        Tag.objects.filter(name=name).update(category=category)
    sweep.run()
    assert found() == {("case", "pear", "Pear")}


def test_names_that_are_given_together_are_no_slips():
    """Whoever gives an image both means both."""
    for _ in range(judging.BOTH_LEAST):
        make_image("palatine", "palantine")
    sweep.run()
    assert found() == set()
    for _ in range(judging.BOTH_LEAST):
        make_image("palantine")
    ImageTag.objects.filter(tag__name="palatine").earliest("id").delete()
    sweep.run()
    assert found() == {("spelling", "palatine", "palantine")}


def test_what_is_set_aside_is_not_found_again_whatever_it_is_named():
    knees, knee = use("knees", 2), use("knee", 2)
    SetAside.objects.create(family="twins", low=knees, high=knee, user_name="boss")
    sweep.run()
    assert found() == set()
    Tag.objects.filter(pk=knees.pk).update(name="KNEE")
    Tag.objects.filter(pk=knees.pk).update(folded="knee")
    sweep.run()
    assert found() == set()


def test_what_is_not_found_again_goes():
    use("knees", 2)
    knee = use("knee", 2)
    sweep.run()
    assert len(found()) == 1
    knee.delete()
    assert found() == set()
    use("hips", 2)
    hip = use("hip", 2)
    sweep.run()
    Tag.objects.filter(pk=hip.pk).update(name="elbow", folded="elbow")
    assert len(found()) == 1
    sweep.run()
    assert found() == set()


def test_of_each_kind_so_many_are_kept_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(sweep, "PAIRS", 1)
    monkeypatch.setattr(writing.write, "__defaults__", (3,))
    for number in range(7):
        use(f"{'ab' * (number + 2)} knees", number + 2)
        use(f"{'ab' * (number + 2)} knee", 10)
        make_tag(f"{'cd' * (number + 2)}")
    sweep.run()
    state = CleanupSweep.objects.get()
    assert state.found == {"plural": 7, "never": 7}
    assert sorted(Finding.objects.values_list("kind", "images")) == [
        *[("never", 0)] * 3,
        *[("plural", images) for images in (6, 7, 8)],
    ]


def test_of_two_workers_one_has_it_until_its_lease_ends():
    use("knee", 2)
    one, other = sweep.Sweep(), sweep.Sweep()
    next(one.pieces())
    assert list(other.pieces()) == []
    CleanupSweep.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert len(list(other.pieces())) > 1
    # The first finds that out with its next step, and writes nothing more.
    assert list(one.pieces()) == []


def test_a_worker_that_stalled_writes_nothing_after_another_has_gone_on():
    use("knees", 2)
    use("knee", 2)
    one, other = sweep.Sweep(), sweep.Sweep()
    pieces = one.pieces()
    next(pieces)
    CleanupSweep.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    next(other.pieces())
    assert list(pieces) == []
    assert found() == set()
    assert list(other.pieces())
    assert len(found()) == 1


@pytest.mark.parametrize("stop", range(8))
def test_wherever_a_worker_is_killed_another_finds_the_same(stop):
    for name in ("knees", "knee", "hips", "hip"):
        use(name, 2)
    make_tag("elbow")
    for place, _ in enumerate(sweep.Sweep().pieces()):
        if place == stop:
            break
    CleanupSweep.objects.update(lease_until=None, lease_owner=None, asked_at=None)
    list(sweep.Sweep().pieces())
    state = CleanupSweep.objects.get()
    assert (state.number, state.ended_at is not None) == (1, True)
    assert state.found == {"plural": 2, "never": 1}
    assert len(found()) == 3


def test_who_asks_is_told_of_all_that_is_there_though_a_killed_worker_was_half_through():
    use("knee", 2)
    for place, _ in enumerate(sweep.Sweep().pieces()):
        if place == 3:
            break
    use("knees", 1)
    assert not sweep.run()
    CleanupSweep.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep.run()
    assert found(*TWINS) == {("plural", "knees", "knee")}


def test_it_is_looked_once_a_night_and_when_somebody_asks(settings):
    settings.CLEANUP_SECONDS = 3_600
    assert list(sweep.Sweep().pieces())
    assert list(sweep.Sweep().pieces()) == []
    CleanupSweep.objects.update(began_at=timezone.now() - timedelta(seconds=3_601))
    assert list(sweep.Sweep().pieces())
    asking.ask()
    assert list(sweep.Sweep().pieces())
    assert list(sweep.Sweep().pieces()) == []


def test_with_0_it_is_looked_only_when_somebody_asks(settings):
    settings.CLEANUP_SECONDS = 0
    assert list(sweep.Sweep().pieces()) == []
    asking.ask()
    assert list(sweep.Sweep().pieces())
    assert list(sweep.Sweep().pieces()) == []


def test_a_round_of_the_worker_is_short(monkeypatch, settings):
    monkeypatch.setattr(sweep, "ROUND_SECONDS", 0)
    use("knees", 2)
    use("knee", 2)
    worker = sweep.Sweep()
    assert worker() == 1
    assert found() == set()
    for _ in range(20):
        if not worker():
            break
    assert len(found()) == 1
    # Then it rests before it looks again whether one is due.
    assert worker.due_at > time.monotonic()


def test_pairs_that_take_too_long_are_left_out_and_no_others(monkeypatch):
    for name in ("hips", "hip", "knees", "knee", "feet", "foot"):
        use(name, 2)
    slow = set(Tag.objects.filter(name__in=["knee", "knees"]).values_list("pk", flat=True))
    judged = judging.judged

    def judge(pairs):
        if any(set(pair) == slow for pair in pairs):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")
        return judged(pairs)

    monkeypatch.setattr(sweep, "judged", judge)
    sweep.run()
    assert {row[1] for row in found()} == {"hip", "foot"}


def test_what_fails_is_raised_and_the_same_worker_does_it_again(monkeypatch):
    use("hips", 2)
    use("hip", 2)
    worker = sweep.Sweep()

    def fail(pairs):
        raise DatabaseError("It went away.")

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "judged", fail)
        with pytest.raises(DatabaseError):
            list(worker.pieces())
    assert list(worker.pieces())
    assert len(found()) == 1


def test_projects_that_have_images_of_both_are_told():
    lab, far = (make_user(name, project_id=name) for name in ("lab", "far"))
    for name in ("knees", "knee"):
        make_image(name, by=lab)
    last = make_image("knee", by=lab)
    other = make_image("knee", by=far)
    sweep.run()
    row = Finding.objects.get(kind="plural")
    assert row.tag_name == "knees"
    assert row.projects.keys() == {"lab", "far"}
    assert row.projects["lab"][:1] + row.projects["lab"][2:] == [1, 2, last.pk]
    assert row.projects["far"] == [0, 0, 1, other.pk]


def test_the_number_of_statements_does_not_grow_with_pairs(django_assert_max_num_queries):
    def judge():
        ids = list(Tag.objects.order_by("id").values_list("id", flat=True))
        pairs = list(zip(ids[::2], ids[1::2], strict=True))
        with django_assert_max_num_queries(6):
            return len(judging.judged(pairs))

    counts = []
    for number in range(6):
        for name in ("knees", "knee", "anteroir", "anterior", "no pain", "pain"):
            make_image(f"{name} {'abcdef'[number] * 5}", "x")
        Tag.objects.filter(name="x").delete()
        counts.append(judge())
    assert counts[0] < counts[-1]
