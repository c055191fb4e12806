"""Token buckets: exact, also among many at once, and the same as a plain model of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from taggedimages.identity import buckets
from taggedimages.identity.forgetting import forget_callers
from taggedimages.identity.models import Bucket
from taggedimages.identity.rate_limits import Kind, RateExceeded

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _limited(settings):
    settings.ANONYMOUS = "none"
    settings.RATE_UPLOADS = 5


def passes(caller: str, now: datetime | None = None) -> bool:
    try:
        buckets.take(Kind.UPLOADS, caller, now)
    except RateExceeded:
        return False
    return True


@pytest.mark.django_db
class TestOneCaller:
    def test_so_many_at_once_and_then_one_each_twelve_seconds(self):
        assert [passes("a", START) for _ in range(7)] == [True] * 5 + [False] * 2
        later = START + timedelta(seconds=12)
        assert not passes("a", later - timedelta(microseconds=1))
        assert [passes("a", later) for _ in range(2)] == [True, False]

    def test_who_is_refused_is_told_how_long_to_wait(self):
        for _ in range(5):
            buckets.take(Kind.UPLOADS, "a", START)
        for ago, seconds in ((0, 12), (0.5, 12), (1.5, 11), (11.99, 1)):
            with pytest.raises(RateExceeded) as refused:
                buckets.take(Kind.UPLOADS, "a", START + timedelta(seconds=ago))
            assert refused.value.seconds == seconds
        assert str(refused.value) == "Too many uploads: try again in 1 s."

    def test_the_clock_is_that_of_the_database(self):
        assert [passes("a") for _ in range(6)] == [True] * 5 + [False]
        Bucket.objects.update(full_at=START)
        assert passes("a")

    def test_callers_and_kinds_are_counted_apart(self, settings):
        settings.RATE_SEARCHES = 1
        for _ in range(5):
            buckets.take(Kind.UPLOADS, "a", START)
        buckets.take(Kind.UPLOADS, "b", START)
        buckets.take(Kind.SEARCHES, "a", START)

    def test_zero_is_no_limit_and_open_has_none(self, settings):
        settings.RATE_UPLOADS = 0
        assert all(passes("a", START) for _ in range(20))
        settings.RATE_UPLOADS, settings.ANONYMOUS = 5, "open"
        assert all(passes("a", START) for _ in range(20))
        assert not Bucket.objects.exists()

    def test_any_text_may_be_a_caller(self):
        assert all(passes(text, START) for text in ("", "\0", "\ud800", "x" * 100_000))

    def test_full_buckets_are_forgotten(self):
        for number in range(7):
            buckets.take(Kind.UPLOADS, f"old {number}", START)
        assert passes("new")
        assert forget_callers(at_once=3) == 7
        assert Bucket.objects.count() == 1


@pytest.mark.django_db
@hypothesis_settings(max_examples=60)
@given(
    st.integers(1, 90),
    st.lists(st.one_of(st.just(0), st.integers(0, 30_000_000)), max_size=60),
)
def test_it_is_a_bucket_of_tokens(per_minute, pauses):
    """A model that holds fractions of tokens; pauses are in microseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.RATE_UPLOADS", per_minute)
        Bucket.objects.all().delete()
        each = 60_000_000 // per_minute
        tokens, now = Fraction(per_minute), START
        for pause in pauses:
            now += timedelta(microseconds=pause)
            tokens = min(Fraction(per_minute), tokens + Fraction(pause, each))
            assert passes("a", now) == (tokens >= 1)
            tokens -= tokens >= 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_as_many_pass_as_may(settings):
    settings.RATE_UPLOADS = 40

    def sixteenth(_: int) -> int:
        try:
            return sum(passes("a", START) for _ in range(10))
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(sixteenth, range(16))) == 40


@pytest.mark.django_db(transaction=True)
def test_counts_are_not_logged():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relpersistence FROM pg_class WHERE relname = ANY(%s) ORDER BY relname",
            [["identity_attempts", "identity_bucket", "identity_signedanswer"]],
        )
        assert [kept for _, kept in cursor.fetchall()] == ["u", "u", "p"]
