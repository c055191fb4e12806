"""Names that somebody gives become tags: those that have them, their targets, or new ones.

Whoever goes by aliases (identity.authors.Author.writes_exact_names) gets the target of an alias.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import connection

from taggedimages.identity.models import User
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.transactions import retried
from tags import names, shown, spelling
from tags.models import Tag

# Locked as a link's foreign key would at the end of the transaction: who deletes or renames one of
# them waits for the links that are about to be made, and one that is being deleted is not found.
IDS_BY_NAME = """
SELECT name, id, status, alias_of_id FROM tags_tag WHERE name = ANY(%s::text[]) FOR KEY SHARE
"""
BY_NAME = """
SELECT *, EXISTS (SELECT FROM tags_tag a WHERE a.alias_of_id = t.id) AS has_aliases
FROM tags_tag t WHERE name = ANY(%s::text[]) FOR KEY SHARE
"""
BY_ID = "SELECT *, true AS has_aliases FROM tags_tag WHERE id = ANY(%s::bigint[]) FOR KEY SHARE"


class FoundTag(NamedTuple):
    """What is asked of a tag before it is linked."""

    pk: int
    name: str
    status: str


def resolve(wanted: Iterable[str], by: User | None = None, *, exact: bool = False) -> list[Tag]:
    """The tags of these names in this order, each once, made where absent by a user who puts them
    on images; an alias is its target unless names are `exact`.

    None of them goes before the transaction ends. Raises names.BadName for what would be made.
    """
    return list({tag.pk: tag for tag in resolve_each(wanted, by, exact=exact).values()}.values())


def resolve_each(
    wanted: Iterable[str], by: User | None = None, *, exact: bool = False
) -> dict[str, Tag]:
    """The same by the names' spellings.

    Inserting in one sorted statement keeps concurrent requests from locking each other out.
    """
    wanted = spelling.names(wanted)
    found = _named(wanted)
    # More than once only where a tag goes between the insert that met it and the reading.
    while missing := sorted(set(wanted) - found.keys()):
        _check_names(missing)
        new = [Tag(name=name, folded=names.folded(name), told=False) for name in missing]
        Tag.objects.bulk_create(new, ignore_conflicts=True)
        shown.made_by(by, missing)
        found |= _named(missing)
    if not exact:
        found |= _targets({name: tag.alias_of_id for name, tag in found.items()})
    return {name: found[name] for name in wanted}


@retried
def identified(
    wanted: set[str], by: User | None = None, *, exact: bool = False
) -> dict[str, FoundTag]:
    """What is asked of the tags of these names, by their spellings; made by a user where absent.

    Raises names.BadName for what would be made.
    """
    wanted = set(spelling.names(wanted))
    with connection.cursor() as cursor:
        execute_prepared(cursor, IDS_BY_NAME, [array(wanted)])
        rows: list[tuple[str, int, str, int | None]] = cursor.fetchall()
    found = {name: FoundTag(tag, name, status) for name, tag, status, _ in rows}
    aliases = {} if exact else {name: target for name, _, _, target in rows}
    others = _targets(aliases)
    if missing := wanted - found.keys():
        others |= resolve_each(missing, by, exact=exact)
    return found | {name: FoundTag(tag.pk, tag.name, tag.status) for name, tag in others.items()}


def with_aliases(tags: Iterable[Tag]) -> list[int]:
    """The ids of those of some tags, as just resolved, that have aliases."""
    return [tag.pk for tag in tags if getattr(tag, "has_aliases", False)]


def _check_names(missing: Iterable[str]) -> None:
    """Raise BadName where a name that is to be made is none."""
    for name in missing:
        names.entered(name)


def _named(wanted: Iterable[str]) -> dict[str, Tag]:
    return {tag.name: tag for tag in Tag.objects.raw(BY_NAME, [list(wanted)])}


def _targets(aliases: Mapping[str, int | None]) -> dict[str, Tag]:
    """The targets of those names that are aliases; one statement where there is one."""
    wanted = {target for target in aliases.values() if target is not None}
    if not wanted:
        return {}
    targets = {tag.pk: tag for tag in Tag.objects.raw(BY_ID, [sorted(wanted)])}
    return {name: targets[target] for name, target in aliases.items() if target is not None}
