"""Whatever rules ask of whatever tags images have: judged as a plain checker does, image by image.

The checker knows tags and values alone. Before judging, some tags are merged into the index and
made dense, and some of the images change again.
"""

import os
import re
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.executor.blocks import Blocks
from search.query import Named, Query
from search.results import SearchResults
from search.tests.indexes import give_bitmaps, merge_all
from taggedimages.datasets.contracts import judging, reports, rules
from taggedimages.datasets.contracts.present import Present
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging, vocabulary

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "25"))
# Each example is taken back.
IS_IN_A_TRANSACTION = [HealthCheck.function_scoped_fixture]
NAMES = ["a", "b", "c", "d", "e"]
# Of the tags above: what is an alias of what, and what implies what.
ALIASES, IMPLIED = {"e": "a"}, {"c": "b"}
VALUES = ["", "1", "12", "x"]
names = st.lists(st.sampled_from([*NAMES, "unknown"]), min_size=1, max_size=4)
some_tags = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=4)
kinds = st.one_of(
    *(st.fixed_dictionaries({kind: names}) for kind in rules.OF_NAMES),
    st.fixed_dictionaries({"at_most": st.integers(0, 4)}),
    st.fixed_dictionaries(
        {
            "value": st.fixed_dictionaries(
                {
                    "tag": st.sampled_from([*NAMES, "unknown"]),
                    "pattern": st.sampled_from(["[0-9]*", "1|x", "[^x]+"]),
                }
            )
        }
    ),
)
conditions: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"if": names})
)
rule = st.builds(lambda condition, kind: condition | kind, conditions, kinds)


@dataclass
class Plain:
    """The tags of an image with their values, and what they mean."""

    values: dict[str, str]
    rules: bool
    has: set[str] = field(default_factory=set)

    def meant(self, name):
        return ALIASES.get(name, name) if self.rules else name

    def standing_for(self, name):
        """The values by which an image has a tag, one for each of its own that means it."""
        wanted = self.meant(name)
        return [
            value
            for own, value in self.values.items()
            if self.meant(own) == wanted or (self.rules and IMPLIED.get(self.meant(own)) == wanted)
        ]

    def count(self, listed):
        return sum(bool(self.standing_for(name)) for name in {self.meant(one) for one in listed})

    def fails(self, asked):
        if self.count(asked.get("if", ())) < len(
            {self.meant(name) for name in asked.get("if", ())}
        ):
            return False
        if "at_most" in asked:
            return len({self.meant(name) for name in self.values}) > asked["at_most"]
        if "value" in asked:
            pattern = asked["value"]["pattern"]
            of_tag = self.standing_for(asked["value"]["tag"])
            return not all(re.fullmatch(pattern, value) for value in of_tag)
        ((kind, listed),) = ((kind, asked[kind]) for kind in rules.OF_NAMES if kind in asked)
        had, every = self.count(listed), len({self.meant(name) for name in listed})
        return {
            "exactly_one_of": had != 1,
            "at_least_one_of": had == 0,
            "all_of": had < every,
            "none_of": had > 0,
        }[kind]


@given(
    st.lists(some_tags, min_size=1, max_size=6),
    st.lists(rule, min_size=1, max_size=4),
    st.sets(st.sampled_from(NAMES)),
    st.lists(st.tuples(st.integers(0, 5), some_tags), max_size=2),
    st.booleans(),
    st.booleans(),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rules_are_judged_as_a_plain_checker_does(
    db, tagged, asked, dense, changed, with_rules, by_bitmaps
):
    few = -1 if by_bitmaps else 2_000
    with (
        transaction.atomic(),
        mock.patch("search.executor.tag_sets.FEW", few),
        mock.patch("taggedimages.datasets.contracts.present.FEW", few),
    ):
        for name in NAMES:
            make_tag(name)
        images = [make_image() for _ in tagged]
        for image, values in zip(images, tagged, strict=True):
            tagging.set_values(image, values, TESTS)
        if with_rules:
            for name, target in ALIASES.items():
                vocabulary.alias(make_tag(name), make_tag(target), TESTS)
            for name, parent in IMPLIED.items():
                vocabulary.imply(make_tag(name), [make_tag(parent)], TESTS)
        merge_all()
        give_bitmaps(sorted(dense))
        tagged = list(tagged)
        for place, values in changed:
            if place < len(images):
                tagging.retag(images[place], values, TESTS)
                tagged[place] = values
        plain = [Plain(values, with_rules) for values in tagged]
        wanted = [
            [image.pk for image, one in zip(images, plain, strict=True) if one.fails(rule)]
            for rule in asked
        ]
        judged = judging.failures(
            rules.read(asked), Blocks.of(image.pk for image in images), Present()
        )
        assert [list(found) for found in judged.of_rules] == wanted
        version = keep(*asked)
        every = sorted({image for found in wanted for image in found})
        assert list(reports.failing(version, None)) == every
        query = Query(failing=Named(version.contract.name))
        assert (
            sorted(image.pk for image in SearchResults(query, reports.EVERYTHING).images) == every
        )
        assert SearchResults(query, reports.EVERYTHING).count() == len(every)
        transaction.set_rollback(True)
