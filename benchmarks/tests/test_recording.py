"""What differs between two recordings is made anew, and nothing else is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from benchmarks.recording import NotRepeatable, Recording, Script, Statement, filled, script
from taggedimages.postgresql.bulk import array, uuids


def recorded(image: int, *values: object) -> Recording:
    return Recording([Statement("INSERT", rows=[(7, image)]), Statement("LINK", values)], image)


def run(made: Script, image: int) -> Any:
    """The values of the second statement of a run."""
    return filled(made.statements[1][1], image, {})


def test_ids_are_those_of_the_run_wherever_they_are():
    made = script(*(recorded(at, at, [at, 15], array([at, 15]), True) for at in (15, 16)))
    assert made.image_at == (0, 0, 1)
    assert run(made, 99) == (99, [99, 15], '{"99","15"}', True)


def test_uuids_are_new_of_the_same_version_and_the_same_wherever_they_were_the_same():
    several = [(uuid, f"2026/01/02/{uuid}/a.png", uuids(1)[0]) for uuid in (uuid4(), uuid4())]
    made = script(*(recorded(at, *values) for at, values in enumerate(several)))
    uuid, key, in_order = run(made, 99)
    assert uuid not in (several[0][0], several[1][0])
    assert key == f"2026/01/02/{uuid}/a.png"
    assert UUID(in_order).version == 7
    assert run(made, 99) != (uuid, key, in_order)


def test_times_begin_now_and_are_as_far_apart_as_they_were():
    before, later = datetime.now(UTC), timedelta(minutes=17)
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]
    made = script(*(recorded(at, time, time + later) for at, time in enumerate(times)))
    created, checked = run(made, 99)
    assert created >= before
    assert timedelta(0) <= checked - created - later < timedelta(minutes=1)


@pytest.mark.parametrize("values", [(3, 4), ("a", "b"), ('{"3"}', '{"4"}'), (None, "1")])
def test_what_differs_for_no_known_reason_is_told(values):
    with pytest.raises(NotRepeatable):
        script(recorded(15, values[0]), recorded(16, values[1]))


def test_without_the_id_in_any_result_there_is_no_script():
    with pytest.raises(NotRepeatable, match="id of the image"):
        script(Recording([Statement("INSERT")], 15), Recording([Statement("INSERT")], 16))
