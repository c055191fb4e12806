"""Which tags a viewer is shown: those of images that the viewer is shown, and a few besides.

A name tells of the images that have it. A tag is shown to superusers; to whoever is shown an image
that has it (images.visibility); to users who made it; and, as long as no image has it, to everybody
if it was made for itself or everybody has been shown it before. A project, where one looks as such,
is shown the tags of its own images, and what the one who looks has made.

Whoever goes by aliases is shown no alias, and a target also by the links that its aliases have
(`aliased`).

The rows of AudienceTag say this, but for two kinds of images whose time decides: what has an end
that lies ahead is in no audience and shows its tags (`ENDING`), what will be created shows none yet
(`AHEAD`). There are few of either, and each statement looks them up.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models.sql.compiler import SQLCompiler

from images.visibility import LATEST_CREATED_SQL, Viewer
from taggedimages.identity.models import User
from taggedimages.postgresql.fragments import EMPTY, Fragment, bigint, bigints, compose, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags import counters

LATEST = Fragment(LATEST_CREATED_SQL)

# SQL selecting ids of tags, some several times. OFFSET keeps the looking from becoming a join of
# all links.
ENDING = """
SELECT l.tag_id FROM images_image i,
LATERAL (SELECT tag_id FROM tags_imagetag WHERE image_id = i.id OFFSET 0) l
WHERE i.ended_at > statement_timestamp() AND {image}"""
AHEAD = """
SELECT l.tag_id FROM images_image i,
LATERAL (SELECT tag_id, audience FROM tags_imagetag WHERE image_id = i.id OFFSET 0) l
WHERE i.created_at > {latest} AND {link}
AND NOT EXISTS (SELECT FROM tags_imagetag c WHERE c.tag_id = l.tag_id
                AND c.image_created_at <= {latest} AND {current} OFFSET 0)
AND NOT EXISTS (SELECT FROM tags_audiencetag m
                WHERE m.tag_id = l.tag_id AND m.audience = ANY({makers}) OFFSET 0)"""

IS_SHOWN = """(
EXISTS (SELECT FROM tags_audiencetag s
        WHERE s.tag_id = {tag} AND s.audience = ANY({audiences}) OFFSET 0)
AND {tag} NOT IN ({ahead}) OR {tag} IN ({ending}))"""

# The same for a project as such, which has no audience of its own for what is public.
IS_ON_IMAGES = """(
EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = {tag} AND {current} OFFSET 0)
OR EXISTS (SELECT FROM tags_audiencetag s
           WHERE s.tag_id = {tag} AND s.audience = ANY({makers}) OFFSET 0))"""

# Of a project with more images, the links of these are not read to find all of its tags.
FEW_IMAGES = 20_000
HAS_FEW_IMAGES = """
SELECT count(*) <= %(few)s FROM (
    SELECT FROM images_image WHERE project_id = %(project)s LIMIT %(few)s + 1
) own
"""
ON_IMAGES = """
SELECT l.tag_id FROM images_image p JOIN tags_imagetag l ON l.image_id = p.id
WHERE p.project_id = %(project)s AND {current}
UNION SELECT tag_id FROM tags_audiencetag WHERE audience = ANY({makers})
"""

BESIDE = """
ahead (id) AS MATERIALIZED ({ahead}), ending (id) AS MATERIALIZED ({ending}),"""
# The same of a target by its aliases.
IS_SHOWN_ALIASED = """({itself} OR EXISTS (
SELECT FROM tags_tag a WHERE a.alias_of_id = {tag} AND {alias} OFFSET 0))"""

# CTEs: all that a viewer is shown is `walked`, the rows of one audience, and `extras`, which are in
# memory; no tag is in both. `counted` says how many that is.
COUNTED = """
counted (total) AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM search_rebuild)
               THEN (SELECT count(*) FROM tags_audiencetag WHERE audience = {walked})
               ELSE (SELECT coalesce(sum(change), 0)::bigint FROM search_tally
                     WHERE of = {walked} + 1) END
           - (SELECT count(*) FROM {passed_over} p
              WHERE EXISTS (SELECT FROM tags_audiencetag w
                            WHERE w.audience = {walked} AND w.tag_id = p.id OFFSET 0))
           + (SELECT count(*) FROM extras)
)"""
SHOWN_CTES = """
ahead (id) AS MATERIALIZED (SELECT DISTINCT a.tag_id FROM ({ahead}) a),
extras AS MATERIALIZED (
    {others}
    SELECT t.id, t.folded, t.name FROM (SELECT DISTINCT e.tag_id FROM ({ending}) e) e,
    LATERAL (SELECT id, folded, name FROM tags_tag WHERE id = e.tag_id OFFSET 0) t
    WHERE t.id IN (TABLE ahead)
    OR NOT EXISTS (SELECT FROM tags_audiencetag w
                   WHERE w.audience = {walked} AND w.tag_id = t.id OFFSET 0)
),
{counted}"""
OTHERS = """
SELECT s.tag_id AS id, s.folded, s.name FROM tags_audiencetag s
WHERE s.audience = ANY({others}) AND s.tag_id NOT IN (TABLE ahead)
AND NOT EXISTS (SELECT FROM tags_audiencetag w
                WHERE w.audience = {walked} AND w.tag_id = s.tag_id OFFSET 0)
UNION"""
WALKED = "FROM tags_audiencetag WHERE audience = {walked} AND tag_id NOT IN (TABLE {passed_over})"
# The same for whoever goes by aliases: `aside` are the tags that are passed over in the walk.
TARGETS_CTES = """
ahead (id) AS MATERIALIZED (SELECT DISTINCT a.tag_id FROM ({ahead}) a),
aliases (id, target) AS MATERIALIZED (
    SELECT id, alias_of_id FROM tags_tag WHERE alias_of_id IS NOT NULL
),
aside (id) AS MATERIALIZED (TABLE ahead UNION SELECT id FROM aliases),
beside AS MATERIALIZED (
    {others}
    SELECT t.id, t.folded, t.name FROM (SELECT DISTINCT e.tag_id FROM ({ending}) e) e,
    LATERAL (SELECT id, folded, name FROM tags_tag WHERE id = e.tag_id OFFSET 0) t
),
extras AS MATERIALIZED (
    SELECT t.id, t.folded, t.name FROM (
        SELECT id FROM beside WHERE id NOT IN (SELECT id FROM aliases)
        UNION
        SELECT target FROM aliases a
        WHERE id IN (SELECT id FROM beside) OR (id NOT IN (TABLE ahead) AND EXISTS (
            SELECT FROM tags_audiencetag w
            WHERE w.audience = {walked} AND w.tag_id = a.id OFFSET 0))
    ) e, LATERAL (SELECT id, folded, name FROM tags_tag WHERE id = e.id OFFSET 0) t
    WHERE t.id IN (TABLE ahead)
    OR NOT EXISTS (SELECT FROM tags_audiencetag w
                   WHERE w.audience = {walked} AND w.tag_id = t.id OFFSET 0)
),
{counted}"""
# Both for whoever is shown all.
ALL_CTES = """
extras AS MATERIALIZED (SELECT id, folded, name FROM tags_tag WHERE false),
counted (total) AS MATERIALIZED ({count})"""
ALL_TARGETS_CTES = """
aliases AS MATERIALIZED (SELECT id FROM tags_tag WHERE alias_of_id IS NOT NULL),
extras AS MATERIALIZED (SELECT id, folded, name FROM tags_tag WHERE false),
counted (total) AS MATERIALIZED (SELECT ({count}) - (SELECT count(*) FROM aliases))"""
ALL = Fragment("FROM tags_tag WHERE true")
ALL_TARGETS = Fragment("FROM tags_tag WHERE id NOT IN (TABLE aliases)")
# All of them.
COUNT = "WITH {ctes} SELECT total FROM counted"

COUNTERS = "SELECT of - 1, sum(change) FROM search_tally WHERE of = ANY(%s) GROUP BY of"

# Statements of names. A rename that is under way is waited for.
MADE = """
INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
SELECT %s, id, folded, name FROM tags_tag WHERE name = ANY(%s) ORDER BY id FOR KEY SHARE
ON CONFLICT DO NOTHING
"""
TELL = "UPDATE tags_tag SET told = true WHERE name = ANY(%s) AND NOT told RETURNING id"


class Shown(NamedTuple):
    """All tags that a viewer is shown, as pieces of a statement.

    `ctes` are `counted` (total) and `extras` (id, folded, name), which are in memory; besides these
    there is what `walked`, the rest of a SELECT up to its WHERE, finds in any of its indexes.
    """

    ctes: Fragment
    walked: Fragment
    # What the id is called in it.
    id: str


def audiences_of(viewer: Viewer) -> tuple[int, ...]:
    """The audiences of tags that a viewer belongs to, who is not shown all."""
    return (*(viewer.audiences or ()), *makers(viewer))


def makers(viewer: Viewer) -> tuple[int, ...]:
    """The audience that is shown what the viewer made; none where nobody knows who that is."""
    return () if viewer.owner is None else (viewer.owner,)


class IsShown(models.Func):
    """Whether a tag, given by an expression of its id, is shown to a viewer: for querysets."""

    output_field = models.BooleanField()

    def __init__(self, tag: Any, viewer: Viewer, *, aliased: bool = False) -> None:
        super().__init__(tag)
        self.viewer = viewer
        self.aliased = aliased

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        column, _parameters = compiler.compile(self.source_expressions[0])
        return positional(is_shown(self.viewer, Fragment(column), aliased=self.aliased))


def is_shown(viewer: Viewer, tag: Fragment, *, aliased: bool = False) -> Fragment:
    """SQL, in parentheses: whether the tag with this id is shown to a viewer; if `aliased`, which
    wants the id of a target, also by its aliases."""
    if viewer.sees_all:
        return Fragment("(true)")
    if aliased:
        itself, alias = is_shown(viewer, tag), is_shown(viewer, Fragment("a.id"))
        return compose(IS_SHOWN_ALIASED, itself=itself, tag=tag, alias=alias)
    if viewer.project is not None:
        current = viewer.current_link_predicate()
        made = bigints(makers(viewer))
        return compose(IS_ON_IMAGES, tag=tag, current=current, makers=made, provides={"l"})
    return compose(
        IS_SHOWN,
        tag=tag,
        audiences=bigints(audiences_of(viewer)),
        ahead=_ahead(viewer),
        ending=_ending(viewer),
    )


def has_few_images(viewer: Viewer) -> bool:
    """Whether a project has so few images that all their links are soon read."""
    with read_connection().cursor() as cursor:
        cursor.execute(HAS_FEW_IMAGES, {"project": viewer.project, "few": FEW_IMAGES})
        return bool(cursor.fetchone()[0])


def on_images(viewer: Viewer) -> Fragment:
    """SQL selecting the ids of all tags that a project is shown, from its images."""
    return compose(
        ON_IMAGES,
        current=viewer.current_link_predicate(),
        makers=bigints(makers(viewer)),
        provides={"l"},
    )


def beside(viewer: Viewer) -> Fragment:
    """CTEs of tags that rows alone do not tell of, of a viewer who is not shown all: `ahead` (id),
    not shown yet, and `ending` (id), shown until then. Each ends in a comma."""
    return compose(BESIDE, ahead=_ahead(viewer), ending=_ending(viewer))


def positional(piece: Fragment) -> tuple[str, list[Any]]:
    """SQL with its parameters by place, as querysets have them."""
    named = re.compile(r"%\((\w+)\)s")
    values = [piece.parameters[name] for name in named.findall(piece.text)]
    return named.sub("%s", piece.text), values


def shown_to(viewer: Viewer, *, aliased: bool = False) -> Shown:
    """All tags that a viewer is shown; if `aliased`, without aliases.

    Takes a query of whoever is in several audiences: the one that most tags are shown to is walked.
    """
    if viewer.audiences is None:
        ctes = compose(ALL_TARGETS_CTES if aliased else ALL_CTES, count=counters.COUNT_TAGS)
        return Shown(ctes, ALL_TARGETS if aliased else ALL, "id")
    audiences = audiences_of(viewer)
    walked = _largest(audiences)
    others = [audience for audience in audiences if audience != walked]
    rest = compose(OTHERS, walked=bigint(walked), others=bigints(others)) if others else EMPTY
    walk: dict[str, Any] = {
        "walked": bigint(walked),
        "passed_over": Fragment("aside" if aliased else "ahead"),
    }
    ctes = compose(
        TARGETS_CTES if aliased else SHOWN_CTES,
        walked=walk["walked"],
        others=rest,
        ahead=_ahead(viewer),
        ending=_ending(viewer),
        counted=compose(COUNTED, **walk),
    )
    return Shown(ctes, compose(WALKED, **walk), "tag_id")


def count(found: Shown) -> int:
    """How many tags a viewer is shown, at the moment of the statement."""
    asked = statement(COUNT, ctes=found.ctes)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return int(cursor.fetchone()[0])


def made_by(user: User | None, names: Iterable[str]) -> None:
    """Go on showing the tags of these names to a user who has made them, or meant to."""
    if user is not None:
        with connection.cursor() as cursor:
            cursor.execute(MADE, [user.pk, list(names)])


def declare(names: Iterable[str], by: User | None) -> None:
    """Make tags, which exist, as if for themselves: without an image they are everybody's to see,
    and otherwise the user's who made them."""
    names = list(names)
    with connection.cursor() as cursor:
        cursor.execute(TELL, [names])
        if told := [tag for (tag,) in cursor.fetchall()]:
            cursor.execute("SELECT tags_settle(%s, '{}', '{}')", [told])
    made_by(by, names)


def _largest(audiences: tuple[int, ...]) -> int:
    if len(audiences) == 1:
        return audiences[0]
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, COUNTERS, [[audience + 1 for audience in audiences]])
        counted = dict(cursor.fetchall())
    return max(audiences, key=lambda audience: counted.get(audience, 0))


def _ending(viewer: Viewer) -> Fragment:
    return compose(ENDING, image=viewer.image_predicate(), provides={"i"})


def _ahead(viewer: Viewer) -> Fragment:
    return compose(
        AHEAD,
        latest=LATEST,
        link=viewer.link_predicate("l"),
        current=viewer.link_predicate("c"),
        makers=bigints(makers(viewer)),
        provides={"l", "c"},
    )
