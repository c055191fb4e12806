"""Which images are the same file, by checksum, and which look alike, by fingerprint.

Fingerprints within NEAR bits of each other differ in one of their four parts by at most one bit:
so it is enough to look, in an index for each part, for the part and its 16 neighbours.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser

from images.models import BAND_BITS, BANDS, Facts, Image
from taggedimages.identity.models import User
from taggedimages.postgresql.routing import read_connection

NEAR = 7
MAX_DUPLICATES, MAX_ALIKE = 100, 1000

Caller = User | AnonymousUser | None


# Answered from the index facts_band_N alone.
BAND = """
SELECT image_id, bit_count((fingerprint # %s)::bit(64)) AS distance FROM images_facts
WHERE ((fingerprint >> {shift}) & 65535) = ANY(%s::bigint[])
AND bit_count((fingerprint # %s)::bit(64)) <= {near}
"""


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
    facts = image.known_facts
    if facts is None or facts.sha256 is None:
        return []
    same = Image.objects.visible_to(user).filter(facts__sha256=facts.sha256).exclude(pk=image.pk)
    return list(same.order_by("id").values_list("id", flat=True)[:MAX_DUPLICATES])


def similar(image: Image, user: Caller) -> dict[int, int]:
    """The other images that look like this one and that a user may see: distance by id.

    Nearest first; distances are bits, 0 to NEAR; of very many, the MAX_ALIKE nearest are looked
    at. Nothing is like an image of a single colour.
    """
    facts = image.known_facts
    if facts is None or facts.fingerprint is None:
        return {}
    near = _near(int(facts.fingerprint))
    near.pop(image.pk, None)
    seen = set(
        Image.objects.visible_to(user).filter(pk__in=list(near)).values_list("pk", flat=True)
    )
    return {found: distance for found, distance in near.items() if found in seen}


def _near(given: int) -> dict[int, int]:
    bands = " UNION ".join(
        BAND.format(shift=number * BAND_BITS, near=NEAR) for number in range(BANDS)
    )
    parameters = [
        value for number in range(BANDS) for value in (given, _neighbours(given, number), given)
    ]
    with read_connection().cursor() as cursor:
        cursor.execute(f"{bands} ORDER BY distance, image_id LIMIT {MAX_ALIKE}", parameters)
        return dict(cursor.fetchall())


def _neighbours(given: int, number: int) -> list[int]:
    """One part of a fingerprint, and all that differ from it in one bit."""
    part = given >> number * BAND_BITS & 2**BAND_BITS - 1
    return [part, *(part ^ 1 << bit for bit in range(BAND_BITS))]
