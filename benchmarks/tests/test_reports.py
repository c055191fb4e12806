"""Results as tables."""

import pytest

from benchmarks import goals, tables


def times(median: float, p95: float = 2.0) -> dict[str, float]:
    return {"median": median, "p95": p95, "max": 3.0, "n": 200}


def kind(median: float, wrong: tuple[str, ...] = ()) -> dict[str, object]:
    """What is found of one kind, a total of a third of its time included."""
    return {
        "floor": times(1.0),
        "first": times(median + 1),
        "service": times(median),
        "total": times(median / 3),
        "ratio": median,
        "allowed": 7.0,
        "met": median <= 7 and not wrong,
        "wrong": list(wrong),
    }


def found(images: int, median: float, wrong: tuple[str, ...] = ()) -> goals.Found:
    """A result with one kind."""
    return {
        "images": images,
        "measured_at": "2026-01-02T03:04:05+00:00",
        "commit": "abc1234",
        "kinds": {"and2": kind(median, wrong)},
        "throughput": {"clients": 8, "per_second": 300.4, "errors": 0, "times": times(1.0)},
        "web_memory": {"now": 150 * 10**6, "peak": 250 * 10**6},
    }


def asked(statuses: dict[str, int], within: float | None) -> dict[str, object]:
    return {"times": times(31), "longest": 900, "statuses": statuses, "within": within}


WRITES = {
    "tags": 12,
    "posts": {"clients": 8, "per_second": 300, "errors": 0, "times": times(20)},
    "sql": {"clients": 8, "per_second": 600, "errors": 0, "times": times(10)},
    "statements": 9,
    "share": 0.5,
    "steps": {"DELETE": times(4)},
}
PAGE = {
    "pages": {"/v1/images": {"whole": 6.0, "parts": {"plan": 2.0, "JSON": 4.0}}},
    "presigning": {"links": 100, "service": 0.9, "boto3": 25.0},
}
VOCABULARY = {
    "tags": 1_000_000,
    "kinds": {
        "prefix": asked({"200": 39, "503": 1}, within=30),
        "infix": asked({"200": 39, "0": 1}, within=None),
    },
}
IMPORT = {
    "images": 100_000,
    "links": 1_200_000,
    "seconds": 20.0,
    "per_second": 5000.0,
    "million_seconds": 200.0,
    "peak_memory": 150 * 10**6,
}


CHANGE = {
    "images": 500_000,
    "links": 500_000,
    "statements": {100: 12, 2_000: 12},
    "steps": {
        "plan": {"seconds": 1.0, "grown": {"ledger": 0}, "unindexed": 0},
        "apply": {"seconds": 130.0, "grown": {"ledger": 10**8, "sets": 10**6}, "unindexed": 9_000},
    },
    "searches": {"nothing": times(4, 6), "plan": times(5, 7), "apply": times(6, 11)},
    "wrong": [],
}


def verdicts(**result: object) -> dict[str, tuple[str, str, str]]:
    return {v.what: (v.found, v.goal, v.word) for v in goals.of(result)}


def test_a_table_says_for_each_kind_whether_its_goal_is_met():
    assert tables.of(found(100_000, 5)).splitlines() == [
        "100,000 images, 2026-01-02 03:04 UTC, commit abc1234; milliseconds.",
        "",
        "kind  floor  first  service   p95  ratio  allowed  total  goal",
        "and2   1.00   6.00     5.00  2.00   5.00     7.00   1.67   met",
        "",
        "goal                                  found  allowed  verdict",
        "kinds that are answered rightly           1        1      met",
        "kinds whose median is allowed             1        1      met",
        "kinds whose p95 is at most 3 medians      1        1      met",
        "pages a second, 8 clients               300   >= 450   missed",
        "their errors                              0     <= 0      met",
        "MB that a web process ever held         250   <= 200   missed",
    ]


def test_a_wrong_answer_is_never_a_goal_met():
    text = tables.of(found(100_000, 5, wrong=("7 found, there are 8",)))
    assert "1.67  wrong" in text
    assert text.endswith("WRONG and2: 7 found, there are 8")
    kinds = {"and2": kind(5, wrong=("7 found, there are 8",))}
    assert verdicts(kinds=kinds)["kinds that are answered rightly"] == ("0", "1", "missed")


def test_slow_calls_alone_miss_a_goal():
    uneven = kind(5) | {"service": times(5, p95=16), "met": False}
    assert "missed: p95" in tables.of(found(100_000, 5) | {"kinds": {"and2": uneven}})
    assert verdicts(kinds={"and2": uneven})["kinds whose p95 is at most 3 medians"][2] == "missed"


def test_what_has_a_goal_of_its_own_is_held_to_it_the_first_time_too():
    quick = kind(9) | {"first": times(9), "allowed": goals.allowed("format", None), "floor": None}
    assert goals.missed("format", quick) == ""
    assert goals.missed("format (pages 2 to 10)", quick | {"first": times(11)}) == "first"
    assert goals.missed("and2", kind(6) | {"first": times(11)}) == ""
    assert goals.allowed("window", None) is None


def test_deep_pages_are_held_against_the_first():
    kinds = {"page 1": kind(2), "page 1,000": kind(6), "page 10,000": kind(7)}
    assert verdicts(kinds=kinds)["page 1,000, to page 1"] == ("3", "<= 3", "met")
    assert verdicts(kinds=kinds)["page 10,000, to page 1"] == ("3.50", "<= 3", "missed")


def test_everything_else_has_verdicts_too():
    everything = {"writes": WRITES, "page": PAGE, "vocabulary": VOCABULARY, "import": IMPORT}
    assert verdicts(**everything) == {
        "records a second, to the same in SQL": ("0.50", ">= 0.6", "missed"),
        "their errors": ("0", "<= 0", "met"),
        "presigned links of a page": ("0.90", "<= 1", "met"),
        "prefix: median": ("31", "<= 30", "missed"),
        "prefix: longest": ("900", "<= 1000", "met"),
        "infix: longest": ("900", "<= 1000", "met"),
        "infix: answers but 200 and 503": ("1", "<= 0", "missed"),
        "seconds for a million imports": ("200", "<= 300", "met"),
    }


@pytest.mark.parametrize(
    ("section", "content", "line"),
    [
        ("writes", WRITES, "POST with 12 tags, 8 clients 300 20.00 2.00 200 0"),
        ("writes", WRITES, "DELETE 4.00 2.00 200"),
        ("page", PAGE, "100 links by boto3 25.00"),
        ("page", PAGE, "whole 6.00"),
        ("vocabulary", VOCABULARY, "infix 31.00 2.00 200 900 39 0 1"),
        ("import", IMPORT, "100,000 1,200,000 20 5000 200 150"),
    ],
)
def test_each_section_has_a_table(section, content, line):
    result = {"measured_at": "2026-01-02T03:04:05+00:00", "commit": "", section: content}
    assert line in [" ".join(row.split()) for row in tables.of(result).splitlines()]


def test_growth_is_the_largest_from_one_size_to_the_next():
    results = [found(100_000, 5), found(1_000_000, 8), found(10_000_000, 10)]
    assert tables.of_growth(results, markdown=True).splitlines() == [
        "| kind        | 100,000 | 1,000,000 | 10,000,000 | step | allowed |   goal |",
        "| ----------- | ------: | --------: | ---------: | ---: | ------: | -----: |",
        "| and2        |    5.00 |      8.00 |      10.00 | 1.60 |     1.5 | missed |",
        "| and2: total |    1.67 |      2.67 |       3.33 | 1.60 |       2 |    met |",
    ]


def test_writes_are_not_to_grow():
    results = [
        found(size, 5) | {"writes": WRITES | {"steps": {"DELETE": times(median)}}}
        for size, median in ((100_000, 4), (1_000_000, 5))
    ]
    assert tables.of_growth(results).splitlines()[-1].split() == [
        *("DELETE", "4.00", "5.00", "1.25", "1.5", "met"),
    ]


def test_what_only_some_sizes_have_is_left_open():
    larger = found(1_000_000, 6)
    larger["kinds"]["page 10,000"] = kind(6)
    lines = tables.of_growth([found(100_000, 5), larger]).splitlines()
    assert lines[2].split() == ["page", "10,000", "6.00"]


def test_services_in_turn_are_compared_by_ratio():
    told = {"a": 5.0, "b": 4.0, "ratio": 0.8, "first": [7.0, 6.0]}
    kind = told | {"different": ["/v1/images: 2 after 1"]}
    lines = tables.of_in_turn({"bases": ["x", "y"], "in_turn": {"and2": kind}}).splitlines()
    assert lines[0] == "A x, B y; milliseconds."
    assert lines[3].split() == ["and2", "7.00", "6.00", "5.00", "4.00", "0.80"]
    assert lines[4] == "DIFFERENT and2: /v1/images: 2 after 1"


def test_a_change_is_told_by_its_steps_and_judged_for_a_million_images():
    result = found(500_000, 5) | {"change": CHANGE}
    del result["kinds"], result["throughput"], result["web_memory"]
    text = tables.of(result)
    assert "12 statements a batch  seconds  bytes a link  index behind by" in text
    assert "apply                      130           202            9,000" in text
    assert verdicts(change=CHANGE) == {
        "seconds for a million images: plan": ("2", "<= 5", "met"),
        "seconds for a million images: apply": ("260", "<= 240", "missed"),
        "p95 of searches, to quiet: plan": ("1.17", "<= 2", "met"),
        "p95 of searches, to quiet: apply": ("1.83", "<= 2", "met"),
        "searches that were answered wrong": ("0", "<= 0", "met"),
    }


def test_slow_readers_are_judged_by_what_others_get_beside_them():
    pages = {"clients": 8, "per_second": 400, "errors": 0, "times": times(20, p95=40)}
    slow = {
        "readers": 100,
        "statuses": {"200": 98, "503": 2},
        "before": pages,
        "beginning": pages | {"per_second": 200, "times": times(30, p95=90)},
        "beside": pages | {"per_second": 300, "times": times(20, p95=60)},
        "quick": {"status": 200, "lines": 1_000, "first": 0.2, "last": 0.4},
        "wrong": [],
    }
    told = verdicts(slow_readers=slow)
    assert told["streams that began"] == ("98", ">= 100", "missed")
    assert told["pages a second beside slow readers, to none"] == ("0.75", ">= 0.8", "missed")
    assert told["p95 of pages beside them, to none"] == ("1.50", "<= 2", "met")
