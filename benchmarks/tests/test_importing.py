"""A corpus becomes a manifest, from which all of it is imported."""

import csv
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from benchmarks import importing
from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.throwaway import CommandFailed
from images.models import Image
from tags.models import ImageTag

IMAGES = 200


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return generate(IMAGES, tmp_path)


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.django_db(transaction=True)
def test_every_record_and_every_tag_is_imported(corpus, tmp_path):
    manifest = tmp_path / "manifest.csv"
    links = importing.write_manifest(corpus, manifest)
    call_command("import_images", f"s3://{settings.S3_BUCKET}/", manifest=manifest)
    names = dict(lines(corpus.tags))
    assert Image.objects.count() == IMAGES
    assert links == ImageTag.objects.count() == len(lines(corpus.links))
    imported = ImageTag.objects.values_list("image__key", "tag__name")
    assert {(key.split("/")[1], name) for key, name in imported} == {
        (image, names[tag]) for image, tag in lines(corpus.links)
    }


def test_a_command_is_watched_until_it_ends():
    seconds, most = importing.run(["check"], dict(os.environ))
    assert seconds > 0
    assert most > 10**6


def test_a_command_that_fails_gives_no_figures():
    with pytest.raises(CommandFailed):
        importing.run(["no_such_command"], dict(os.environ))
