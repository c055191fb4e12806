"""Attempts to log in: never more within a minute than are allowed, whenever it begins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from taggedimages.identity import attempts
from taggedimages.identity.forgetting import forget_callers
from taggedimages.identity.models import Attempts
from taggedimages.identity.rate_limits import Kind, RateExceeded

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def take(now: datetime | None = None, caller: str = "a") -> datetime | None:
    return attempts.take(Kind.WRONG_PASSWORDS, caller, now)


def passes(now: datetime | None = None) -> bool:
    try:
        take(now)
    except RateExceeded:
        return False
    return True


@pytest.mark.django_db
def test_ten_and_then_none_until_the_first_is_a_minute_old():
    for second in range(10):
        take(START + timedelta(seconds=second))
    for passed, wait in ((10.0, 50), (59.5, 1)):
        with pytest.raises(RateExceeded) as refused:
            take(START + timedelta(seconds=passed))
        assert refused.value.seconds == wait
        with pytest.raises(RateExceeded):
            attempts.check(Kind.WRONG_PASSWORDS, "a", START + timedelta(seconds=passed))
    assert passes(START + MINUTE)
    assert not passes(START + MINUTE)
    assert passes(START + MINUTE + timedelta(seconds=1))


@pytest.mark.django_db
def test_to_look_counts_nothing():
    for _ in range(20):
        attempts.check(Kind.WRONG_PASSWORDS, "a", START)
    assert passes(START)


@pytest.mark.django_db
def test_what_is_given_back_has_not_been_and_only_that():
    at = [take(START) for _ in range(10)]
    assert len(set(at)) == 10
    attempts.give_back(Kind.WRONG_PASSWORDS, "a", at[3])
    attempts.give_back(Kind.WRONG_PASSWORDS, "a", at[3])
    assert [passes(START), passes(START)] == [True, False]
    attempts.give_back(Kind.WRONG_PASSWORDS, "nobody", START)


@pytest.mark.django_db
def test_all_may_be_given_back():
    attempts.give_back(Kind.WRONG_PASSWORDS, "a", take(START))
    assert sum(passes(START) for _ in range(12)) == 10


@pytest.mark.django_db
@hypothesis_settings(max_examples=60)
@given(st.integers(1, 12), st.lists(st.integers(0, 40), max_size=60))
def test_no_minute_has_more_than_are_allowed(per_minute, pauses):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.RATE_WRONG_PASSWORDS", per_minute)
        Attempts.objects.all().delete()
        passed: list[datetime] = []
        now = START
        for pause in pauses:
            # So far apart that the microseconds between those of one instant are none.
            now += timedelta(seconds=pause) + timedelta(milliseconds=bool(pause))
            recent = [at for at in passed if now - at < MINUTE]
            assert passes(now) == (len(recent) < per_minute)
            passed += [now] if len(recent) < per_minute else []


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_as_many_pass_as_may():
    def some(_: int) -> int:
        try:
            return sum(passes() for _ in range(5))
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(some, range(16))) == 10


@pytest.mark.django_db
def test_old_ones_are_forgotten():
    take(START)
    attempts.give_back(Kind.WRONG_PASSWORDS, "b", take(START, "b"))
    take(caller="c")
    assert forget_callers() == 2
    assert Attempts.objects.count() == 1
