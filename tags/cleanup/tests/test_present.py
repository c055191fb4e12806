"""The list as it is now, for whom it is; what is decided of a row."""

import pytest
from django.utils import timezone

from images.visibility import Viewer
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.authors import ADMIN, Author
from tags import restriction, rights, shown, vocabulary
from tags.cleanup import deciding, present, sweep
from tags.cleanup.models import Finding, Kind, SetAside
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db
ALL = Viewer(audiences=None)


def names(viewer: Viewer = ALL, *kinds: Kind) -> set[str]:
    """The rows that a viewer is shown, as they are written."""
    found = present.rows(viewer)
    return {str(row) for row in (found.filter(kind__in=kinds) if kinds else found)}


def used(*given: str, times: int = 2) -> None:
    """Tags, each on images of its own."""
    for name in given:
        for _ in range(times):
            make_image(name)


def test_a_row_goes_as_soon_as_one_of_its_tags_is_merged_renamed_or_deleted():
    used("knees", "knee", "hips", "hip", "elbows", "elbow")
    sweep.run()
    assert names() == {"knee / knees", "hip / hips", "elbow / elbows"}
    vocabulary.alias(Tag.objects.get(name="knee"), Tag.objects.get(name="knees"), TESTS)
    assert names(ALL, Kind.PLURAL) == {"hip / hips", "elbow / elbows"}
    Tag.objects.get(name="hips").delete()
    Tag.objects.filter(name="elbow").update(name="cubitus", folded="cubitus")
    assert names(ALL, Kind.PLURAL) == set()


def test_a_rare_tag_goes_as_soon_as_it_is_used_once_more():
    make_tag("elbow")
    make_image("hip")
    sweep.run()
    assert names() == {"elbow", "hip"}
    used("elbow", "hip", times=1)
    assert names() == set()


def test_what_is_left_over_goes_with_its_last_link():
    used("genu", "knee")
    vocabulary.alias(Tag.objects.get(name="genu"), Tag.objects.get(name="knee"), TESTS)
    sweep.run()
    assert names() == {"genu / knee"}
    links = ImageTag.objects.filter(tag__name="genu")
    links.earliest("id").delete()
    assert names() == {"genu / knee"}
    links.get().delete()
    assert names() == set()


def test_opposites_go_with_the_last_image_that_has_both():
    used("fracture", "no fracture")
    images = [make_image("fracture", "no fracture") for _ in range(2)]
    sweep.run()
    (row,) = names()
    images[0].imagetag_set.filter(tag__name="fracture").delete()
    assert names() == {row}
    images[1].imagetag_set.filter(tag__name="no fracture").delete()
    assert names() == set()


def test_set_aside_a_row_stays_away_for_good_and_comes_back_when_that_is_taken_back():
    used("knees", "knee")
    make_tag("elbow")
    sweep.run()
    aside = deciding.set_aside(Finding.objects.all(), TESTS)
    assert names() == set()
    sweep.run()
    assert names() == set()
    # Whatever the two are named, and with every kind of twins.
    Tag.objects.filter(name="knee").update(name="KNEES", folded="knees")
    sweep.run()
    assert names() == set()
    # Of a tag that was wanted unused, once is wanted too.
    make_image("elbow")
    sweep.run()
    assert names() == set()
    deciding.take_back(aside)
    sweep.run()
    assert names() == {"KNEES / knees", "elbow"}


def test_set_aside_twice_is_once():
    used("knees", "knee")
    sweep.run()
    for _ in range(2):
        deciding.set_aside(Finding.objects.all(), Author(make_user("mira"), ADMIN))
    aside = SetAside.objects.get()
    assert (aside.family, aside.user_name) == ("twins", "mira")


@pytest.fixture
def lab():
    return make_user("mira", project_id="lab", staff=True)


@pytest.fixture
def far():
    return make_user("omar", project_id="far")


def seen_by(user, *, who_made: bool = False) -> Viewer:
    """As staff of a user's project look in the admin, others than the user unless said so."""
    owner = user.pk if who_made else None
    return Viewer(audiences=None, project=user.project_id, owner=owner)


def test_a_project_is_shown_rows_whose_tags_are_all_on_its_images(lab, far):
    for name in ("knees", "knee"):
        make_image(name, by=lab)
        make_image(name, by=far)
    for name, by in (("hips", lab), ("hip", far), ("elbows", far), ("elbow", far)):
        make_image(name, by=by)
        make_image(name, by=by)
    make_image("toe", by=lab)
    make_image("finger", by=far)
    sweep.run()
    assert names() == {"knee / knees", "hip / hips", "elbow / elbows", "toe", "finger"}
    assert names(seen_by(lab)) == {"knee / knees", "toe"}
    assert names(seen_by(far)) == {"knee / knees", "elbow / elbows", "finger"}


def test_it_is_not_shown_what_its_images_had_once(lab, far):
    images = [make_image(name, by=lab) for name in ("knees", "knee", "hips", "hip")]
    for name in ("knees", "knee", "hips", "hip"):
        make_image(name, by=far)
    sweep.run()
    assert names(seen_by(lab)) == {"knee / knees", "hip / hips"}
    images[0].imagetag_set.all().delete()
    type(images[2]).objects.filter(pk=images[2].pk).update(ended_at=timezone.now())
    assert names(seen_by(lab)) == set()
    assert names() == {"knee / knees", "hip / hips"}


def test_opposites_are_shown_to_the_project_of_an_image_that_has_both(lab, far):
    for by in (lab, far):
        make_image("left", by=by)
        make_image("right", by=by)
    make_image("left", "right", by=far)
    sweep.run()
    assert names(seen_by(far)) == names() != set()
    assert names(seen_by(lab)) == set()


def test_what_is_never_used_is_shown_to_whoever_made_it(lab, far):
    make_tag("elbow")
    sweep.run()
    assert (names(), names(seen_by(lab, who_made=True))) == ({"elbow"}, set())
    shown.made_by(lab, ["elbow"])
    assert [names(seen_by(user, who_made=True)) for user in (lab, far)] == [{"elbow"}, set()]


def test_what_is_left_over_is_shown_with_the_alias_alone(lab):
    make_image("genu", by=lab)
    vocabulary.alias(Tag.objects.get(name="genu"), make_tag("knee"), TESTS)
    sweep.run()
    assert names(seen_by(lab)) == {"genu / knee"}


def test_a_tag_that_nobody_uses_is_deleted():
    make_tag("elbow")
    sweep.run()
    row = Finding.objects.get()
    assert deciding.delete_rare(row, TESTS)
    assert not Tag.objects.exists()
    assert not deciding.delete_rare(row, TESTS)


def test_a_tag_that_is_used_meanwhile_is_kept():
    make_tag("elbow")
    make_image("hip")
    sweep.run()
    never, once = (Finding.objects.get(kind=kind) for kind in ("never", "once"))
    used("elbow", "hip", times=1)
    for row in (never, once):
        with pytest.raises(deciding.UsedMeanwhile):
            deciding.delete_rare(row, TESTS)
    assert Tag.objects.count() == 2


def test_a_tag_used_once_is_deleted_with_its_link():
    image = make_image("hip")
    sweep.run()
    assert deciding.delete_rare(Finding.objects.get(), TESTS)
    assert not image.imagetag_set.exists()


def test_whoever_may_not_change_a_tag_does_not_delete_it(lab, far):
    make_image("hip", by=far)
    make_tag("featured")
    sweep.run()
    for name, refusal in (("hip", rights.OnImagesOfOthers),):
        with pytest.raises(refusal):
            deciding.delete_rare(Finding.objects.get(tag__name=name), Author(lab, ADMIN))
    with pytest.raises(restriction.Restricted):
        deciding.delete_rare(Finding.objects.get(tag__name="featured"), Author(far, ADMIN))
    assert Tag.objects.count() == 2
