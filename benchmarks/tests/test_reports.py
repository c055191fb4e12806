"""Results as tables and as a picture."""

from xml.etree import ElementTree

from benchmarks import curve, tables


def found(images: int, median: float, wrong: tuple[str, ...] = ()) -> tables.Found:
    """A result with one kind."""
    floor = {"median": 1.0, "p95": 2.0, "max": 3.0, "n": 200}
    kind = {"floor": floor, "service": floor | {"median": median}, "ratio": median}
    return {
        "images": images,
        "measured_at": "2026-01-02T03:04:05+00:00",
        "commit": "abc1234",
        "kinds": {"and2": {**kind, "allowed": 7.0, "met": median <= 7, "wrong": list(wrong)}},
        "throughput": {"clients": 8, "per_second": 300.4, "errors": 0, "times": floor},
        "throughput_goal": 250,
        "web_memory": {"now": 2**27, "peak": 2**28},
    }


def test_a_table_says_for_each_kind_whether_its_goal_is_met():
    assert tables.of_search(found(100_000, 5)).splitlines() == [
        "100,000 images, 2026-01-02 03:04 UTC, commit abc1234; milliseconds.",
        "",
        "kind  floor  service   p95  ratio  allowed  goal",
        "and2   1.00     5.00  2.00   5.00     7.00   met",
        "",
        "8 clients: 300 pages of 100 records a second, median 1.0 ms, p95 2.0 ms, 0 errors;"
        " goal 250: met.",
        "The largest web process holds 128 MiB and never held more than 256 MiB.",
    ]


def test_a_wrong_answer_is_never_a_goal_met():
    text = tables.of_search(found(100_000, 5, wrong=("7 found, there are 8",)))
    assert "7.00  wrong" in text
    assert text.endswith("WRONG and2: 7 found, there are 8")


def test_growth_is_the_largest_against_the_smallest():
    results = [found(100_000, 5), found(1_000_000, 6)]
    assert tables.of_growth(results, markdown=True).splitlines() == [
        "| kind | 100,000 | 1,000,000 | growth |",
        "| ---- | ------: | --------: | -----: |",
        "| and2 |    5.00 |      6.00 |   1.20 |",
    ]


def test_commits_are_compared_by_ratio():
    lines = tables.of_commits(found(100_000, 5), found(100_000, 4)).splitlines()
    assert lines[1].split() == ["and2", "5.00", "4.00", "0.80"]
    assert lines[2].split() == ["pages", "a", "second", "300", "300", "1.00"]


def test_the_curve_has_a_panel_for_each_kind_with_its_figures():
    svg = ElementTree.fromstring(curve.draw([found(100_000, 5), found(1_000_000, 6.25)]))
    texts = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"and2", "5", "6.25", "1", "100 k", "1 M"} <= set(texts)


def test_the_curve_of_one_size_is_drawn_too():
    ElementTree.fromstring(curve.draw([found(100_000, 5)]))
