"""Lists tell of many files at once where these are cheaper, and never what is not so."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from images import keys, stock, storage
from images.storage import heads
from images.storage.requests import signer

MINUTE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
OTHER = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
ANOTHER_DAY = datetime(2026, 1, 3, 3, 5, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("own_bucket")


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """Few files make a list worth while."""
    monkeypatch.setattr(stock, "LISTED_MIN", 4)


@pytest.fixture
def asked(monkeypatch) -> Counter[str]:
    """How often the store was asked about one object, and for a list."""
    count: Counter[str] = Counter()
    for name in ("head", "objects"):
        ask = getattr(storage, name)

        def counted(*arguments, name=name, ask=ask):
            count[name] += 1
            return ask(*arguments)

        monkeypatch.setattr(storage, name, counted)
    return count


def make(count: int, at: datetime = MINUTE) -> list[str]:
    """Objects whose records were made in a minute."""
    made = [keys.archived(keys.new_key("knee.png", at)) for _ in range(count)]
    for number, key in enumerate(made):
        storage.put(key, b"x" * number)
    return made


def sizes(told):
    return {key: found and found.size for key, found in told.items()}


def test_files_of_one_minute_are_told_by_a_list(asked):
    made = make(5)
    told = stock.stored(made, 4)
    assert sizes(told) == dict(zip(made, range(5), strict=True))
    assert asked == {"objects": 1}


def test_files_of_one_day_likewise(asked):
    made = make(2) + make(3, OTHER) + make(1, ANOTHER_DAY)
    assert sizes(stock.stored(made, 2)) == dict(zip(made, [0, 1, 0, 1, 2, 0], strict=True))
    assert asked == {"objects": 1}


def test_few_are_asked_about_one_by_one(asked):
    made = make(2) + make(1, ANOTHER_DAY)
    assert sizes(stock.stored(made, 2)) == dict(zip(made, [0, 1, 0], strict=True))
    assert not asked


def test_what_a_quick_request_tells_is_what_the_store_tells():
    (key,) = make(1)
    storage.put("with space/and ü.png", b"bytes")
    with storage.quick_heads(2) as quick_head:
        for stored in (key, "with space/and ü.png"):
            assert quick_head(stored) == storage.head(stored)
        assert quick_head("nowhere") is None


def test_what_quick_requests_do_not_tell_is_asked_for_otherwise(asked, monkeypatch):
    made = make(2)
    monkeypatch.setattr(heads, "signer", lambda: replace(signer(), secret_key="another"))
    assert sizes(stock.stored(made, 2)) == dict(zip(made, [0, 1], strict=True))
    assert asked == {"head": 2}


def test_those_that_no_list_has_are_asked_about(asked):
    made = make(5)
    storage.delete(made[3])
    told = stock.stored(made, 4)
    assert told[made[3]] is None
    assert asked == {"objects": 1, "head": 1}


def test_those_that_are_not_right_are_asked_about_again(asked):
    made = make(5)
    told = stock.stored(made, 4, lambda key, found: key != made[2])
    assert sizes(told)[made[2]] == 2
    assert asked == {"objects": 1, "head": 1}


def test_a_list_of_too_many_others_is_given_up(asked, monkeypatch):
    monkeypatch.setattr(stock, "PAGE", 0)
    monkeypatch.setattr(stock, "LISTED_PER_FILE", 1)
    made = make(20)
    wanted = made[::5]
    assert sizes(stock.stored(wanted, 4)) == dict(zip(wanted, [0, 5, 10, 15], strict=True))
    assert asked == {"objects": 1}


def test_keys_of_any_kind_are_told(asked):
    storage.put("imported/knee.png", b"1")
    told = stock.stored(["imported/knee.png", "nowhere"], 4)
    assert sizes(told) == {"imported/knee.png": 1, "nowhere": None}


def test_of_none_nothing_is_asked(asked):
    assert stock.stored([], 4) == {}
    assert not asked


def test_an_outage_is_not_taken_for_absence(outage):
    with outage(), pytest.raises(storage.StorageUnavailable):
        stock.stored(["anything"], 4)
