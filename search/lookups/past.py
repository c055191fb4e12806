"""What a query finds as of an instant: what its tags were as sets, and the rest as of now.

Names and sets of tags are of the past, do not change any more, and are looked up once. What cannot
be had as a set, such as values, is judged row by row, of the images in the sets.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import F, Q

from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.executor import past, since, whole
from search.executor.blocks import Blocks
from search.executor.had import Had
from search.executor.within import Within
from search.index.thresholds import Thresholds
from search.lookups import LOOKUPS, narrowed
from search.planner.named_tags import Clause
from search.planner.paths import AccessPath, choose
from search.planner.resolution import AskedTags, asked_tags, resolve
from search.query import Query, TagValues


class Parts(NamedTuple):
    """A query cut in two: an image that matches both matches it."""

    # Tags that can be had as sets.
    of_sets: Query
    others: Query


class Found(NamedTuple):
    """What tags make of all images, whoever is shown them, and what is asked besides."""

    # Those that had what was asked for, as far as sets were made; None: all.
    wanted: Blocks | None
    # Those that had what none was to have.
    unwanted: Blocks
    # Of what each has to be judged for: it had any of the tags of each clause.
    probed: Sequence[Clause]
    others: Query


class PastMatches:
    """The images that match a query as of its instant. What it is asked may raise TooFarBack."""

    def __init__(self, query: Query, thresholds: Thresholds) -> None:
        assert query.as_of is not None
        self.query = query
        self.as_of: datetime = query.as_of
        self.thresholds = thresholds

    def narrow(self, images: ImageQuerySet) -> ImageQuerySet:
        """Those of some images that match, unevaluated and in their order."""
        found, most = self._found, self.thresholds.past_ids_max
        if found.wanted is None:
            images = LOOKUPS["as_of"](images, self.as_of, self.query)
            images = images.filter(~Q(Within(F("pk"), found.unwanted, most)))
        else:
            images = images.filter(Within(F("pk"), found.wanted, most))
        for clause in found.probed:
            images = images.filter(Had(F("pk"), self.as_of, tags=clause.tag_ids))
        return narrowed(images, found.others)

    def all_images(self, shown: ImageQuerySet, viewer: Viewer) -> Blocks:
        """All of them that a viewer is shown, `shown` being these as a queryset."""
        found, most = self._found, self.thresholds.past_rows_max
        are_few = found.wanted is not None and len(found.wanted) <= most
        if are_few or found.probed or found.others.as_of is not None:
            return whole.of_queryset(self.narrow(shown))
        resolved = resolve(found.others, viewer, thresholds=self.thresholds)
        if resolved is None:
            return whole.of_queryset(self.narrow(shown))
        others = whole.of_path(choose(resolved, self.thresholds))
        if found.wanted is not None:
            return others & found.wanted
        return past.registered_by(others - found.unwanted, self.as_of, most)

    def path(self, viewer: Viewer) -> AccessPath | None:
        """How the index of today answers, where little has happened since; None where it cannot."""
        of_sets, others, asked = self._asked
        if of_sets.untagged or others.as_of is not None:
            return None
        resolved = resolve(others, viewer, thresholds=self.thresholds)
        if resolved is None:
            return None
        resolved = replace(resolved, clauses=asked.clauses, absent=asked.absent, as_of=self.as_of)
        if not (resolved.is_empty or since.is_little(resolved, self.thresholds.past_lines_max)):
            return None
        return choose(resolved, self.thresholds)

    @cached_property
    def _asked(self) -> tuple[Query, Query, AskedTags]:
        """The parts of the query, and what the first one's names meant."""
        of_sets, others = parted(self.query)
        asked = asked_tags(of_sets, self.thresholds)
        if asked is None:
            # Patterns for too many tags.
            others = _said_as(self.query, replace(others, match_tags=of_sets.match_tags))
            asked = asked_tags(replace(of_sets, match_tags=()), self.thresholds)
            assert asked is not None
        return of_sets, others, asked

    @cached_property
    def _found(self) -> Found:
        of_sets, others, asked = self._asked
        unwanted = Blocks()
        if asked.absent.tag_ids:
            unwanted = past.had_any_of(asked.absent, self.as_of)
        if of_sets.untagged:
            tagged = past.tagged(self.as_of)
            if tagged is None:
                others = _said_as(self.query, replace(others, untagged=True))
            else:
                unwanted = unwanted | tagged
        wanted, probed = self._wanted(asked.clauses)
        if wanted is not None:
            most = self.thresholds.past_rows_max
            wanted = past.registered_by(wanted - unwanted, self.as_of, most)
        return Found(wanted, unwanted, probed, others)

    def _wanted(self, clauses: Sequence[Clause]) -> tuple[Blocks | None, Sequence[Clause]]:
        """The images that had any tag of each clause, or of the first, where these are so few that
        they are judged one by one for the others, which are returned."""
        wanted = None
        for number, clause in enumerate(clauses):
            if wanted is not None and len(wanted) <= self.thresholds.past_probed_max:
                return wanted, clauses[number:] if wanted else ()
            had = past.had_any_of(clause, self.as_of)
            wanted = had if wanted is None else wanted & had
        return wanted, ()


def parted(query: Query) -> Parts:
    """What is asked of tags that can be had as sets, and all else.

    Tags with values are in both: who had the tag can be had as a set.
    """
    one_alone = len(query.without_all) == 1
    of_sets = Query(
        exact_tags=query.exact_tags,
        match_tags=query.match_tags,
        tag_id=query.tag_id,
        with_all=_any_value(query.with_all),
        with_any=tuple(map(_any_value, query.with_any)),
        without_any=_without_value(query.without_any + (query.without_all if one_alone else ())),
        untagged=query.untagged,
    )
    others = replace(
        query,
        exact_tags=(),
        match_tags=(),
        tag_id=None,
        with_all=_with_value(query.with_all),
        with_any=tuple(group for group in query.with_any if _with_value(group)),
        without_any=_with_value(query.without_any),
        without_all=_with_value(query.without_all) if one_alone else query.without_all,
        untagged=False,
    )
    asks_tags = others.with_all or others.with_any or others.without_any or others.without_all
    # Contracts are judged by the tags of then as well.
    if not (asks_tags or others.words or others.failing):
        others = replace(others, as_of=None, vocabulary_now=False, aliased=False, implied=False)
    return Parts(_said_as(query, of_sets), others)


def _said_as(query: Query, other: Query) -> Query:
    """Another query, whose tags are understood as those of a query are."""
    return replace(
        other,
        as_of=query.as_of,
        vocabulary_now=query.vocabulary_now,
        aliased=query.aliased,
        implied=query.implied,
    )


def _any_value(tags: tuple[TagValues, ...]) -> tuple[TagValues, ...]:
    return tuple(TagValues(tag.name) for tag in tags)


def _with_value(tags: tuple[TagValues, ...]) -> tuple[TagValues, ...]:
    return tuple(tag for tag in tags if tag.values)


def _without_value(tags: tuple[TagValues, ...]) -> tuple[TagValues, ...]:
    return tuple(tag for tag in tags if not tag.values)
