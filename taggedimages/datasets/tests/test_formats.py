"""Members in the formats that programs read: each by what reads it, or by its own rules."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest
from django.conf import settings

from images.models import Image
from images.visibility import Visibility
from taggedimages.datasets import erasing
from taggedimages.datasets.fetch import saved_as as saved_by_program
from taggedimages.datasets.file_names import saved_as
from taggedimages.datasets.tests.kept import kept_release, member_of
from taggedimages.datasets.tests.listed import path_of
from taggedimages.datasets.tests.releases import ready_image, ready_images

pytestmark = pytest.mark.django_db
ODD = 'a,"b"|\n=1\\2.png'


@pytest.fixture
def one(db):
    """A release of one member whose texts are hard on every format."""
    image = ready_image()
    said = {
        "name": ODD,
        "tags": ["=knee", 'left, "or" right', "pipe|d"],
        "values": [["=knee", "42\n"], ["pipe|d", ""]],
        "split": "train",
        "group": "00" * 16,
    }
    return kept_release([member_of(image, **said)]), image, said


def text_of(api, release, form):
    answer = api.get(f"{path_of(release)}?format={form}")
    assert answer.status_code == 200, answer.content
    return answer.getvalue().decode()


def test_csv_is_read_as_it_was_written(api, one):
    release, image, said = one
    (row,) = csv.DictReader(io.StringIO(text_of(api, release, "csv"), newline=""))
    assert row.pop("url").startswith("http")
    assert row.pop("expires").isdecimal()
    assert json.loads(row.pop("values")) == said["values"]
    assert row == {
        "id": str(image.pk),
        "uuid": str(image.uuid),
        "name": ODD,
        "file": f"{image.pk}-a,_b___=1_2.png",
        "bytes": str(image.size),
        "format": "png",
        "width": "8",
        "height": "6",
        "sha256": image.facts.sha256_hex,
        "group": "00" * 16,
        "split": "train",
        "tags": '=knee|left, "or" right|pipe\\|d',
    }


def test_csv_leaves_empty_what_there_is_not(api):
    (row,) = csv.DictReader(
        io.StringIO(text_of(api, kept_release([member_of(ready_image())]), "csv"))
    )
    assert (row["group"], row["split"], row["tags"], row["values"]) == ("", "", "", "[]")


def test_aria2_has_three_lines_a_file(api, one):
    release, image, _ = one
    url, out, checksum = text_of(api, release, "aria2").splitlines()
    assert url.startswith("http")
    assert out == f"  out={image.pk}-a,_b___=1_2.png"
    assert checksum == f"  checksum=sha-256={image.facts.sha256_hex}"


def test_sha256sum_has_one(api, one):
    release, image, _ = one
    told = text_of(api, release, "sha256sum")
    assert told == f"{image.facts.sha256_hex}  {image.pk}-a,_b___=1_2.png\n"


def test_sagemaker_names_the_object(api, one):
    release, image, said = one
    assert json.loads(text_of(api, release, "sagemaker")) == {
        "source-ref": f"s3://{settings.S3_BUCKET}/{image.key}",
        "labels": said["tags"],
        "values": said["values"],
        "split": "train",
        "id": image.pk,
        "sha256": image.facts.sha256_hex,
    }


@pytest.mark.parametrize("form", ["csv", "aria2", "sagemaker", "sha256sum"])
def test_withheld_members_are_left_out_and_counted(api, form, transactional_db):
    images = ready_images(4, stored=True)
    release = kept_release(map(member_of, images))
    Image.objects.filter(pk=images[1].pk).update(visibility=Visibility.PRIVATE)
    erasing.erase(images[3].pk, "asked for", "tests")
    answer = api.get(f"{path_of(release)}?format={form}")
    told = answer.getvalue().decode()
    found = [image.facts.sha256_hex in told for image in (images[0], images[1], images[2])]
    assert found == [True, False, True]
    assert len(re.findall("[0-9a-f]{64}", re.sub(r"https?://\S+", "", told))) == 2
    assert answer["Release-Withheld"] == "2"
    assert "Release-Withheld" not in api.head(path_of(release)).headers


def test_answers_say_what_they_are(api, one):
    release, _, _ = one
    told = {}
    for form in ("ndjson", "csv", "aria2", "sagemaker", "sha256sum"):
        answer = api.get(f"{path_of(release)}?format={form}")
        answer.getvalue()
        name = answer["Content-Disposition"].removeprefix(
            f'attachment; filename="{release.dataset.name}@{release.number}.'
        )
        told[form] = (answer["Content-Type"], name)
    assert told == {
        "ndjson": ("application/x-ndjson", 'ndjson"'),
        "csv": ("text/csv; charset=utf-8", 'csv"'),
        "aria2": ("text/plain; charset=utf-8", 'aria2.txt"'),
        "sagemaker": ("application/jsonlines", 'manifest"'),
        "sha256sum": ("text/plain; charset=utf-8", 'sha256"'),
    }


NAMES = [
    "knee.png",
    ODD,
    "../../etc/passwd",
    "..\\x.png",
    "...",
    "con. ",
    "\x85\u2028.png",
    "ü" * 255,
    "x" * 300 + ".dcm",
    "-rf",
    "~root",
]


@pytest.mark.parametrize("name", NAMES)
def test_files_have_names_that_stay_in_their_folder(name, tmp_path):
    saved = saved_as(17, name)
    assert saved.startswith("17-")
    assert Path(saved).name == saved
    assert len(saved.encode()) <= 255 - len(".part")
    assert saved == saved.rstrip(". ")
    (tmp_path / saved).write_bytes(b"")
    assert saved == saved_by_program({"id": 17, "name": name})


def test_without_pyarrow_parquet_is_501(api, one, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = api.get(f"{path_of(one[0])}?format=parquet")
    assert answer.status_code == 501
    assert answer.json() == {
        "code": 501,
        "message": "Parquet needs pyarrow, which is not installed here.",
    }


def test_parquet_is_read_as_it_was_written(api, one, monkeypatch):
    """Where the extra is installed (requirements/parquet.txt)."""
    parquet = pytest.importorskip("pyarrow.parquet")
    release, image, said = one
    answer = api.get(f"{path_of(release)}?format=parquet")
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    (row,) = parquet.read_table(io.BytesIO(answer.getvalue())).to_pylist()
    assert row.pop("url").startswith("http")
    assert row.pop("expires") > 0
    assert row == {
        "id": image.pk,
        "uuid": str(image.uuid),
        "name": ODD,
        "file": saved_as(image.pk, ODD),
        "bytes": image.size,
        "format": "png",
        "width": 8,
        "height": 6,
        "sha256": image.facts.sha256_hex,
        "group": "00" * 16,
        "split": "train",
        "tags": said["tags"],
        "values": [{"tag": tag, "value": value} for tag, value in said["values"]],
    }
