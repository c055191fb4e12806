"""Words as the index can answer them: a clause of tags, or a set of images, for each.

A word is in the tags of an image, which have bitmaps, or in what the image says itself, which has
none and is looked up by trigrams. Mostly one of the two has nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from images.models import Image
from images.visibility import Viewer
from search.executor import whole
from search.executor.blocks import Blocks
from search.executor.substrings import (
    DEFAULT_LIMITS,
    ONE_BY_ONE,
    WordLimits,
    containing,
    named,
    saying,
)
from search.index.thresholds import Thresholds
from search.planner.named_tags import Clause, by_ids
from search.planner.paths import choose
from search.planner.resolution import ResolvedQuery

# Shown everything: what a viewer may see is asked with all else, of whatever words find.
ANYBODY = Viewer(None)


@dataclass(frozen=True)
class WordMatches:
    """What some words ask together: each of these clauses, and to be among these images."""

    clauses: tuple[Clause, ...] = ()
    images: Blocks | None = None


def narrowed_to(resolved: ResolvedQuery, matches: WordMatches | None) -> ResolvedQuery | None:
    """What is asked besides, of what some words ask; None where the index cannot tell that."""
    if matches is None:
        return None
    clauses = sorted({*resolved.clauses, *matches.clauses}, key=lambda clause: clause.link_count)
    resolved = replace(resolved, clauses=tuple(clauses))
    return resolved if matches.images is None else resolved.among(matches.images.bits)


def look_up(
    words: Iterable[str], thresholds: Thresholds, limits: WordLimits = DEFAULT_LIMITS
) -> WordMatches | None:
    """What images without an end have to be, or current ones, to have each word.

    Two or three statements for each word until few images are left; None where a word is in more
    tags than are looked up one by one.
    """
    clauses: list[Clause] = []
    images: Blocks | None = None
    # The longest are mostly the rarest.
    left = sorted(dict.fromkeys(words), key=len, reverse=True)
    while left:
        if images is not None and len(images) <= limits.looked_up_images:
            few = Image.objects.filter(pk__in=list(images))
            rest = containing(few, left, ONE_BY_ONE)
            images = whole.of_queryset(rest)
            break
        word = left.pop(0)
        tags = list(named(word).values_list("pk", flat=True)[: limits.listed_records + 1])
        if len(tags) > limits.listed_records:
            return None
        clause = by_ids(tags)
        found = put_together(clause, whole.of_queryset(saying(word, limits)), thresholds)
        if found is None:
            clauses.append(clause)
        else:
            images = found if images is None else images & found
    return WordMatches(tuple(clauses), images)


def put_together(clause: Clause, said: Blocks, thresholds: Thresholds) -> Blocks | None:
    """Some images, and those that meet a clause, whoever is shown them; None where it is the clause
    alone. One or two statements, none where one of the two has nothing."""
    if not said.bits:
        return None
    if not clause.tag_ids:
        return said
    asked = ResolvedQuery(ANYBODY, clauses=(clause,))
    return said | whole.of_path(choose(asked, thresholds))
