"""The clean-up list as it is now: rows whose tags are still as they were found, and not set aside.

Of a project, where one looks as such, a row is shown if all its tags are: a sweep says which
projects have images with them and names one image of each, which is looked at once more here. Of
opposites, it has to be an image of the project that has both.
"""

from typing import Any

from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from images.visibility import Viewer
from taggedimages.postgresql.fragments import Fragment, bigints, compose
from tags import shown
from tags.cleanup.models import Finding

# SQL of a row `{f}`; TWINS are all kinds that are not named.
STILL_THERE = """EXISTS (
    SELECT FROM tags_tag t LEFT JOIN tags_tag o ON o.id = {f}.other_id
    WHERE t.id = {f}.tag_id AND t.name IS NOT DISTINCT FROM {f}.tag_name
    AND ({f}.other_id IS NULL OR o.name = {f}.other_name)
    AND CASE {f}.kind
        WHEN 'left_over' THEN t.alias_of_id = o.id
        WHEN 'contradiction' THEN t.alias_of_id IS NULL AND o.alias_of_id IS NULL
                                  AND (o.id IS NOT NULL OR t.status = 'deprecated')
        ELSE t.alias_of_id IS NULL AND o.alias_of_id IS NULL END
    OFFSET 0
)
AND CASE {f}.kind
    WHEN 'never' THEN NOT EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = {f}.tag_id)
    WHEN 'once' THEN (SELECT count(*) FROM (
        SELECT FROM tags_imagetag l WHERE l.tag_id = {f}.tag_id LIMIT 2) few) = 1
    WHEN 'left_over' THEN EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = {f}.tag_id)
    WHEN 'contradiction' THEN {contradicts}
    ELSE true END
AND NOT EXISTS (
    SELECT FROM tags_setaside s
    WHERE s.family = CASE WHEN {f}.kind IN ('never', 'once') THEN 'use'
                          WHEN {f}.kind IN ('left_over', 'contradiction') THEN {f}.kind
                          ELSE 'twins' END
    AND s.low_id = least({f}.tag_id, {f}.other_id)
    AND coalesce(s.high_id, 0) = CASE WHEN {f}.other_id IS NULL THEN 0
                                 ELSE greatest({f}.tag_id, {f}.other_id) END
)"""
# Of opposites, and of a deprecated tag: whether one of the images still has what is wrong.
CONTRADICTS = """EXISTS (
    SELECT FROM unnest({f}.examples) e (image) JOIN tags_imagetag l ON l.image_id = e.image
    WHERE l.tag_id = {f}.tag_id AND ({f}.other_id IS NULL OR EXISTS (
        SELECT FROM tags_imagetag b WHERE b.image_id = e.image AND b.tag_id = {f}.other_id))
    AND {image}
)"""
IMAGE_OF_PROJECT = """EXISTS (
    SELECT FROM images_image i WHERE i.id = e.image AND {is_shown} OFFSET 0)"""
# Soon asked, and first: as far as is known its images have the tag, or whoever looks made it.
SHOWN = """(jsonb_exists({f}.projects, %(project)s) OR EXISTS (
    SELECT FROM tags_audiencetag s
    WHERE s.tag_id = {f}.tag_id AND s.audience = ANY({makers}) OFFSET 0))
AND {itself} AND ({f}.other_id IS NULL OR {f}.kind = 'left_over' OR {other})"""
TAG_SHOWN = """(EXISTS (
    SELECT FROM tags_imagetag l JOIN images_image i ON i.id = l.image_id
    WHERE l.image_id = ({f}.projects -> %(project)s ->> {place})::bigint AND l.tag_id = {tag}
    AND {is_shown} OFFSET 0
) OR EXISTS (
    SELECT FROM tags_audiencetag s
    WHERE s.tag_id = {tag} AND s.audience = ANY({makers}) OFFSET 0))"""


class IsPresent(Func):
    """Whether a row, given by its id, is still a problem and shown to a viewer: a superuser, or a
    project as such."""

    output_field = BooleanField()

    def __init__(self, row: Any, viewer: Viewer) -> None:
        super().__init__(row)
        self.viewer = viewer

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        column, _parameters = compiler.compile(self.source_expressions[0])
        return shown.positional(_is_present(self.viewer, Fragment(column.rpartition(".")[0])))


def rows(viewer: Viewer) -> QuerySet[Finding]:
    """The rows that a viewer is shown, in no order."""
    return Finding.objects.filter(IsPresent(F("pk"), viewer))


def in_order(found: QuerySet[Finding]) -> QuerySet[Finding]:
    """Rows of one kind, with their tags: those of most images first."""
    return found.select_related("tag", "other").order_by("-images", "-id")


def _is_present(viewer: Viewer, row: Fragment) -> Fragment:
    every = viewer.sees_all
    is_shown = viewer.image_predicate()
    image = (
        Fragment("true") if every else compose(IMAGE_OF_PROJECT, is_shown=is_shown, provides={"i"})
    )
    contradicts = compose(CONTRADICTS, f=row, image=image)
    there = compose(STILL_THERE, f=row, contradicts=contradicts)
    if every:
        return there
    makers = bigints(shown.makers(viewer))
    itself, other = (
        compose(
            TAG_SHOWN,
            f=row,
            place=Fragment(place),
            tag=compose(f"{{f}}.{column}", f=row),
            is_shown=is_shown,
            makers=makers,
            provides={"i"},
            parameters={"project": viewer.project},
        )
        for place, column in (("1", "tag_id"), ("3", "other_id"))
    )
    seen = compose(SHOWN, f=row, itself=itself, other=other, makers=makers)
    return compose("({there} AND {seen})", there=there, seen=seen)
