"""Albums, words of filenames and tags of which an image has at least one (`search.query.AnyOf`): as
a condition of querysets, and as the index can answer it."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from images.models import DEFAULT_ALBUM, Image
from search.executor import whole
from search.executor.blocks import union
from search.executor.predicates import HAS_ANY_TAG
from search.executor.words import WordMatches, put_together
from search.index.thresholds import Thresholds
from search.planner.named_tags import by_ids
from search.query import AnyOf
from taggedimages.postgresql.bulk import array
from tags.names import part_pattern, word_pattern

NOTHING = Q(pk__in=[])
# Of the newest images: what so many have is met soon enough row by row, and takes long to list.
SAMPLE_IMAGES, COMMON_IMAGES = 500, 10


class HasAnyTag(Func):
    """Whether an image, given by an expression of its id, has one of some tags; probed for each."""

    output_field = BooleanField()

    def __init__(self, image: Any, tags: Iterable[int]) -> None:
        super().__init__(image)
        self.tags = tuple(tags)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        image, _parameters = compiler.compile(self.source_expressions[0])
        return HAS_ANY_TAG.format(image=image, tags="%s::bigint[]"), [array(self.tags)]


def condition(asked: AnyOf) -> Q:
    """Whether an image has one of these, probed image by image."""
    told = reduce(or_, _by_record(asked), NOTHING)
    return told | Q(HasAnyTag(F("pk"), asked.tag_ids)) if asked.tag_ids else told


def look_up(groups: Iterable[AnyOf], thresholds: Thresholds) -> WordMatches | None:
    """What current images have to be to have one of each group.

    One statement a group, and where it has more than tags up to six; None where a group has what
    images are full of, so that they are better met one by one.
    """
    clauses, images = [], None
    for asked in groups:
        clause, conditions = by_ids(list(asked.tag_ids)), _by_record(asked)
        if conditions and (_asks_default_album(asked) or _is_common(reduce(or_, conditions))):
            return None
        # Each has an index, and all together have none.
        said = union(whole.of_queryset(Image.objects.filter(each)) for each in conditions)
        found = put_together(clause, said, thresholds)
        if found is None:
            clauses.append(clause)
        else:
            images = found if images is None else images & found
    return WordMatches(tuple(clauses), images)


def _by_record(asked: AnyOf) -> list[Q]:
    """What the record itself has, in conditions of which each has an index."""
    # Says nothing more, but is in the words of the indexes of albums.
    other = Q() if _asks_default_album(asked) else ~Q(album_id=DEFAULT_ALBUM)
    exact = [Q(album_id__in=asked.albums)] if asked.albums else []
    in_any_case = [Q(album_id__iexact=album) for album in asked.albums_any_case]
    # The part says nothing more, but has an index.
    named = [
        Q(filename__folded__like=part_pattern(word), filename__folded__regex=word_pattern(word))
        for word in asked.filename_words
    ]
    in_albums = [reduce(or_, albums) & other for albums in (exact, in_any_case) if albums]
    return [*in_albums, reduce(or_, named)] if named else in_albums


def _asks_default_album(asked: AnyOf) -> bool:
    """Whether it has the album of what was put in none: no index has that."""
    return DEFAULT_ALBUM in (*asked.albums, *map(str.lower, asked.albums_any_case))


def _is_common(told: Q) -> bool:
    # Judged for each: told of few images, PostgreSQL would rather list all that an index has.
    each = ExpressionWrapper(told, BooleanField())
    newest = Image.objects.filter(ended_at=None).newest_first().values_list(each)
    return sum(bool(one) for (one,) in newest[:SAMPLE_IMAGES]) >= COMMON_IMAGES
