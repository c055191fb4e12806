"""GET /v1/images: pages of records, newest first."""

from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest

from taggedimages.factories import make_image, make_pending, make_user

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EPOCH_NOON = int(NOON.timestamp())


def browse(api, **parameters):
    """The ids on a page, and what is told of the page."""
    answer = api.get("/v1/images", parameters)
    assert answer.status_code == 200, answer.json()
    return [record["id"] for record in answer.json()["results"]], answer.json()["meta"]


def ids(api, **parameters):
    return browse(api, **parameters)[0]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def meta(page: int, more: bool, total: int):
    return {"current_page": page, "has_more_pages": more, "total_results": total}


def test_an_empty_corpus_is_an_empty_page(api):
    answer = api.get("/v1/images")
    assert answer.status_code == 200
    assert answer.json() == {"results": [], "meta": meta(0, False, 0)}


def test_a_page_holds_whole_records(api):
    image = make_image("knee", by=make_user("mira"), filename="knee.dcm", created_at=NOON)
    assert api.get("/v1/images").json() == {
        "results": [
            {
                "id": image.pk,
                "created_by": "mira",
                "created_timestamp": EPOCH_NOON,
                "filename": "knee.dcm",
                "size": 1000,
                "tags": [{"id": image.tags.get().pk, "name": "knee"}],
                "uploaded_timestamp": EPOCH_NOON,
                "url": ANY,
                "visibility": "public",
            }
        ],
        "meta": meta(0, False, 1),
    }


def test_tags_come_in_the_order_of_their_links(api):
    make_image("zebra", "apple")
    (record,) = api.get("/v1/images").json()["results"]
    assert [tag["name"] for tag in record["tags"]] == ["zebra", "apple"]


def test_both_slash_forms_and_unknown_parameters_are_fine(api):
    answer = api.get("/v1/images/", {"sort": "odd", "format": "xml", "exact_tags": "nope"})
    assert answer.status_code == 200


# --- pages and order -----------------------------------------------------------------------------


def test_newest_first_and_ties_by_id(api):
    old = make_image(created_at=at(-9))
    first, second, third = (make_image(created_at=NOON) for _ in range(3))
    new = make_image(created_at=at(9))
    assert ids(api) == [new.pk, third.pk, second.pk, first.pk, old.pk]


def test_pages_count_from_0_and_never_overlap(api):
    made = [make_image(created_at=NOON).pk for _ in range(5)][::-1]
    assert browse(api, limit=2) == (made[:2], meta(0, True, 5))
    assert browse(api, limit=2, page=1) == (made[2:4], meta(1, True, 5))
    assert browse(api, limit=2, page=2) == (made[4:], meta(2, False, 5))


def test_a_full_last_page_has_no_more(api):
    for _ in range(4):
        make_image()
    assert browse(api, limit=2, page=1)[1] == meta(1, False, 4)


@pytest.mark.parametrize("page", [1, 99, 2**63 - 1])
def test_a_page_past_the_end_is_empty(api, page):
    make_image()
    assert browse(api, page=page) == ([], meta(page, False, 1))


def test_a_page_has_100_records_unless_told(api):
    for _ in range(101):
        make_image()
    assert len(ids(api)) == len(ids(api, limit=100)) == 100
    assert len(ids(api, page=1)) == 1


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *[("limit", value) for value in ("0", "-1", "101", "ten", "1.5", "", "1e2", "٣", "0x5")],
        *[("page", value) for value in ("-1", "one", "0.0", "", " 1", str(2**63))],
        *[("start_timestamp", value) for value in ("now", "", "1.5", str(2**63), "9" * 5000)],
        *[("end_timestamp", value) for value in ("", "2026-01-02", str(-(2**63) - 1), "\0")],
        *[("uploaded_only", value) for value in ("yes", "2", "", "on", "null", "truefalse")],
    ],
)
def test_a_bad_parameter_is_400(api, parameter, value):
    answer = api.get("/v1/images", {parameter: value})
    body = answer.json()
    assert answer.status_code == 400
    assert body == {"code": 400, "message": ANY, "errors": [body["message"]]}
    assert body["message"].startswith(f"{parameter}: ")


@pytest.mark.parametrize("images", [2, 20])
def test_a_page_costs_two_statements_however_long(api, images, django_assert_num_queries):
    for n in range(images):
        make_image("a", f"b{n}", by=make_user())
    # Names that this process has not met cost a statement more.
    ids(api)
    with django_assert_num_queries(2):
        assert len(ids(api)) == images


# --- time windows --------------------------------------------------------------------------------


def test_a_window_takes_in_both_its_ends(api):
    before, start, end, after = (make_image(created_at=at(s)).pk for s in (-1, 0, 10, 11))
    assert ids(api, start_timestamp=EPOCH_NOON, end_timestamp=EPOCH_NOON + 10) == [end, start]
    assert ids(api, start_timestamp=EPOCH_NOON) == [after, end, start]
    assert ids(api, end_timestamp=EPOCH_NOON + 10) == [end, start, before]


def test_the_end_takes_in_its_whole_second(api):
    inside, outside = (make_image(created_at=at(s)).pk for s in (0.999999, 1))
    assert ids(api, end_timestamp=EPOCH_NOON) == [inside]
    assert ids(api, start_timestamp=EPOCH_NOON + 1) == [outside]


def test_a_record_is_found_by_the_second_that_it_shows(api):
    make_image(created_at=at(0.7))
    (record,) = api.get("/v1/images").json()["results"]
    shown = record["created_timestamp"]
    assert ids(api, start_timestamp=shown, end_timestamp=shown) == [record["id"]]


def test_0_is_open_at_either_end(api):
    image = make_image(created_at=NOON)
    assert ids(api, start_timestamp=0, end_timestamp=0) == [image.pk]


def test_a_start_after_the_end_is_an_empty_page(api):
    make_image(created_at=NOON)
    window = {"start_timestamp": EPOCH_NOON + 1, "end_timestamp": EPOCH_NOON - 1}
    assert browse(api, **window) == ([], meta(0, False, 0))


def test_instants_beyond_all_calendars_are_fine(api):
    image = make_image(created_at=NOON)
    assert ids(api, start_timestamp=-(2**63), end_timestamp=2**63 - 1) == [image.pk]
    assert ids(api, start_timestamp=2**63 - 1) == ids(api, end_timestamp=-(2**63)) == []


def test_times_before_the_epoch_are_told_apart(api):
    make_image(created_at=NOON)
    old = make_image(created_at=datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert ids(api, end_timestamp=-1) == [old.pk]
    assert ids(api, end_timestamp=-2) == []


# --- uploaded_only -------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["true", "1", "True", "TRUE", "tRuE"])
def test_uploaded_only_leaves_pending_records_out(api, asked):
    image = make_image()
    make_pending()
    assert browse(api, uploaded_only=asked) == ([image.pk], meta(0, False, 1))


@pytest.mark.parametrize("asked", [{}, *({"uploaded_only": v} for v in ("false", "0", "False"))])
def test_pending_records_are_listed_unless_told(api, asked):
    image, pending = make_image(created_at=at(-1)), make_pending(created_at=NOON)
    assert ids(api, **asked) == [pending.pk, image.pk]
