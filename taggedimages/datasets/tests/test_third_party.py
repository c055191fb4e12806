"""Somebody who has the docs alone verifies a release: whole, withheld in part, or tampered with."""

import ast
import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from images.models import Image
from images.visibility import Visibility
from taggedimages.datasets import chunks, erasing, signing
from taggedimages.datasets.lines import canonical
from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Chunk, Release, SigningKey
from taggedimages.datasets.statements import statement
from taggedimages.datasets.tests import third_party
from taggedimages.datasets.tests.kept import kept_release, member_of
from taggedimages.datasets.tests.releases import ready_image, ready_images, released
from taggedimages.datasets.tests.third_party import NotProved

pytestmark = pytest.mark.django_db(transaction=True)
MORE_THAN_A_CHUNK = 10_003


@pytest.fixture
def verify(live_server):
    return lambda release: third_party.verify(live_server.url, release.dataset.name, release.number)


def signed_release(members: Iterable[Member]) -> Release:
    """A release of these members with the statement that a worker writes."""
    release = kept_release(members)
    digests = [bytes(chunk.digest) for chunk in chunks.of(release.pk)]
    written = chunks.Written(digests, release.members, release.bytes)
    report: dict[str, Any] = {"contracts": [], "splits": None, "excluded": 0}
    said = statement(release, written, report, timezone.now())
    signing.ensure_key()
    release.statement, release.signature = said.decode(), signing.signed(said)
    release.save()
    return release


def test_it_imports_nothing_of_the_service():
    tree = ast.parse(Path(third_party.__file__).read_text())
    froms = [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imports = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    assert not [name for name in froms + imports if name.startswith(("taggedimages", "images"))]


def test_a_release_of_several_chunks_is_proved_withheld_members_too(verify):
    """Of most members there is no record, so that they are withheld, too."""
    images = ready_images(3, "knee")
    member = member_of(images[0])
    others = [member._replace(id=10**6 + number) for number in range(MORE_THAN_A_CHUNK)]
    release = signed_release([*map(member_of, images), *others])
    said = verify(release)
    assert (said["members"], len(said["chunks"])) == (MORE_THAN_A_CHUNK + 3, 2)
    assert said["digest"] == release.digest
    Image.objects.filter(pk=images[0].pk).update(visibility=Visibility.PRIVATE)
    erasing.erase(images[1].pk, "asked for", "tests")
    assert verify(release) == said


def test_names_of_every_kind_are_hashed_as_rfc_8785_has_them(verify):
    names = ["größe", "膝", "a\u00a0b", "🦴", '"\\/', "e\u0301", "\ufffd", "a=b", "Z", "_"]
    for name in names:
        ready_image(name, "knee", filename=f"{name}.png")
    verify(released())


def test_an_old_key_goes_on_proving_what_it_has_signed(verify):
    ready_images(2)
    old = released()
    signing.rotate()
    new = released(old.dataset)
    assert (verify(old)["version"], verify(new)["version"]) == (1, 2)
    assert SigningKey.objects.count() == 2


def encoded(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def rewrite_line(release):
    chunk = Chunk.objects.get(release=release)
    first, *others = chunks.lines_in(chunk)
    line = canonical(json.loads(first) | {"tags": ["another"]})
    Chunk.objects.filter(release=release).update(lines=chunks.compressed([line, *others]))


def drop_line(release):
    chunk = Chunk.objects.get(release=release)
    lines = chunks.lines_in(chunk)[1:]
    Chunk.objects.filter(release=release).update(
        lines=chunks.compressed(lines), leaves=bytes(chunk.leaves)[32:]
    )


def swap_lines(release):
    chunk = Chunk.objects.get(release=release)
    lines = chunks.lines_in(chunk)[::-1]
    Chunk.objects.filter(release=release).update(lines=chunks.compressed(lines))


def rewrite_leaf(release):
    """Where it is all that is told."""
    chunk = Chunk.objects.get(release=release)
    Image.objects.filter(pk=chunk.first_image).update(visibility=Visibility.PRIVATE)
    Chunk.objects.filter(release=release).update(leaves=b"x" + bytes(chunk.leaves)[1:])


def rewrite_statement(release):
    header, payload, signature = release.signature.split(".")
    said = third_party.decoded(payload).replace(b'"members":3', b'"members":2')
    assert said != third_party.decoded(payload)
    forged = encoded(said)
    Release.objects.filter(pk=release.pk).update(signature=f"{header}.{forged}.{signature}")


def sign_with_another_key(release):
    statement = third_party.decoded(release.signature.split(".")[1])
    kid = SigningKey.objects.get().kid
    signing.rotate()
    header, payload, signature = signing.signed(statement).split(".")
    said = json.loads(third_party.decoded(header)) | {"kid": kid}
    forged = encoded(json.dumps(said).encode())
    Release.objects.filter(pk=release.pk).update(signature=f"{forged}.{payload}.{signature}")


def show_another_digest(release):
    Release.objects.filter(pk=release.pk).update(digest="sha256:" + "0" * 64)


@pytest.mark.parametrize(
    "tamper",
    [
        rewrite_line,
        drop_line,
        swap_lines,
        rewrite_leaf,
        rewrite_statement,
        sign_with_another_key,
        show_another_digest,
    ],
)
def test_whatever_is_tampered_with_shows(verify, tamper):
    ready_images(3, "knee")
    release = released()
    verify(release)
    tamper(release)
    with pytest.raises(NotProved):
        verify(release)
