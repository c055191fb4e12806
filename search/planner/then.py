"""Tags of names, ids and patterns as of an instant: what was meant, and all that it stood for.

They come with how many links they have now, as `search.planner.named_tags` tells of today's: it is
what the index knows.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from search.planner.named_tags import Clause, KnownTags, Term, clause_of
from search.query import Rules
from taggedimages.postgresql.fragments import bigints, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.names import normal
from tags.past import vocabulary

# Tags that are gone since have no statistics.
STATISTICS = """
SELECT g.tag, coalesce(u.links, 0), coalesce(u.heavy, false)
FROM unnest({tags}) g (tag) LEFT JOIN search_setsize u ON u.set = g.tag
"""


def ids_then(names: Iterable[str], at: datetime) -> dict[str, int]:
    """The tags that were meant by names, spelt as `tags.spelling` says; one statement at most."""
    spelt = {name: normal(name) for name in names}
    ids = vocabulary.ids_named({*spelt, *spelt.values()}, at)
    return {
        name: ids[name] if name in ids else ids[spelling]
        for name, spelling in spelt.items()
        if name in ids or spelling in ids
    }


def meanings_then(tags: Iterable[int], rules: Rules, at: datetime) -> dict[int, list[int]]:
    """What each of some tags stood for; one statement, none where no rules are gone by."""
    aliases, implications = rules >= Rules.ALIASES, rules >= Rules.IMPLICATIONS
    return vocabulary.meanings(tags, aliases, implications, at)


def look_up_then(names: list[str], tag_id: int | None, rules: Rules, at: datetime) -> KnownTags:
    """What some names, and an id if given, stood for by rules. Three statements at most."""
    ids = ids_then(names, at)
    asked = {*ids.values(), *([] if tag_id is None else [tag_id])}
    if not asked:
        return KnownTags()
    means = meanings_then(asked, rules, at)
    terms = _terms({tag for others in means.values() for tag in others})
    by_id: dict[int, Sequence[Term]] = {
        tag: [terms[other] for other in others] for tag, others in means.items()
    }
    return KnownTags({name: by_id[tag] for name, tag in ids.items()}, by_id)


def matching_then(
    patterns: tuple[str, ...], most: int, rules: Rules, at: datetime
) -> list[Clause] | None:
    """A clause for each pattern as clients write it; None where there were too many tags to list.

    Three statements at most.
    """
    matched = vocabulary.ids_matching(patterns, at, most)
    if not matched:
        return matched if matched is None else []
    means = meanings_then({tag for tags in matched for tag in tags}, rules, at)
    terms = _terms({tag for others in means.values() for tag in others})
    if len(terms) > most:
        return None
    return [clause_of(terms[other] for tag in tags for other in means[tag]) for tags in matched]


def _terms(tags: Collection[int]) -> dict[int, Term]:
    asked = statement(STATISTICS, tags=bigints(sorted(tags)))
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text)
        return {row[0]: Term(*row) for row in cursor.fetchall()}
