"""What manifests say of the files that `manage.py import_images` is to take."""

import json
from datetime import UTC, datetime

import pytest

from images.models import Image
from images.visibility import audience_of_creator
from taggedimages.factories import make_user
from taggedimages.tests.importing import make_objects, refused, run, tags_by_name, write
from tags.models import ImageTag

# A batch has a connection of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def prefix():
    return make_objects()


MANIFESTS = {
    "m.csv": (
        "filename,tags,created,uploaded,size,private,description\n"
        "knee/1.png,knee|left side,1767000000,2025-12-29T10:00:00Z,10,true,A knee\n"
        "hip/2.png,,,,,,\n"
    ),
    "m.ndjson": (
        '{"filename": "knee/1.png", "tags": ["knee", "left side"], "created": 1767000000,'
        ' "uploaded": "2025-12-29T10:00:00Z", "size": 10, "private": true,'
        ' "description": "A knee"}\n\n{"key": "hip/2.png"}\n'
    ),
    "m.json": json.dumps(
        [
            {
                "filename": "knee/1.png",
                "tags": {"knee": "", "left side": ""},
                "created": "2025-12-29T09:20:00+00:00",
                "uploaded": "2025-12-29T10:00:00",
                "size": "10",
                "private": True,
                "description": "A knee",
            },
            {"filename": "hip/2.png"},
        ]
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_says_what_is_known_of_each_file(prefix, settings, tmp_path, name):
    manifest = write(tmp_path, name, MANIFESTS[name])
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)

    knee, hip = Image.objects.order_by("filename")
    assert (knee.filename, knee.size, knee.visibility) == ("1.png", 10, 2)
    assert knee.description == "A knee"
    assert knee.created_at == datetime(2025, 12, 29, 9, 20, tzinfo=UTC)
    assert knee.uploaded_at == datetime(2025, 12, 29, 10, tzinfo=UTC)
    assert hip.size == len("hip/2.png")
    assert tags_by_name() == {"1.png": ["knee", "left side"], "2.png": []}


def test_values_of_tags_are_kept(prefix, settings, tmp_path):
    line = json.dumps({"filename": "hip/2.png", "tags": {"modality": "mri"}})
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", write(tmp_path, "m.ndjson", line))

    link = Image.objects.get().imagetag_set.get()
    assert (link.tag.name, link.value) == ("modality", "mri")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "row 1: filename or key is missing"),
        ({"filename": "absent.png"}, "row 1: absent.png: there is no such file"),
        ({"filename": "x" * 256, "size": 1}, f"row 1: {'x' * 99}…: the name is too long"),
        (
            {"filename": "a\0.png"},
            r'row 1: filename: "a\x00.png" has null characters or surrogates',
        ),
        (
            {"filename": "a", "tags": ["x" * 256]},
            f'row 1: tags: "{"x" * 99}…" is no name of a tag: A name has at most 255 characters.',
        ),
        ({"filename": "a", "tags": [1]}, "row 1: tags: 1 is no name of a tag"),
        (
            {"filename": "a", "created": "yesterday"},
            'row 1: created: "yesterday" is neither epoch seconds nor a date or time in ISO 8601',
        ),
        ({"filename": "a", "size": -1}, "row 1: size: -1 is no number of bytes"),
        ([], "row 1: [] is no object"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_imported(prefix, settings, tmp_path, row, problem):
    lines = "\n".join(map(json.dumps, [row, {"filename": "hip/2.png"}]))
    manifest = write(tmp_path, "m.ndjson", lines)
    said = refused(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)
    assert said[0] == problem
    assert said[1].startswith("1 images with 0 tags imported, 0 known already, 1 not imported")
    assert Image.objects.get().filename == "2.png"


def test_links_of_an_import_are_described_as_their_images_are(prefix, settings, tmp_path):
    user = make_user()
    manifest = write(
        tmp_path,
        "m.csv",
        "filename,tags,size,private,created\n"
        "1.png,b|a,9,true,1767000000\n2.png,c|a,9,false,1767000001\n3.png,,9,,\n",
    )
    source = f"s3://{settings.S3_BUCKET}/{prefix}"
    run(source, "--manifest", manifest, "--by", user.username)

    one, two, _ = Image.objects.order_by("filename")
    links = ImageTag.objects.order_by("id").select_related("tag")
    private = audience_of_creator(user.project.number, user.pk)
    assert [
        (link.image, link.tag.name, link.image_created_at, link.audience, link.user)
        for link in links
    ] == [
        (one, "b", one.created_at, private, user),
        (one, "a", one.created_at, private, user),
        (two, "c", two.created_at, 0, user),
        (two, "a", two.created_at, 0, user),
    ]


def test_names_and_values_may_be_any_text(prefix, settings, tmp_path):
    texts = ['"', "\\", "a,b", "{}", "NULL", "%s", "'", "{{x}}", '\\"', " ", "|", "ä☃"]
    rows = [
        {
            "filename": f"{n}{text}.png",
            "tags": {f"tag {text}": text},
            "description": text,
            "size": 9,
        }
        for n, text in enumerate(texts)
    ]
    manifest = write(tmp_path, "m.ndjson", "\n".join(map(json.dumps, rows)))
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)

    links = ImageTag.objects.order_by("id").select_related("tag", "image")
    assert [(link.image.filename, link.image.description, link.value) for link in links] == [
        (f"{n}{text}.png", text, text) for n, text in enumerate(texts)
    ]
