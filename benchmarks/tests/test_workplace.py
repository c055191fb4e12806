"""What the benchmark of the workplace asks for is there, and what is found gets its verdicts."""

import io

import pytest
from django.test import Client
from PIL import Image as Picture

from benchmarks import goals, radiographs, screenshots, tables, workplace
from search.index import maintenance
from taggedimages.factories import make_image


@pytest.mark.django_db
def test_each_page_is_shown_and_its_statements_are_counted(client: Client) -> None:
    for number in range(61):
        make_image("common", *(["rare"] if number < 2 else []))
    while maintenance.run_once():
        pass
    with workplace.curator() as user:
        client.force_login(user)
        pages = workplace.pages(client)
        counts = {name: workplace.statements(client, path) for name, path in pages.items()}
        with pytest.raises(workplace.Failed):
            workplace.shown(client, "/admin/nowhere/")
    assert len(counts) >= 20
    assert {name: count for name, count in counts.items() if count > 12} == {}


def test_what_is_found_is_judged() -> None:
    times = {"median": 151.0, "p95": 200.0, "max": 210.0, "n": 20}
    quick = times | {"median": 20.0}
    pages = {
        "home": {"times": quick, "statements": 12},
        "grid": {"times": times, "statements": 13},
    }
    found = {"workplace": {"pages": pages, "usable": times | {"median": 1001.0}}}
    verdicts = [(verdict.what, verdict.is_met) for verdict in goals.of(found)]
    assert verdicts == [
        ("home: median", True),
        ("home: statements", True),
        ("grid: median", False),
        ("grid: statements", False),
        ("grid usable in Chromium", False),
    ]
    told = tables.of(found | {"measured_at": "2026-01-01T00:00:00", "commit": ""})
    assert "grid usable in Chromium" in told


def test_radiographs_are_the_same_for_the_same_seed() -> None:
    first, again = (list(radiographs.generate(12, 5)) for _ in range(2))
    assert first == again
    assert len({picture.body for picture in first}) == 12
    assert all({"radiograph"} < set(picture.tags) for picture in first)


def test_screenshots_are_small_or_refused() -> None:
    plain, noisy = io.BytesIO(), io.BytesIO()
    Picture.new("RGB", (1280, 1000), "#336699").save(plain, "PNG")
    Picture.effect_noise((1280, 1000), 200).save(noisy, "PNG")
    assert len(screenshots.small(plain.getvalue())) < 20_000
    with pytest.raises(screenshots.TooLarge):
        screenshots.small(noisy.getvalue())
