"""Names of tags and the rules between them, as of an instant, from the vocabulary's ledger.

Each function takes one or two statements by indexes, however long the ledger is. Names are told by
the first line after the instant, and where there is none they are today's; rules by the last line
up to it, for every rule has lines. A name that was redacted is blank in the ledger, and found by
nobody.

Of a tag that went before there was a ledger of the vocabulary, the links' ledger has the name: it
is known by its id, and not by its name.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from taggedimages.postgresql.fragments import EMPTY, Fragment, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.ledger import REDACTED
from tags.names import distinct, is_selective, like_pattern

# The name that a tag had before a line `l`, written as in the indexes of former names.
FORMER = "CASE WHEN l.kind = 'renamed' THEN l.old_name ELSE l.name END"
GAVE_UP_A_NAME = "l.kind IN ('renamed', 'deleted')"
# Of a tag: the first line after the instant that tells of its name, if any.
NEXT_LINE = f"""
SELECT l.kind, {FORMER} AS former FROM tags_vocabularychange l
WHERE l.tag_id = {{tag}} AND l.kind IN ('created', 'renamed', 'deleted') AND l.at > %(at)s
ORDER BY l.at, l.id LIMIT 1
"""  # noqa: S608
# Statement selecting (id, name) of those of some tags that were there.
NAMES = """
SELECT c.id, CASE WHEN l.kind IS NULL THEN t.name ELSE l.former END
FROM ({candidates}) c (id)
LEFT JOIN tags_tag t ON t.id = c.id
LEFT JOIN LATERAL ({next_line}) l ON true
WHERE CASE WHEN l.kind IS NULL THEN t.id IS NOT NULL ELSE l.kind <> 'created' END
"""
OF_IDS = Fragment("SELECT unnest(%(ids)s::bigint[])")
OF_NAMES = Fragment(
    f"""
    SELECT id FROM tags_tag WHERE name = ANY(%(names)s)
    UNION
    SELECT l.tag_id FROM tags_vocabularychange l
    WHERE {FORMER} = ANY(%(names)s) AND {GAVE_UP_A_NAME} AND l.at > %(at)s
    """  # noqa: S608
)
# Of tags that went before their ledger began: a line of a link has the name of its moment. Written
# as in the index of lines of a tag.
NAMES_IN_LINKS = """
SELECT c.id, l.tag_name FROM unnest(%(ids)s::bigint[]) c (id), LATERAL (
    SELECT tag_name FROM tags_tagchange
    WHERE tag_id = c.id AND changed_at > %(at)s AND (old_value IS NULL OR new_value IS NULL)
    ORDER BY changed_at, id LIMIT 1) l
"""

# (place, id) of the tags that match one pattern, a part of those that go on having their name and
# a part of those that have given it up since.
MATCHING = f"""
SELECT {{place}} AS place, t.id FROM tags_tag t
WHERE t.folded{{unindexed}} LIKE {{pattern}} AND NOT EXISTS (
    SELECT FROM tags_vocabularychange l
    WHERE l.tag_id = t.id AND l.kind IN ('created', 'renamed', 'deleted') AND l.at > %(at)s)
UNION ALL
SELECT {{place}}, l.tag_id FROM tags_vocabularychange l
WHERE text_folded({FORMER}){{unindexed}} LIKE {{pattern}} AND {GAVE_UP_A_NAME} AND l.at > %(at)s
AND NOT EXISTS (
    SELECT FROM tags_vocabularychange e
    WHERE e.tag_id = l.tag_id AND e.kind IN ('created', 'renamed', 'deleted') AND e.at > %(at)s
    AND (e.at, e.id) < (l.at, l.id))
"""  # noqa: S608
ALL_MATCHING = "SELECT place, id FROM ({matching}) m LIMIT {most}"

# The target of a tag that was an alias, NULL of others.
TARGET = """(
SELECT CASE WHEN a.kind = 'aliased' THEN a.other_id END FROM tags_vocabularychange a
WHERE a.tag_id = {tag} AND a.kind IN ('aliased', 'unaliased', 'deleted') AND a.at <= %(at)s
ORDER BY a.at DESC, a.id DESC LIMIT 1)"""
# The aliases of a target.
ALIASES = """
SELECT DISTINCT b.tag_id FROM tags_vocabularychange b
WHERE b.other_id = {tag} AND b.kind = 'aliased' AND b.at <= %(at)s AND {target} = {tag}
"""
# What implied a target directly, and what it implied, itself and its aliases being one.
CHILDREN = """
SELECT coalesce({target}, i.tag_id) AS id
FROM (SELECT {tag} UNION ALL {aliases}) m (id), LATERAL (
    SELECT DISTINCT ON (r.tag_id) r.tag_id, r.kind FROM tags_vocabularychange r
    WHERE r.other_id = m.id AND r.kind IN ('implied', 'unimplied') AND r.at <= %(at)s
    ORDER BY r.tag_id, r.at DESC, r.id DESC) i
WHERE i.kind = 'implied'
"""
PARENTS = """
SELECT coalesce({target}, i.other_id) AS id
FROM (SELECT {tag} UNION ALL {aliases}) m (id), LATERAL (
    SELECT DISTINCT ON (r.other_id) r.other_id, r.kind FROM tags_vocabularychange r
    WHERE r.tag_id = m.id AND r.kind IN ('implied', 'unimplied') AND r.at <= %(at)s
    ORDER BY r.other_id, r.at DESC, r.id DESC) i
WHERE i.kind = 'implied'
"""
# Statements selecting (one of some tags, what it stood for) and (one of them, what it implied).
MEANINGS = """
WITH RECURSIVE below (asked, tag) AS (
    SELECT g.id, coalesce({target}, g.id) FROM unnest(%(ids)s::bigint[]) g (id)
    {children}
)
SELECT asked, tag FROM below UNION
SELECT o.asked, s.tag_id FROM below o, LATERAL ({aliases}) s
"""
CHILDREN_BELOW = "UNION SELECT o.asked, c.id FROM below o, LATERAL ({children}) c"
ABOVE = """
WITH RECURSIVE above (asked, tag) AS (
    SELECT g.id, coalesce({target}, g.id) FROM unnest(%(ids)s::bigint[]) g (id)
    UNION SELECT o.asked, p.id FROM above o, LATERAL ({parents}) p
)
SELECT asked, tag FROM above
"""
TARGETS = "SELECT g.id, {target} FROM unnest(%(ids)s::bigint[]) g (id)"


def ids_named(names: Iterable[str], at: datetime) -> dict[str, int]:
    """The tags that had these exact names, by name; of names that none had, there is none.

    One statement, none without names.
    """
    wanted = set(names)
    if not wanted:
        return {}
    rows = _names(OF_NAMES, {"names": sorted(wanted), "at": at})
    return {name: tag for tag, name in sorted(rows) if name in wanted}


def names_of(tag_ids: Iterable[int], at: datetime) -> dict[int, str]:
    """The names of tags, those gone since too, by id; those that were not there are missing.

    In place of one that was redacted stands REDACTED. One statement, and one more where a tag is
    known to neither the vocabulary nor its ledger.
    """
    wanted = set(tag_ids)
    if not wanted:
        return {}
    rows = _names(OF_IDS, {"ids": sorted(wanted), "at": at})
    found = {tag: name or REDACTED for tag, name in rows}
    if unknown := wanted - found.keys():
        found |= _names_in_links(unknown, at)
    return found


def existed(tag_id: int, at: datetime) -> bool:
    """Whether there was a tag of this id."""
    return tag_id in names_of([tag_id], at)


def ids_matching(patterns: Sequence[str], at: datetime, most: int) -> list[list[int]] | None:
    """For each distinct pattern as clients write it, in their order, the tags whose names it
    matched; None where these are more than `most` in all.

    One statement, none without patterns. It takes as long as there are names that match.
    """
    wanted = distinct([like_pattern(pattern) for pattern in patterns])
    if not wanted:
        return []
    matching = join(" UNION ALL ", [_one_pattern(*numbered) for numbered in enumerate(wanted)])
    asked = statement(ALL_MATCHING, matching=matching, most=Fragment(str(most + 1)))
    rows = _rows(asked, {"at": at})
    if len(rows) > most:
        return None
    found: list[list[int]] = [[] for _ in wanted]
    for place, tag in rows:
        found[place].append(tag)
    return [sorted(set(tags)) for tags in found]


def meanings(
    tag_ids: Iterable[int], rules_aliases: bool, rules_implications: bool, at: datetime
) -> dict[int, list[int]]:
    """All that each of some tags stood for, in ascending order: itself; by aliases its target and
    all aliases of that; by implications, which go by aliases too, also all that implied it by any
    number of steps.

    One statement, none without rules.
    """
    wanted = sorted(set(tag_ids))
    found = {tag: {tag} for tag in wanted}
    if wanted and (rules_aliases or rules_implications):
        below = compose(CHILDREN_BELOW, children=_beside(CHILDREN, "o.tag", "i.tag_id"))
        asked = statement(
            MEANINGS,
            target=_target("g.id"),
            aliases=_aliases("o.tag"),
            children=below if rules_implications else EMPTY,
        )
        for tag, other in _rows(asked, {"ids": wanted, "at": at}):
            found[tag].add(other)
    return {tag: sorted(others) for tag, others in found.items()}


def targets(tag_ids: Iterable[int], at: datetime) -> dict[int, int]:
    """The targets of those of some tags that were aliases. One statement."""
    asked = statement(TARGETS, target=_target("g.id"))
    rows = _rows(asked, {"ids": sorted(set(tag_ids)), "at": at})
    return {tag: target for tag, target in rows if target is not None}


def implied(tag_ids: Iterable[int], at: datetime) -> dict[int, list[int]]:
    """The targets that each of some tags implied by any number of steps, in ascending order.

    One statement.
    """
    wanted = sorted(set(tag_ids))
    parents = _beside(PARENTS, "o.tag", "i.other_id")
    asked = statement(ABOVE, target=_target("g.id"), parents=parents)
    found: dict[int, set[int]] = {tag: set() for tag in wanted}
    for tag, parent in _rows(asked, {"ids": wanted, "at": at}):
        found[tag].add(parent)
    own = targets(wanted, at)
    return {tag: sorted(above - {tag, own.get(tag, tag)}) for tag, above in found.items()}


def _names(candidates: Fragment, values: dict[str, Any]) -> list[tuple[int, str]]:
    next_line = compose(NEXT_LINE, tag=Fragment("c.id"))
    return _rows(statement(NAMES, candidates=candidates, next_line=next_line), values)


def _names_in_links(tag_ids: set[int], at: datetime) -> dict[int, str]:
    rows = _rows(Fragment(NAMES_IN_LINKS), {"ids": sorted(tag_ids), "at": at})
    return {tag: name or REDACTED for tag, name in rows}


def _one_pattern(place: int, pattern: str) -> Fragment:
    parameter = f"pattern_{place}"
    return compose(
        MATCHING,
        place=Fragment(str(place)),
        # Of what an index would only read all of itself for.
        unindexed=EMPTY if is_selective(pattern) else Fragment(" || ''"),
        pattern=Fragment(f"%({parameter})s", {parameter: pattern}),
    )


def _target(tag: str) -> Fragment:
    return compose(TARGET, tag=Fragment(tag))


def _aliases(tag: str) -> Fragment:
    return compose(ALIASES, tag=Fragment(tag), target=_target("b.tag_id"))


def _beside(template: str, tag: str, found: str) -> Fragment:
    """CHILDREN or PARENTS of a tag, the ids of which stand in the column `found`."""
    return compose(template, tag=Fragment(tag), aliases=_aliases(tag), target=_target(found))


def _rows(asked: Fragment, values: dict[str, Any]) -> list[Any]:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, {**asked.parameters, **values})
        return list(cursor.fetchall())
