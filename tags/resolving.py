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
    """What is asked of a tag before it is linked; without an id where it is yet to be made."""

    pk: int | None
    name: str
    status: str


def resolve(wanted: Iterable[str], by: User | None = None, *, exact: bool = False) -> list[Tag]:
    """The tags of these names in this order, each once, made where absent by a user who puts them
    on images; an alias is its target unless names are `exact`.

    None of them goes before the transaction ends. Raises names.BadName for what would be made.
    """
    return each_once(resolve_each(wanted, by, exact=exact).values())


def resolve_each(
    wanted: Iterable[str], by: User | None = None, *, exact: bool = False
) -> dict[str, Tag]:
    """The same by the names' spellings."""
    return made(look_up(wanted, exact=exact), by)


def look_up(wanted: Iterable[str], *, exact: bool) -> dict[str, Tag]:
    """The tags of these names in this order, by their spellings; of a name that none has, one that
    is not saved."""
    wanted = spelling.names(wanted)
    found = _named(wanted)
    if not exact:
        found |= _targets({name: tag.alias_of_id for name, tag in found.items()})
    return {name: found.get(name) or Tag(name=name, told=False) for name in wanted}


def made(tags: dict[str, Tag], by: User | None) -> dict[str, Tag]:
    """What was looked up, those that are not saved made by a user.

    Inserting in one sorted statement keeps concurrent requests from locking each other out. Raises
    names.BadName.
    """
    tags = dict(tags)
    # More than once only where a tag goes between the insert that met it and the reading.
    while missing := sorted(name for name, tag in tags.items() if tag.pk is None):
        _check_names(missing)
        new = [Tag(name=name, folded=names.folded(name), told=False) for name in missing]
        Tag.objects.bulk_create(new, ignore_conflicts=True)
        shown.made_by(by, missing)
        tags |= _named(missing)
    return tags


def each_once(tags: Iterable[Tag]) -> list[Tag]:
    """Tags in their order, each once."""
    return list({tag.pk: tag for tag in tags}.values())


@retried
def identified(wanted: set[str], by: User | None = None, *, exact: bool = False) -> dict[str, int]:
    """The ids of the tags of these names, by their spellings; made by a user where absent.

    Raises names.BadName for what would be made.
    """
    return ids_of(find(wanted, exact=exact), by)


def find(wanted: set[str], *, exact: bool) -> dict[str, FoundTag]:
    """What is asked of the tags of these names, by their spellings."""
    wanted = set(spelling.names(wanted))
    with connection.cursor() as cursor:
        execute_prepared(cursor, IDS_BY_NAME, [array(wanted)])
        rows: list[tuple[str, int, str, int | None]] = cursor.fetchall()
    found = {name: FoundTag(tag, name, status) for name, tag, status, _ in rows}
    if not exact:
        targets = _targets({name: target for name, _, _, target in rows})
        found |= {name: FoundTag(tag.pk, tag.name, tag.status) for name, tag in targets.items()}
    absent = wanted - found.keys()
    return found | {name: FoundTag(None, name, Tag.Status.ACTIVE) for name in absent}


def ids_of(found: dict[str, FoundTag], by: User | None) -> dict[str, int]:
    """The ids of what was found, those without one made by a user. Raises names.BadName."""
    ids = {name: tag.pk for name, tag in found.items() if tag.pk is not None}
    if missing := found.keys() - ids.keys():
        drafts = {name: Tag(name=name, told=False) for name in missing}
        ids |= {name: tag.pk for name, tag in made(drafts, by).items()}
    return ids


def with_aliases(tags: Iterable[Tag]) -> list[int]:
    """The ids of those of some tags, as just looked up, that have aliases."""
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
