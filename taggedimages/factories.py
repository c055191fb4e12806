"""Test data: users with credentials, tags, and images whose files are really in the store."""

import io
import itertools
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from django.conf import settings
from django.db import connection
from django.utils import timezone
from PIL import Image as Picture

from images import keys, storage
from images.models import Image
from images.visibility import Visibility
from taggedimages.identity import credentials
from taggedimages.identity.authors import Author
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import Project, User
from tags import curation, tagging
from tags.models import Tag

# Names of letters: `spare b`, `spare c` and on.
SPARE_TAGS = """
INSERT INTO tags_tag (uuid, name, folded, description, label_en, label_fr, color,
                      public, listed, visible, allow_download)
SELECT gen_random_uuid(), name, name, '', '', '', '#000000', false, true, false, false
FROM (SELECT 'spare ' || translate(n::text, '0123456789', 'abcdefghij') AS name
      FROM generate_series(1, %s) n) made;
SELECT gin_clean_pending_list('tag_folded_part');
SET LOCAL default_statistics_target = 1000;
ANALYZE tags_tag, tags_audiencetag
"""

numbers = itertools.count(1)
TESTS = Author(None, "tests", is_operator=True)


def make_credentials(name: str = "", **options: Any) -> CredentialSet:
    """A user, new unless named before, and a set of credentials."""
    return credentials.issue(name or f"user{next(numbers)}", **options)


def make_user(name: str = "", **options: Any) -> User:
    """A user with a project."""
    return User.objects.get(username=make_credentials(name, **options).username)


def make_tag(name: str = "", **fields: Any) -> Tag:
    """A tag, new unless its name exists."""
    tag = curation.create(name or f"tag{next(numbers)}", TESTS)
    for field, value in fields.items():
        setattr(tag, field, value)
    tag.save()
    return tag


def make_spare_tags(count: int) -> None:
    """Tags that no image has: with many, a planner sees that an index is shorter.

    With so large a sample that it sees the same each time.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPARE_TAGS, [count])


def make_image(
    *tags: str, by: User | None = None, body: bytes | None = None, **fields: Any
) -> Image:
    """An uploaded image with tags. Its record says that there is a file; `body` puts one there."""
    author = Author(by, "tests", is_operator=True)
    created_at: datetime = fields.pop("created_at", timezone.now())
    filename: str = fields.pop("filename", f"image{next(numbers)}.png")
    key = keys.archived(keys.new_key(filename, created_at))
    values = {
        "filename": filename,
        "name": filename,
        "size": len(body) if body is not None else 1000,
        "key": key,
        "created_by": by,
        "project": Project.objects.get_or_create(id=author.project_id)[0],
        "created_at": created_at,
        "uploaded_at": created_at,
    }
    if fields.pop("private", False):
        fields["visibility"] = Visibility.PRIVATE
    image = Image.objects.create(**values | fields)
    if body is not None:
        storage.put(image.key, body)
    if tags:
        tagging.tag(image, tags, author)
    return image


def make_pending(*tags: str, by: User | None = None, **fields: Any) -> Image:
    """An image whose file has not arrived."""
    filename = fields.setdefault("filename", f"image{next(numbers)}.png")
    key = keys.new_key(filename, timezone.now())
    return make_image(*tags, by=by, **{"key": key, "uploaded_at": None, "size": 0} | fields)


def make_png(width: int = 48, height: int = 32, color: str = "#336699", **save: Any) -> bytes:
    """The bytes of a PNG of one colour."""
    buffer = io.BytesIO()
    Picture.new("RGB", (width, height), color).save(buffer, "PNG", **save)
    return buffer.getvalue()


def unknown_uuid() -> str:
    """A uuid that no record has; always the same, since test ids may be made of it."""
    return "00000000-0000-4000-8000-000000000000"


def send(url: str, body: bytes) -> int:
    """PUT a file to a presigned URL, as a client does; the store's status."""
    return urllib3.request("PUT", url, body=body, retries=False).status


def fetch(url: str) -> bytes:
    """What a presigned URL reads."""
    answer = urllib3.request("GET", url, retries=False)
    assert answer.status == 200, answer.data
    return answer.data


def key_in(url: str) -> str:
    """The object key that a presigned URL is for."""
    return unquote(urlsplit(url).path).removeprefix(f"/{settings.S3_BUCKET}/")
