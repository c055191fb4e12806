"""Ids of requests and traces: which are taken from a client, and which are made."""

import uuid

import pytest

from taggedimages.monitoring import request_ids
from taggedimages.monitoring.request_ids import origin_of

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "given", ["a", "req-7f.3_B", "x" * 64, "c81b9a9f-8db6-412e-8c48-8cff0949d0ae"]
)
def test_an_id_that_fits_is_taken(given):
    assert origin_of(given, None).request_id == given


@pytest.mark.parametrize(
    "given", [None, "", "x" * 65, "a b", "a\nb", "a,b", "ä", "a\n", "a=b", "٣", "<a>", "a;b", "\0"]
)
def test_any_other_is_replaced(given):
    made = origin_of(given, None).request_id
    assert made
    assert made != given
    assert str(uuid.UUID(made)) == made


def test_no_two_requests_share_one_that_is_made():
    assert len({origin_of(None, None).request_id for _ in range(100)}) == 100


@pytest.mark.parametrize("given", [f"00-{TRACE}-{PARENT}-01", f"01-{TRACE}-{PARENT}-00-more"])
def test_the_trace_of_a_traceparent_is_known(given):
    assert origin_of(None, given).trace_id == TRACE


@pytest.mark.parametrize(
    "given",
    [
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        "nonsense",
    ],
)
def test_a_malformed_traceparent_is_none(given):
    assert origin_of(None, given).trace_id is None


def test_a_job_is_within_its_request_and_nobodys_afterwards():
    with request_ids.within("of-the-upload"):
        assert request_ids.current() == "of-the-upload"
    assert request_ids.current() is None
