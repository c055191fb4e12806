"""Rules between tags: aliases, which stand for a target, and implications.

Nothing is stored on images: rules are expanded when somebody asks, so that withdrawing one brings
back what was. An alias is a tag like others, with links of its own, and has one target, which is no
alias. Implications hold between targets: one of an alias counts as its target's, for as long as it
is one. Triggers keep what each target stands for (tags.models.Closure) and give the vocabulary
another version, which also keeps two changes of rules from happening at once. `bulk` is the change
of many images (taggedimages.changes) that a rule is a part of.

Which doors go by aliases is said in `identity.authors.Author.writes_exact_names` and
`search.query.Query.aliased`; who may change rules is asked at each door.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction

from taggedimages.identity.authors import Author
from taggedimages.transactions import retried
from tags import history
from tags.models import Implication, Tag, TagQuerySet

# Implications one after the other, and what a tag may stand for.
MAX_DEPTH = 16
MAX_DESCENDANTS = 10_000

# In the transaction from here on nobody else changes rules.
HOLD = """
INSERT INTO tags_vocabulary (id, version) VALUES (1, hashtextextended(gen_random_uuid()::text, 0))
ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version
"""
# Statements selecting (child, parent) of all that stands above a target, and below it.
ABOVE = """
WITH RECURSIVE above (tag) AS (
    SELECT %s::bigint UNION SELECT parent FROM above, LATERAL tags_parents(above.tag) parent
)
SELECT above.tag, parent FROM above, LATERAL tags_parents(above.tag) parent ORDER BY 1, 2
"""
BELOW = """
WITH RECURSIVE below (tag) AS (
    SELECT %s::bigint UNION SELECT child FROM below, LATERAL tags_children(below.tag) child
)
SELECT child, below.tag FROM below, LATERAL tags_children(below.tag) child ORDER BY 1, 2
"""
LARGEST = """
SELECT t.name FROM tags_closure c JOIN tags_tag t ON t.id = c.ancestor_id
WHERE c.ancestor_id = ANY(%s) GROUP BY t.id HAVING count(*) > %s ORDER BY t.id LIMIT 1
"""
# What becomes an alias is as if it had never been told of, until somebody creates that name; and
# back. What is one already moves to another target.
HIDE = """
UPDATE tags_tag SET alias_of_id = %s, told = told AND alias_of_id IS NOT NULL,
    was_told = CASE WHEN alias_of_id IS NULL THEN told ELSE was_told END
WHERE id = %s OR alias_of_id = %s
"""
UNHIDE = """
UPDATE tags_tag SET alias_of_id = NULL, told = told OR was_told, was_told = false WHERE id = %s
"""
SETTLE = "SELECT tags_settle(%s, %s, array_fill(0::bigint, ARRAY[%s]))"


class Cycle(Exception):
    """Tags would imply themselves, or be an alias of themselves; `path` names them in order, the
    first again at the end."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = list(path)
        super().__init__(" → ".join(self.path))


class TooDeep(Exception):
    """More than MAX_DEPTH implications would follow each other."""


class TooMany(Exception):
    """A tag would stand for more than MAX_DESCENDANTS others."""


@retried
def alias(tag: Tag, of: Tag, by: Author, bulk: int | None = None) -> Tag:
    """Make a tag an alias of another, or of the target of that; its own aliases become the
    target's, too. Returns the tag as it now is.

    Links stay as they are, and count as the target's. Raises Cycle where both are one already,
    TooDeep and TooMany by the implications that come together, Tag.DoesNotExist.
    """
    with transaction.atomic(), history.signed(by, bulk=bulk):
        _hold([tag, of])
        tag, target = Tag.objects.get(pk=tag.pk), canonical(Tag.objects.get(pk=of.pk))
        if target.pk == tag.pk:
            raise Cycle([tag.name, of.name] + ([tag.name] if of.pk != tag.pk else []))
        if tag.alias_of_id != target.pk:
            become = [tag.pk, *aliases_of(tag).values_list("pk", flat=True)]
            with connection.cursor() as cursor:
                cursor.execute(HIDE, [target.pk, tag.pk, tag.pk])
                cursor.execute(SETTLE, [become, become, len(become)])
            _check(target.pk)
            tag.refresh_from_db()
        return tag


@retried
def unalias(tag: Tag, by: Author, bulk: int | None = None) -> Tag:
    """Make an alias a tag of its own again, with the links and implications that it has; of one
    that is none, nothing changes. Returns the tag as it now is. Raises Tag.DoesNotExist."""
    with transaction.atomic(), history.signed(by, bulk=bulk):
        _hold([tag])
        tag = Tag.objects.get(pk=tag.pk)
        if tag.alias_of_id is not None:
            with connection.cursor() as cursor:
                cursor.execute(UNHIDE, [tag.pk])
                cursor.execute(SETTLE, [[tag.pk], [tag.pk], 1])
            tag.refresh_from_db()
            _check(tag.pk)
        return tag


@retried
def imply(child: Tag, parents: Iterable[Tag], by: Author, bulk: int | None = None) -> list[Tag]:
    """Have a tag imply these, and no others; none: nothing. Returns them, in alphabetical order.

    An alias among them, or as the child, is its target. Raises Cycle, TooDeep, TooMany, and
    Tag.DoesNotExist.
    """
    with transaction.atomic(), history.signed(by, bulk=bulk):
        parents = list(parents)
        _hold([child, *parents])
        child = canonical(Tag.objects.get(pk=child.pk))
        wanted = {
            parent.pk if parent.alias_of_id is None else parent.alias_of_id
            for parent in Tag.objects.filter(pk__in=[parent.pk for parent in parents])
        }
        if child.pk in wanted:
            raise Cycle([child.name, child.name])
        members = [child.pk, *aliases_of(child).values_list("pk", flat=True)]
        held = Implication.objects.filter(child__in=members).select_related("parent")
        there = {one.pk: one.parent.alias_of_id or one.parent_id for one in held}
        gone = [pk for pk, parent in there.items() if parent not in wanted]
        new = sorted(wanted - set(there.values()))
        if gone:
            Implication.objects.filter(pk__in=gone).delete()
        if new:
            Implication.objects.bulk_create([Implication(child=child, parent_id=pk) for pk in new])
            _check(child.pk)
        return list(parents_of(child))


def canonical(tag: Tag) -> Tag:
    """The target of an alias, and any other tag itself."""
    return tag if tag.alias_of_id is None else Tag.objects.get(pk=tag.alias_of_id)


def targets(tags: Sequence[Tag]) -> list[Tag]:
    """Tags as their targets in this order, each once; one statement where one is an alias."""
    wanted = {tag.alias_of_id for tag in tags if tag.alias_of_id is not None}
    if not wanted:
        return list(tags)
    known = Tag.objects.in_bulk(wanted)
    found = [known.get(tag.alias_of_id) if tag.alias_of_id else tag for tag in tags]
    return list({tag.pk: tag for tag in reversed(found) if tag}.values())[::-1]


def aliases_of(tag: Tag) -> TagQuerySet:
    """The aliases of a target, in alphabetical order."""
    return Tag.objects.filter(alias_of=tag.pk).alphabetical()


def parents_of(tag: Tag) -> TagQuerySet:
    """The targets that a target implies directly, in alphabetical order."""
    return _beside("SELECT tags_parents(%s)", tag)


def children_of(tag: Tag) -> TagQuerySet:
    """The targets that imply a target directly, in alphabetical order."""
    return _beside("SELECT tags_children(%s)", tag)


def _beside(statement: str, tag: Tag) -> TagQuerySet:
    with connection.cursor() as cursor:
        cursor.execute(statement, [tag.pk])
        return Tag.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).alphabetical()


def _hold(tags: Iterable[Tag]) -> None:
    """Have nobody else change these tags or any rules before the transaction ends.

    Tags first and in order, as whoever renames or deletes one has it. Raises Tag.DoesNotExist.
    """
    wanted = {tag.pk for tag in tags}
    locked = Tag.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    if len(locked.values_list("pk")) < len(wanted):
        raise Tag.DoesNotExist("The tag has been deleted.")
    with connection.cursor() as cursor:
        cursor.execute(HOLD)


def _check(target: int) -> None:
    """Raise Cycle, TooDeep or TooMany where the rules around a target, as written, are too much."""
    with connection.cursor() as cursor:
        cursor.execute(ABOVE, [target])
        above: list[tuple[int, int]] = cursor.fetchall()
        cursor.execute(BELOW, [target])
        below: list[tuple[int, int]] = cursor.fetchall()
    parents, children = _grouped(above), _grouped([(parent, child) for child, parent in below])
    if path := _way_back(target, parents):
        names = Tag.objects.in_bulk(path)
        raise Cycle([names[tag].name for tag in path])
    if _longest(target, parents) + _longest(target, children) > MAX_DEPTH:
        raise TooDeep(f"At most {MAX_DEPTH} implications may follow each other.")
    with connection.cursor() as cursor:
        cursor.execute(LARGEST, [[target, *{parent for _, parent in above}], MAX_DESCENDANTS])
        if row := cursor.fetchone():
            raise TooMany(f"{row[0]} would stand for more than {MAX_DESCENDANTS:,} other tags.")


def _grouped(edges: Iterable[tuple[int, int]]) -> Mapping[int, list[int]]:
    grouped = defaultdict(list)
    for start, end in edges:
        grouped[start].append(end)
    return grouped


def _way_back(start: int, following: Mapping[int, list[int]]) -> list[int]:
    """The shortest way from a tag to itself, with it at both ends; empty where there is none."""
    came_from: dict[int, int] = {}
    reached = [start]
    for tag in reached:
        for after in following.get(tag, ()):
            if after == start:
                way = [start, tag]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if after not in came_from:
                came_from[after] = tag
                reached.append(after)
    return []


def _longest(start: int, following: Mapping[int, list[int]]) -> int:
    """How many steps the longest way from a tag has, of one step more than there may be at most."""
    steps, reached = 0, {start}
    while reached and steps <= MAX_DEPTH:
        reached = {after for tag in reached for after in following.get(tag, ())}
        steps += bool(reached)
    return steps
