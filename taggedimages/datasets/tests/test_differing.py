"""What is different between two releases of a data set."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Image
from images.visibility import Viewer, Visibility
from taggedimages.datasets import chunks, differing, erasing
from taggedimages.datasets.members import line_of
from taggedimages.datasets.tests.kept import kept_release, member_of
from taggedimages.datasets.tests.listed import path_of
from taggedimages.datasets.tests.releases import make_dataset, ready_image, ready_images

pytestmark = pytest.mark.django_db
EVERYTHING = Viewer(audiences=None)


def test_the_summary_counts_what_came_went_and_changed(api):
    a, b, c, d, e = ready_images(5)
    dataset = make_dataset()
    before = kept_release(
        [member_of(a, tags=["knee"]), member_of(b, tags=["hip"], split="test"), member_of(c)],
        dataset,
    )
    after = kept_release(
        [
            member_of(b, tags=["knee", "left"], split="train", sha256="0" * 64, bytes=1),
            member_of(c),
            member_of(d, tags=["knee"]),
            member_of(e, values=[["side", "left"]]),
        ],
        dataset,
    )
    assert api.get(f"{path_of(after, 'diff')}?with={before.number}").json() == {
        "dataset": dataset.name,
        "version": after.number,
        "with": before.number,
        "added": {"count": 2, "sample": [d.pk, e.pk]},
        "removed": {"count": 1, "sample": [a.pk]},
        "changed": {"count": 1, "sample": [b.pk]},
        "keys": {"file": 1, "split": 1, "tags": 1},
        "tags": [
            {"tag": "hip", "added": 0, "removed": 1},
            {"tag": "knee", "added": 1, "removed": 0},
            {"tag": "left", "added": 1, "removed": 0},
        ],
        "withheld": 0,
    }
    same = api.get(f"{path_of(after, 'diff')}?with={after.number}").json()
    assert [same[kind]["count"] for kind in ("added", "removed", "changed")] == [0, 0, 0]


def test_as_lines_each_member_is_shown_before_and_after(api):
    a, b = ready_images(2)
    dataset = make_dataset()
    before = kept_release([member_of(a), member_of(b)], dataset)
    after = kept_release([member_of(b, split="test")], dataset)
    answer = api.get(f"{path_of(after, 'diff')}?with={before.number}&format=ndjson")
    gone, changed = map(json.loads, answer.getvalue().splitlines())
    assert gone == {
        "id": a.pk,
        "difference": "removed",
        "before": line_of(member_of(a)),
        "after": None,
    }
    assert (changed["before"]["split"], changed["after"]["split"]) == (None, "test")


def test_of_what_is_withheld_nothing_is_told_but_that_it_differs(api, transactional_db):
    a, b, c = ready_images(3, stored=True)
    dataset = make_dataset()
    before = kept_release([member_of(a, tags=["secret"]), member_of(b), member_of(c)], dataset)
    after = kept_release([member_of(a, tags=["other"]), member_of(c)], dataset)
    Image.objects.filter(pk=a.pk).update(visibility=Visibility.PRIVATE)
    erasing.erase(b.pk, "asked for", "tests")
    url = f"{path_of(after, 'diff')}?with={before.number}"
    told = api.get(url).json()
    assert (told["withheld"], told["tags"], told["changed"]["count"]) == (2, [], 0)
    lines = [json.loads(line) for line in api.get(f"{url}&format=ndjson").getvalue().splitlines()]
    assert lines == [
        {"id": a.pk, "difference": "changed", "withheld": "private"},
        {"id": b.pk, "difference": "removed", "withheld": "erased"},
    ]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("with=0", 400),
        ("with=", 400),
        ("with=one", 400),
        ("with=999999", 404),
        ("with=1&format=csv", 400),
    ],
)
def test_the_other_release_has_to_be_there(api, query, status):
    release = kept_release([member_of(ready_image())])
    assert api.get(f"{path_of(release, 'diff')}?{query}").status_code == status


# Whether each of twelve images is a member, and with which tag.
MEMBERS = st.lists(st.sampled_from([None, "knee", "hip"]), min_size=12, max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=MEMBERS, after=MEMBERS, size=st.integers(1, 5))
def test_it_is_what_two_dictionaries_tell(twelve, before, after, size):
    """Whatever the chunks, and however far one release is ahead of the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_MEMBERS", size)
        old, new = (_release(twelve, tags) for tags in (before, after))
    found = list(differing.differences(old, new, EVERYTHING))
    expected = [
        (image.pk, tag, other)
        for image, tag, other in zip(twelve, before, after, strict=True)
        if tag != other
    ]
    assert [(one.image, _tag(one.before), _tag(one.after)) for one in found] == expected


@pytest.fixture
def twelve(db):
    return ready_images(12)


def _release(images, tags):
    members = [member_of(image, tags=[tag]) for image, tag in zip(images, tags, strict=True) if tag]
    return kept_release(members)


def _tag(line):
    return line and line["tags"][0]
