"""Numbers and texts of a file that no column holds are that file's failure, and nobody else's."""

import io
import json
import struct

import pytest
from django.utils import timezone
from PIL import Image as Picture

from images import inspection_jobs, processing
from images.inspection import sandbox
from images.inspection.findings import Findings, believed
from images.models import Image
from images.tests.files import dicom, encoded, photo
from images.tests.tiff_files import page, tiff
from taggedimages.factories import make_image


def wide_tiff(width=3_000_000_000, height=10):
    return tiff(page(width, height, [8], 1), [b"\0" * 100])


def narrow_bmp(width=-127, height=40):
    body = bytearray(encoded(photo(), "BMP"))
    body[18:26] = struct.pack("<ii", width, height)
    return bytes(body)


HOSTILE = {
    "a width over 31 bits": (wide_tiff(), "too_large"),
    "a height over 31 bits": (wide_tiff(1, 4_294_967_295), "too_large"),
    "two sides over 31 bits": (wide_tiff(2**32 - 1, 2**32 - 1), "too_large"),
    "no width": (wide_tiff(0, 10), "unreadable"),
    "a width below 0": (narrow_bmp(), "unreadable"),
    "the least height": (narrow_bmp(10, -(2**31)), "too_large"),
    "frames below 0": (dicom(header={"NumberOfFrames": -5}), "unreadable"),
    "very many frames": (dicom(header={"NumberOfFrames": 2**31 - 1}), "too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_size_that_no_column_holds_is_told(look, name):
    body, word = HOSTILE[name]
    found = look(body).findings
    assert found.problem.partition(":")[0] == word
    assert 0 <= found.width < 2**31
    assert 0 <= found.height < 2**31


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_is_the_usual_one(look, orientation):
    exif = Picture.Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "TIFF", "PNG", "WEBP"):
        found = look(encoded(photo(), kind, exif=exif)).findings
        assert (found.problem, found.orientation) == ("", 1)


@pytest.mark.django_db
def test_sixty_such_files_hold_up_no_good_one():
    bodies = [body for body, _ in HOSTILE.values()]
    bad = [make_image(body=bodies[at % len(bodies)], check_at=timezone.now()) for at in range(60)]
    good = make_image(body=encoded(photo(), "PNG"), check_at=timezone.now())
    assert processing.sweep() == 61
    states = Image.objects.select_related("facts").in_bulk()
    assert {(states[image.pk].state, states[image.pk].attempts) for image in bad} == {("failed", 1)}
    assert states[good.pk].state == "ready"


SOUND = Findings(format="png", media_type="image/png", width=1, height=1, color="#000000")


def told(**other):
    return json.loads(json.dumps(SOUND.__dict__ | other))


UNSOUND = [
    {"width": 3_000_000_000},
    {"width": -1},
    {"width": 1.5},
    {"height": "10"},
    {"height": True},
    {"orientation": 40_000},
    {"orientation": 0},
    {"format": "x" * 17},
    {"format": None},
    {"media_type": "x/" + "y" * 200},
    {"media_type": "text/html\r\nX: y"},
    {"color": "red"},
    {"color": "#12345"},
    {"taken_at": float("inf")},
    {"taken_at": 1e18},
    {"taken_at": "yesterday"},
    {"gps": [91.0, 0.0]},
    {"gps": [float("nan"), 0.0]},
    {"gps": [0.0]},
    {"exif": []},
    {"exif": {"Make": "a\0b"}},
    {"exif": {"Make": "\ud800"}},
    {"exif": {"a\0": 1}},
    {"exif": {"FNumber": float("nan")}},
    {"exif": {"FNumber": 10**400}},
    {"exif": {"a": [[[[[[[[[[1]]]]]]]]]]}},
    {"dicom": "x"},
    {"dicom": {"Modality": float("-inf")}},
    {"thumbhash": "x" * 41},
    {"thumbhash": "<>"},
    {"fingerprint": 2**63},
    {"fingerprint": 0.5},
    {"problem": None},
    {"unheard_of": 1},
]


@pytest.mark.parametrize("other", UNSOUND, ids=str)
def test_what_a_child_tells_is_not_believed_without_a_look(other):
    assert believed(told()) == SOUND
    with pytest.raises((ValueError, TypeError)):
        believed(told(**other))


def test_a_reason_is_cut_and_cleaned():
    assert believed(told(problem="unreadable: \0" + "x" * 400)).problem == (
        "unreadable: " + "x" * 243
    )


@pytest.mark.django_db
def test_what_nobody_foresaw_is_the_failure_of_that_image_alone(monkeypatch):
    """Even where the look at the findings has a gap, the worker's round goes on."""
    gaps = {"exif": {"Make": "a\0b"}}, {"width": 3_000_000_000}, {"height": -1}, {"taken_at": 1e15}
    images = [make_image(body=encoded(photo(), "PNG"), check_at=timezone.now()) for _ in gaps]
    run = sandbox.run
    for image, other in zip(images, gaps, strict=True):

        def gap(*arguments, other=other, **named):
            inspected = run(*arguments, **named)
            inspected.findings.__dict__.update(other)
            return inspected

        monkeypatch.setattr(sandbox, "run", gap)
        inspection_jobs.inspect(image)
    found = Image.objects.select_related("facts").in_bulk()
    assert {found[image.pk].reason for image in images} == {
        "unreadable: it says what the database cannot hold"
    }


@pytest.mark.parametrize(
    "previews",
    [
        {"../../evil": 10, "large": 1, "full": 1},
        {"mini": -1, "large": 1, "full": 1},
        {"mini": 10**12, "large": 1, "full": 1},
        {"mini": 4, "large": 4, "full": 4},
        ["mini"],
        "mini",
    ],
    ids=str,
)
def test_no_other_previews_are_taken_than_are_made(previews):
    line = json.dumps({"findings": told(), "previews": previews}).encode()
    with pytest.raises(sandbox.Failed):
        sandbox.read(io.BytesIO(line + b"\n<script>alert(1)</script>"))
