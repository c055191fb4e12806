"""What stands before and after an image in what a search finds, whatever has come and gone since
one was told its place."""

from typing import NamedTuple

from django.conf import settings

from search.ordering import ORDERS, KeysetPosition
from search.results import SearchResults
from taggedimages.postgresql.limits import ends_within
from taggedimages.postgresql.routing import read_connection

# How far around its place an image is looked for.
AROUND = 50


class Beside(NamedTuple):
    """An image beside another, None at the end of the search; its place, and that of the other one.

    Places are from 0, and None where they are not known: the image is found no longer, or stands
    more than AROUND away from where it was looked for.
    """

    image: int | None
    at: int | None
    place: int | None


def beside(
    results: SearchResults, own: KeysetPosition, order: str, way: int, at: int | None
) -> Beside:
    """What comes after an image at a position of an order of ORDERS, or with `way` -1 before it.

    `at` is its place as far as one knows. Where it is not there, its position tells what is beside
    it, whether or not it is found at all. Raises what `SearchResults.page` does.
    """
    near = {} if at is None else _around(results, at)
    place = near.get(own.image)
    if place == 0 and way < 0:
        return Beside(None, None, place)
    found = None
    if place is not None:
        found = next((image for image, there in near.items() if there == place + way), None)
    if found is None:
        found = _by_position(results, own, order, way)
    return Beside(found, None if found is None else near.get(found), place)


def _around(results: SearchResults, at: int) -> dict[int, int]:
    """The places of the images around one, by their ids."""
    first = max(at - AROUND, 0)
    page = results.page(at + AROUND + 1 - first, first)
    return {record.id: first + number for number, record in enumerate(page.records)}


def _by_position(results: SearchResults, own: KeysetPosition, order: str, way: int) -> int | None:
    if way > 0:
        return next((record.id for record in results.page(1, 0, own).records), None)
    most = settings.PATTERN_TIMEOUT_MS if results.query.match_tags else 0
    with ends_within(most, read_connection()):
        before = ORDERS[order].reversed().positions(results.images, 1, after=own)
    return before[0].image if before else None
