"""What a query asks of tags with values, and of several tags not to be there all at once: as one
set of images, of a moment, for no term of the index says either."""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import and_

from search.executor import whole
from search.executor.blocks import Blocks, union
from search.models import BLOCK
from search.query import Query, Rules, TagValues
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.routing import read_connection

IDS = "SELECT name, id FROM tags_tag WHERE name = ANY(%(names)s)"
# Links with one of some values, or with any but these; each in words that its index has.
WITH = """
SELECT image_id FROM tags_imagetag
WHERE tag_id = %(tag)s AND value <> '' AND value = ANY(%(values)s::text[])
"""
WITH_OTHER = """
SELECT image_id FROM tags_imagetag
WHERE tag_id = %(tag)s AND value <> '' AND value <> ALL(%(values)s::text[])
"""
LAST_BLOCK = f"SELECT coalesce(max(id), 0) / {BLOCK} FROM images_image"  # noqa: S608
EVERY_IMAGE = (1 << BLOCK) - 1


def remainder(query: Query) -> Query | None:
    """The query without this; None where there is none of it, or names mean more than themselves
    or are of the past."""
    if query.rules != Rules.NONE or query.as_of is not None:
        return None
    rest = replace(
        query,
        with_all=tuple(tag for tag in query.with_all if not tag.values),
        with_any=tuple(group for group in query.with_any if not _has_values(group)),
        without_any=tuple(tag for tag in query.without_any if not tag.values),
        without_all=() if _is_set(query.without_all) else query.without_all,
    )
    return None if rest == query else rest


def fulfilling(query: Query) -> Blocks:
    """The images, whoever is shown them, that fulfil what `remainder` leaves out."""
    asked = [*query.with_all, *query.without_any, *query.without_all]
    asked += [tag for group in query.with_any for tag in group]
    known = _ids({tag.name for tag in asked})

    def having(tag: TagValues) -> Blocks:
        return _having(known[tag.name], tag.values) if tag.name in known else Blocks()

    wanted = [having(tag) for tag in query.with_all if tag.values]
    wanted += [union(map(having, group)) for group in query.with_any if _has_values(group)]
    unwanted = [having(tag) for tag in query.without_any if tag.values]
    if _is_set(query.without_all):
        unwanted.append(reduce(and_, map(having, query.without_all)))
    return reduce(and_, wanted) - union(unwanted) if wanted else _all() - union(unwanted)


def _is_set(tags: tuple[TagValues, ...]) -> bool:
    """Whether not to have all of these is more than not to have one tag."""
    return len(tags) > 1 or _has_values(tags)


def _has_values(tags: Iterable[TagValues]) -> bool:
    return any(tag.values for tag in tags)


def _having(tag: int, values: tuple[str, ...]) -> Blocks:
    """All images whose link with a tag has one of some values; none listed: any."""
    if not values:
        return whole.of_tag(tag)
    asked = {"tag": tag, "values": array(values)}
    if "" not in values:
        return whole.of_statement(WITH, asked)
    # No index has links without a value.
    return whole.of_tag(tag) - whole.of_statement(WITH_OTHER, asked)


def _ids(names: Iterable[str]) -> dict[str, int]:
    with read_connection().cursor() as cursor:
        cursor.execute(IDS, {"names": sorted(names)})
        return dict(cursor.fetchall())


def _all() -> Blocks:
    with read_connection().cursor() as cursor:
        cursor.execute(LAST_BLOCK)
        (last,) = cursor.fetchone()
    return Blocks(dict.fromkeys(range(last + 1), EVERY_IMAGE))
