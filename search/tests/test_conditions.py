"""What narrows and orders all lists of /v1: images, the images of a tag, and searches."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest

from images.models import Facts
from taggedimages.factories import make_image, make_pending, make_tag

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EPOCH_NOON = int(NOON.timestamp())
PAST_64_BITS = 2**63


@pytest.fixture(params=["images", "tags/{tag}/images", "search/images"])
def ask(request, api):
    """Asks one of the lists; all images of these tests are tagged `any`."""

    def ask(**parameters):
        path = "/v1/" + request.param.format(tag=make_tag("any").pk)
        if "search" in path:
            parameters.setdefault("exact_tags", "any")
        return api.get(path, parameters)

    return ask


@pytest.fixture
def ids(ask):
    """The ids found; their number is checked against the total."""

    def ids(**parameters):
        answer = ask(**parameters)
        assert answer.status_code == 200, answer.json()
        found = [record["id"] for record in answer.json()["results"]]
        assert answer.json()["meta"]["total_results"] == len(found)
        return found

    return ids


def make(*tags, **fields):
    """The id of an image, newer than all before."""
    return make_image("any", *tags, **fields).pk


def make_known(format="png", width=64, height=64, dicom=None, **fields):
    """The id of an image whose file was inspected."""
    image = make_image("any", **fields)
    Facts.objects.create(image=image, format=format, width=width, height=height, dicom=dicom)
    return image.pk


# --- Tags ----------------------------------------------------------------------------------------


def test_any_tags_wants_one_of_these_exact_names(ids):
    a, b, both = make("a"), make("b"), make("a", "b")
    make("A")
    assert ids(any_tags="a|b") == [both, b, a]
    assert ids(any_tags="a|unknown") == [both, a]
    assert ids(any_tags="unknown") == ids(any_tags="%") == []


def test_not_tags_wants_none_of_these_exact_names(ids):
    plain, a, b, upper = make(), make("a"), make("b"), make("A")
    make("a", "b")
    assert ids(not_tags="a|b") == [upper, plain]
    assert ids(not_tags="a|unknown") == [upper, b, plain]
    assert ids(any_tags="a|b", not_tags="b") == [a]
    assert len(ids(not_tags="unknown|%")) == 5


def test_untagged_images_have_no_tag_at_all(api):
    bare = make_image().pk
    make_image("a")
    for path in ("images", "search/images"):
        (record,) = api.get(f"/v1/{path}?untagged=TRUE").json()["results"]
        assert record["id"] == bare
    assert api.get("/v1/images?untagged=0").json()["meta"]["total_results"] == 2


@pytest.mark.parametrize("name", ["any_tags", "not_tags", "format", "filename"])
def test_an_empty_text_narrows_nothing(ids, name):
    image = make()
    assert ids(**{name: ""}) == [image]


# --- The file ------------------------------------------------------------------------------------


def test_formats_in_any_case(ids):
    png, dicom = make_known("png"), make_known("dicom")
    make_known("jpeg")
    make()
    assert ids(format="png") == [png]
    assert ids(format="DICOM|Png") == [dicom, png]
    assert ids(format="bmp") == ids(format="p%") == []


@pytest.mark.parametrize(
    ("word", "format"),
    [("jpg", "jpeg"), (".JPG", "jpeg"), ("tif", "tiff"), ("dcm", "dicom"), ("heif", "heic")],
)
def test_formats_by_the_endings_of_files(ids, word, format):
    image = make_known(format=format)
    make_known(format="png")
    assert ids(format=word) == [image]


def test_what_the_header_of_a_dicom_file_says_in_any_case(ids):
    knee = make_known("dicom", dicom={"Modality": "MR", "BodyPartExamined": "KNEE"})
    hand = make_known("dicom", dicom={"Modality": "cr", "BodyPartExamined": "HAND"})
    make_known("dicom", dicom={})
    make_known("png")
    assert ids(modality="mr") == [knee]
    assert ids(modality="CR|Mr") == [hand, knee]
    assert ids(modality="MR|CR", body_part="hand") == [hand]
    assert ids(modality="CT") == ids(body_part="K%") == []


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_range_of_pixels_takes_in_both_ends_and_only_what_is_known(ids, side):
    small, middle, large = (make_known(**{side: pixels}) for pixels in (10, 20, 30))
    make()
    make_known(width=0, height=0)
    assert ids(**{f"min_{side}": 20}) == [large, middle]
    assert ids(**{f"max_{side}": 20}) == [middle, small]
    assert ids(**{f"min_{side}": 11, f"max_{side}": 29}) == [middle]
    assert ids(**{f"min_{side}": 21, f"max_{side}": 19}) == []
    assert ids(**{f"min_{side}": 0}) == ids(**{f"max_{side}": 2**63 - 1}) == [large, middle, small]
    assert ids(**{f"min_{side}": 2**63 - 1}) == ids(**{f"max_{side}": 0}) == []


def test_a_range_of_bytes_takes_in_both_ends(ids):
    empty, small, large = (make(size=size) for size in (0, 10, 2**40))
    assert ids(min_size=10) == [large, small]
    assert ids(max_size=10) == [small, empty]
    assert ids(min_size=11, max_size=2**40 - 1) == ids(min_size=2, max_size=1) == []
    assert ids(max_size=0) == [empty]
    assert ids(min_size=0, max_size=2**63 - 1) == [large, small, empty]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("knee", ["Left KNEE.png", "knee_1.png"]),
        ("KNEE_", ["knee_1.png"]),
        ("_", ["knee_1.png"]),
        ("t k", ["Left KNEE.png"]),
        (" ", ["Left KNEE.png"]),
        ("ÉTÉ", ["été100%.png"]),
        ("%", ["été100%.png"]),
        ("k%e", []),
        ("knee_1.png", ["knee_1.png"]),
        ("x" * 3000, []),
    ],
)
def test_a_part_of_the_filename_in_any_case_without_wildcards(ids, part, found):
    names = {make(filename=name): name for name in ("knee_1.png", "Left KNEE.png", "été100%.png")}
    assert [names[pk] for pk in ids(filename=part)] == found


# --- The time of upload --------------------------------------------------------------------------


def test_an_upload_window_takes_in_both_ends_as_seconds(ids):
    before, start, end, after = (
        make(uploaded_at=NOON + timedelta(seconds=s)) for s in (-0.1, 0, 10.9, 11)
    )
    make_pending("any")
    window = {"uploaded_start_timestamp": EPOCH_NOON, "uploaded_end_timestamp": EPOCH_NOON + 10}
    assert ids(**window) == [end, start]
    assert ids(uploaded_start_timestamp=EPOCH_NOON) == [after, end, start]
    assert ids(uploaded_end_timestamp=EPOCH_NOON + 10) == [end, start, before]
    assert ids(uploaded_start_timestamp=EPOCH_NOON, uploaded_end_timestamp=5) == []
    assert len(ids(uploaded_start_timestamp=0, uploaded_end_timestamp=0)) == 5


# --- Order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", ["c", "B", "a", "d"]),
        ("oldest", ["d", "a", "B", "c"]),
        ("uploaded", ["a", "c", "d", "B"]),
        ("largest", ["B", "d", "c", "a"]),
        ("smallest", ["a", "c", "d", "B"]),
        ("filename", ["a", "B", "c", "d"]),
    ],
)
def test_orders(ask, order, expected):
    for name, created, uploaded, size in (
        ("d", 0, 1, 7),
        ("a", 1, 9, 1),
        ("B", 2, None, 8),
        ("c", 3, 5, 2),
    ):
        make(
            filename=name,
            created_at=NOON + timedelta(seconds=created),
            uploaded_at=None if uploaded is None else NOON + timedelta(seconds=uploaded),
            size=size,
        )
    pages = [ask(order=order, limit=2, page=page).json()["results"] for page in (0, 1)]
    assert [[record["filename"] for record in page] for page in pages] == [
        expected[:2],
        expected[2:],
    ]


@pytest.mark.parametrize("order", ["newest", "oldest", "uploaded", "largest", "smallest"])
def test_equal_images_are_ordered_by_id_so_that_pages_never_overlap(ask, order):
    made = [make(filename="same.png", created_at=NOON) for _ in range(4)]
    pages = [ask(order=order, limit=1, page=page).json()["results"] for page in range(4)]
    found = [record["id"] for page in pages for record in page]
    assert found == (made if order in ("oldest", "smallest") else made[::-1])


def test_conditions_must_all_hold(ids):
    right = make_known("png", width=100, size=5000, filename="knee.png")
    make_known("png", width=100, size=5000, filename="hip.png")
    make_known("jpeg", width=100, size=5000, filename="knee.jpg")
    make_known("png", width=99, size=5000, filename="knee.png")
    make_known("png", width=100, size=4999, filename="knee.png")
    conditions = {"format": "png", "min_width": 100, "min_size": 5000, "filename": "KNEE"}
    assert ids(**conditions, any_tags="any", not_tags="none") == [right]


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *[
            (f"{end}_{what}", value)
            for end in ("min", "max")
            for what in ("width", "height", "size")
            for value in ("-1", "", "x", "1.5", PAST_64_BITS)
        ],
        *[
            (f"uploaded_{end}_timestamp", value)
            for end in ("start", "end")
            for value in ("", "now", PAST_64_BITS, -PAST_64_BITS - 1)
        ],
        *[("untagged", value) for value in ("", "yes", "2")],
        *[("filename", value) for value in ("\0", "a\0b")],
        *[(name, "a\0") for name in ("any_tags", "not_tags", "format", "modality")],
    ],
)
def test_a_bad_parameter_is_400_and_named(ask, parameter, value):
    answer = ask(**{parameter: value})
    assert answer.status_code == 400
    assert answer.json() == {"code": 400, "message": ANY, "errors": ANY}
    assert answer.json()["message"].startswith(f"{parameter}: ")


@pytest.mark.parametrize("order", ["", "size", "Newest", "-created", "newest|oldest", "\0"])
def test_an_unknown_order_is_400_with_those_that_are_known(ask, order):
    answer = ask(order=order)
    assert answer.status_code == 400
    known = "newest, oldest, uploaded, largest, smallest, filename"
    assert answer.json()["message"] == f"order: Must be one of: {known}."


@pytest.mark.parametrize("name", ["any_tags", "not_tags", "format", "modality", "body_part"])
def test_lists_are_bounded(ask, name, settings):
    settings.MAX_SEARCH_TERMS = 5
    assert ask(**{name: "a|b|c|d|e"}).status_code == 200
    answer = ask(**{name: "a|b|c|d|e|f"})
    assert (answer.status_code, answer.json()["message"]) == (400, f"{name}: At most 5 items.")


# --- What makes a search -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        *(
            "any_tags=a",
            "not_tags=a",
            "untagged=1",
            "format=png",
            "modality=mr",
            "body_part=a",
            "filename=k",
            "max_size=0",
        ),
        *(f"{end}_{what}=1" for end in ("min", "max") for what in ("width", "height", "size")),
        *("uploaded_start_timestamp=1", "uploaded_end_timestamp=1"),
    ],
)
def test_any_new_condition_is_enough_for_a_search(api, query):
    assert api.get(f"/v1/search/images?{query}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        *("any_tags=", "not_tags=|", "untagged=false", "format=", "filename=", "order=largest"),
        "uploaded_start_timestamp=0&uploaded_end_timestamp=0",
        "start_timestamp=1&end_timestamp=2&uploaded_only=1",
    ],
)
def test_what_narrows_nothing_and_the_old_windows_alone_are_not(api, query):
    answer = api.get(f"/v1/search/images?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Give exact_tags, match_tags or another condition."


def test_only_searches_know_the_two_oldest_conditions(api):
    image = make_image("a").pk
    for query in ("exact_tags=b", "match_tags=b"):
        (record,) = api.get(f"/v1/images?{query}").json()["results"]
        assert record["id"] == image


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize(
    ("created_at", "second"),
    [
        (datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC), -2),
        (datetime(1969, 12, 31, 23, 59, 58, tzinfo=UTC), -2),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), 1),
        (datetime(2026, 1, 2, 12, 0, 0, 999_999, tzinfo=UTC), EPOCH_NOON),
    ],
)
def test_the_second_that_is_shown_is_the_one_that_finds(api, ask, created_at, second, accept):
    image = make_image("any", created_at=created_at)
    ends = ("start_timestamp", "end_timestamp")
    within = dict.fromkeys((*ends, *(f"uploaded_{end}" for end in ends)), second)
    api.credentials(HTTP_ACCEPT=accept)
    answer = ask(**within)
    (record,) = [json.loads(answer.getvalue())] if "nd" in accept else answer.json()["results"]
    api.credentials()
    assert record == api.get(f"/v1/images/{image.pk}").json() | {"url": ANY}
    assert record["created_timestamp"] == record["uploaded_timestamp"] == second
    for parameter, beside in (("start_timestamp", second + 1), ("end_timestamp", second - 1)):
        if beside:
            assert not ask(**within | {parameter: beside}).getvalue().count(b"filename")
