"""Which images are the same file, by checksum, and which look alike, by fingerprint.

Fingerprints within NEAR bits of each other differ in one of their four parts by at most one bit:
so it is enough to look, in an index for each part, for the part and its 16 neighbours.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Func, IntegerField, Value
from django.db.models.expressions import RawSQL

from images.models import BAND_BITS, BANDS, Facts, Image
from images.querysets import ImageQuerySet
from taggedimages.identity.models import User

NEAR = 7
MAX_DUPLICATES, MAX_ALIKE = 100, 1000

Caller = User | AnonymousUser | None


# Answered from the index facts_band_N alone.
BAND = """
SELECT image_id, bit_count((fingerprint # %s)::bit(64)) AS distance FROM images_facts
WHERE ((fingerprint >> {shift}) & 65535) = ANY(%s::bigint[])
AND bit_count((fingerprint # %s)::bit(64)) <= {near}
"""
BANDED = " UNION ".join(BAND.format(shift=number * BAND_BITS, near=NEAR) for number in range(BANDS))
NEAREST = f"""
SELECT image_id FROM ({BANDED} ORDER BY distance, image_id LIMIT {MAX_ALIKE}) near
"""  # noqa: S608  numbers of this module


def with_checksums(checksums: Iterable[bytes], user: Caller) -> dict[bytes, list[int]]:
    """The ids of the images with these SHA-256 sums that a user may see."""
    found = Facts.objects.filter(
        sha256__in=list(checksums), image__in=Image.objects.visible_to(user)
    )
    ids: dict[bytes, list[int]] = defaultdict(list)
    for checksum, image_id in found.order_by("image_id").values_list("sha256", "image_id"):
        ids[bytes(checksum or b"")].append(image_id)
    return dict(ids)


def duplicates(image: Image, user: Caller) -> list[int]:
    """The ids of up to MAX_DUPLICATES other images with the same bytes that a user may see."""
    same = duplicates_among(image, Image.objects.visible_to(user))
    return list(same.values_list("id", flat=True)[:MAX_DUPLICATES])


def duplicates_among(image: Image, images: ImageQuerySet) -> ImageQuerySet:
    """Those of some images that have the same bytes as another one, by id."""
    facts = image.known_facts
    if facts is None or facts.sha256 is None:
        return images.none()
    return images.filter(facts__sha256=facts.sha256).exclude(pk=image.pk).order_by("pk")


def similar(image: Image, user: Caller) -> dict[int, int]:
    """The other images that look like this one and that a user may see: distance by id.

    Nearest first; distances are bits, 0 to NEAR; of very many, the MAX_ALIKE nearest are looked
    at. Nothing is like an image of a single colour.
    """
    near: Any = similar_among(image, Image.objects.visible_to(user))
    return dict(near.values_list("pk", "distance"))


def similar_among(image: Image, images: ImageQuerySet) -> ImageQuerySet:
    """Those of some images that look like another one as `similar` has it, nearest first, each with
    its `distance`."""
    facts = image.known_facts
    given = facts.fingerprint if facts else None
    distance = Func(
        F("facts__fingerprint"),
        Value(given or 0),
        template="bit_count((%(expressions)s)::bit(64))",
        arg_joiner=" # ",
        output_field=IntegerField(),
    )
    measured = images.annotate(distance=distance).order_by("distance", "pk")
    if given is None:
        return measured.none()
    nearest = RawSQL(NEAREST, _parameters(given))  # noqa: S611  written above
    return measured.filter(pk__in=nearest).exclude(pk=image.pk)


def _parameters(given: int) -> list[Any]:
    return [
        value for number in range(BANDS) for value in (given, _neighbours(given, number), given)
    ]


def _neighbours(given: int, number: int) -> list[int]:
    """One part of a fingerprint, and all that differ from it in one bit."""
    part = given >> number * BAND_BITS & 2**BAND_BITS - 1
    return [part, *(part ^ 1 << bit for bit in range(BAND_BITS))]
