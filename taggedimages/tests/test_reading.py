"""Parameters of a query string: those that are given are read, the others are as by default."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from images.v1.facts_serializers import SimilarParameters
from search.v1.parameters import (
    AnyStreamParameters,
    BrowseParameters,
    ImageConditions,
    QueryParameters,
)
from taggedimages.http.reading import read
from taggedimages.v1.pagination import PageParameters

READERS = (
    QueryParameters,
    ImageConditions,
    BrowseParameters,
    AnyStreamParameters,
    PageParameters,
    SimilarParameters,
)
NAMES = sorted({str(name) for reader in READERS for name in reader().fields} | {"unknown"})
VALUES = st.sampled_from(["", "0", "1", "7", "-1", "true", "a|b", "knee", "name", "x" * 20, "\0"])


@pytest.mark.parametrize("reader", READERS)
@given(pairs=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=5))
def test_it_is_read_as_if_all_were_asked_for(reader, pairs):
    asked = QueryDict(mutable=True)
    for name, value in pairs:
        asked.appendlist(name, value)
    assert outcome(partial(read, reader), asked) == outcome(reader().run_validation, asked)


def outcome(reading: Callable[[QueryDict], Any], asked: QueryDict) -> Any:
    """What is read, or what is wrong with it."""
    try:
        return reading(asked)
    except ValidationError as error:
        return error.detail
