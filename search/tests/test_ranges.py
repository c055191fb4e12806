"""Ranges are folded from the slices of numbers as plain comparisons have it."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.visibility import Viewer
from search.executor import ranges
from search.executor.bitmaps import EVERY_BLOCK
from search.executor.blocks import Blocks
from search.index import fields, terms
from search.models import BLOCK, Bitmap
from search.planner.fields import FieldRange, created_of
from search.planner.resolution import ResolvedQuery
from taggedimages.epochs import EPOCH

pytestmark = pytest.mark.django_db
EVERYBODY = Viewer.of(None)


def numbers_of(bits):
    """Numbers that often have a part in common, some of them as high as there are."""
    most = (1 << bits) - 1
    return st.integers(0, 20) | st.integers(most - 3, most) | st.integers(0, most)


def write_slices(field, numbers):
    """Images by id, as the index has their numbers."""
    slices: dict[int, list[int]] = {}
    for image, number in numbers.items():
        for bit in range(number.bit_length()):
            if number >> bit & 1:
                slices.setdefault(bit, []).append(image)
    for bit, images in slices.items():
        for block, bits in Blocks.of(images).rows():
            Bitmap.objects.create(term=terms.of_slice(field.number, bit), block=block, bits=bits)


def read(asked):
    """The images of a statement that selects (block, bits)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT block, bits::text FROM ({asked.text}) r", asked.parameters)
        return set(Blocks.read(cursor.fetchall()))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), name=st.sampled_from(["width", "size"]))
def test_a_range_has_what_is_within_its_bounds(db, data, name):
    field = fields.NUMBERS[name]
    numbers = numbers_of(field.bits)
    known = data.draw(st.dictionaries(st.sampled_from([5, 6, BLOCK - 1, BLOCK]), numbers))
    of_known = st.sampled_from([0, *known.values()]) | numbers
    asked = FieldRange(name, data.draw(of_known), data.draw(st.none() | of_known))
    resolved = ResolvedQuery(EVERYBODY, ranges=(asked,))
    if resolved.is_empty:
        assert not any(
            number >= asked.at_least and number <= asked.at_most for number in known.values()
        )
        return
    with transaction.atomic():
        write_slices(field, known)
        found = set(known)
        for within in ranges.wanted(resolved, EVERY_BLOCK):
            found &= read(within)
        for beyond in ranges.unwanted(resolved, EVERY_BLOCK):
            found -= read(beyond)
        transaction.set_rollback(True)
    most = float("inf") if asked.at_most is None else asked.at_most
    assert found == {image for image, number in known.items() if asked.at_least <= number <= most}


def test_a_window_reads_slices_of_blocks_that_are_partly_within_alone():
    """Bounds of a block may be too wide, and those inside may be wrong: nobody looks there."""
    start, before = (EPOCH + timedelta(seconds=second) for second in (100, 200))
    spans = {1: (100, 199.9), 2: (0, 99), 3: (150, 250), 4: (200, 300), 5: (0, 500)}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_blockspan")
        for block, span in spans.items():
            created = [EPOCH + timedelta(seconds=second) for second in span]
            cursor.execute("INSERT INTO search_blockspan VALUES (%s, %s, %s)", [block, *created])
    places = {3: 199, 4: 150, 5: 200}
    numbers = {block * BLOCK: fields.of_second(second) for block, second in places.items()}
    write_slices(fields.NUMBERS["created"], numbers)
    resolved = ResolvedQuery(EVERYBODY, created_from=start, created_before=before)
    assert resolved.created == created_of(start, before)
    [within] = ranges.wanted(resolved, EVERY_BLOCK)
    assert read(within) == {*range(BLOCK, 2 * BLOCK), 3 * BLOCK}
