"""docs/limits.md says what the settings do, and no view of an API escapes by accident."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern, get_resolver

from taggedimages.identity.rate_limits import Kind

PAGE = Path(__file__).resolve().parents[3] / "docs" / "limits.md"
ROW = re.compile(r"\| .+ \| (\d+) \| [^|]+ \| `TAGGEDIMAGES_(RATE_\w+)` \|")


def test_the_page_has_each_kind_with_its_default():
    told = {setting: int(number) for number, setting in ROW.findall(PAGE.read_text())}
    assert told == {f"RATE_{kind.name}": kind.per_minute for kind in Kind}


@pytest.mark.parametrize("number", [0, -1])
def test_no_number_below_one_is_a_limit(settings: Any, number: int):
    settings.RATE_WRONG_PASSWORDS = number
    assert not Kind.WRONG_PASSWORDS.is_on


def test_only_passwords_are_limited_where_all_are_let_in(settings: Any):
    settings.ANONYMOUS = "open"
    assert [kind for kind in Kind if kind.is_on] == [Kind.WRONG_PASSWORDS]
    settings.ANONYMOUS = "none"
    assert all(kind.is_on for kind in Kind)


def views(patterns: list[Any]) -> Iterator[Any]:
    """The classes of all views of APIs."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            if hasattr(pattern.callback, "cls"):
                yield pattern.callback.cls
        else:
            yield from views(pattern.url_patterns)


def test_few_views_take_what_nobody_signs():
    """By what the middleware looks at: whoever adds a view here knows why it is not limited."""
    every = set(views(get_resolver(settings.ROOT_URLCONF).url_patterns))
    assert len(every) > 20
    asks_nobody = {view.__name__ for view in every if not view.authentication_classes}
    assert asks_nobody == {"TokenViewSet", "VersionViewSet", "SchemaViewSet", "StoreEventView"}
    reads = {view.__name__ for view in every if getattr(view, "only_reads", False)}
    assert reads == {"LookupView", "ResourceViewSet", "UrlsView"}
