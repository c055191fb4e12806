"""Undoing changes of records: each image is again as it was, unless others have touched that since.

Only what the change was about is looked at, who is shown an image or its end; the rest may have
changed. Who may edit an image gives it back what it had, whether the image is shown to them or not:
it is the change that took it out of sight.
"""

from typing import Any

from django.db import connection

from images.querysets import ImageQuerySet
from search.executor import whole
from search.executor.blocks import Blocks
from search.index.bits import block_of, part_of, single_part_bit, whole_block
from taggedimages.changes import plans, records, rights, samples, sets, undone
from taggedimages.changes.effects import Effects
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.plans import Planned
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, compose

# What has become of each image since, by what is kept of it and what it is now. An undo that was
# made before, and not undone, has left nothing to do.
JUDGED = """
SELECT s.image_id,
       CASE WHEN i.id IS NULL OR i.deleted_at IS NOT NULL THEN {gone}
            WHEN later.since IS NULL AND later.undone IS NOT NULL THEN {already}
            WHEN later.since IS NOT NULL THEN {changed_since}
            WHEN s.visibility_after = i.visibility THEN {changed}
            WHEN s.visibility_before = i.visibility THEN {already}
            WHEN s.visibility_after IS NOT NULL THEN {changed_since}
            WHEN (s.ended_after, s.trashed_after) IS NOT DISTINCT FROM (i.ended_at, i.trashed_at)
                THEN {changed}
            WHEN (s.ended_before, s.trashed_before) IS NOT DISTINCT FROM (i.ended_at, i.trashed_at)
                THEN {already}
            ELSE {changed_since} END AS outcome
FROM changes_state s LEFT JOIN images_image i ON i.id = s.image_id
CROSS JOIN LATERAL (
    SELECT max(o.id) FILTER (WHERE (o.change_id = ANY(%(own)s::bigint[])) IS NOT TRUE) AS since,
           max(o.id) FILTER (WHERE o.change_id = ANY(%(own)s::bigint[])) AS undone
    FROM changes_state o
    WHERE o.image_id = s.image_id AND o.id > s.id
      AND (o.visibility_after IS NULL) = (s.visibility_after IS NULL)
      AND (o.change_id = ANY(%(passed_over)s::bigint[])) IS NOT TRUE
) later
WHERE s.change_id = %(of)s AND {images}
"""


def _judged(images: Fragment) -> Fragment:
    number = {outcome: Fragment(str(int(outcome))) for outcome in Outcome}
    return compose(
        JUDGED,
        images=images,
        gone=number[Outcome.GONE],
        already=number[Outcome.ALREADY],
        changed_since=number[Outcome.CHANGED_SINCE],
        changed=number[Outcome.CHANGED],
    )


OF_IMAGES = _judged(Fragment("s.image_id = ANY(%(images)s::bigint[])")).text
BLOCKS = compose(
    """
SELECT outcome, block, bit_or({whole})::text FROM (
    SELECT outcome, {block} AS block, {part} AS part, bit_or({bit}) AS bits
    FROM ({judged}) judged GROUP BY 1, 2, 3
) parts GROUP BY 1, 2
""",
    judged=_judged(Fragment("true")),
    whole=whole_block("bits"),
    block=block_of("image_id"),
    part=part_of("image_id"),
    bit=single_part_bit("image_id"),
).text

# Whoever ends it again has all the time that the trash keeps it, from then on.
WRITE = """
WITH given AS MATERIALIZED (
    SELECT i.id, s.visibility_after IS NOT NULL AS is_shown,
           i.visibility, s.visibility_before AS new_visibility,
           i.ended_at, s.ended_before AS new_ended_at, i.trashed_at,
           CASE WHEN s.trashed_before IS NOT NULL THEN statement_timestamp() END AS new_trashed_at
    FROM changes_state s JOIN images_image i ON i.id = s.image_id
    WHERE s.change_id = %(of)s AND s.image_id = ANY(%(images)s::bigint[])
), kept AS (
    INSERT INTO changes_state (change_id, image_id, visibility_before, visibility_after,
                               ended_before, ended_after, trashed_before, trashed_after)
    SELECT %(change)s, id, CASE WHEN is_shown THEN visibility END, new_visibility,
           CASE WHEN NOT is_shown THEN ended_at END, new_ended_at,
           CASE WHEN NOT is_shown THEN trashed_at END, new_trashed_at
    FROM given ORDER BY id
)
UPDATE images_image i SET
    visibility = CASE WHEN g.is_shown THEN g.new_visibility ELSE i.visibility END,
    ended_at = CASE WHEN g.is_shown THEN i.ended_at ELSE g.new_ended_at END,
    trashed_at = CASE WHEN g.is_shown THEN i.trashed_at ELSE g.new_trashed_at END,
    updated_at = statement_timestamp()
FROM given g WHERE i.id = g.id
"""
SAMPLE = """
SELECT i.id, i.visibility, i.ended_at <= statement_timestamp(), i.trashed_at IS NOT NULL,
       coalesce(s.visibility_before, i.visibility),
       CASE WHEN s.visibility_after IS NULL THEN s.ended_before ELSE i.ended_at END
           <= statement_timestamp(),
       CASE WHEN s.visibility_after IS NULL THEN s.trashed_before ELSE i.trashed_at END IS NOT NULL
FROM changes_state s JOIN images_image i ON i.id = s.image_id
WHERE s.change_id = %(of)s AND s.image_id = ANY(%(images)s::bigint[])
"""


def planned(change: Change) -> Planned:
    """What an undo would do, and what it would leave alone. All in one state of the database."""
    by = rights.author_of(change)
    found = _by_outcome(change)
    images = found.get(Outcome.CHANGED, Blocks()) - Blocks.of(change.excluded)
    fit = images & whole.of_queryset(_revertible(change, by, images))
    sets.freeze(change.pk, fit)
    left_alone = {
        "changed_since": len(found.get(Outcome.CHANGED_SINCE, Blocks())),
        "image_gone": len(found.get(Outcome.GONE, Blocks())),
        "tag_gone": 0,
        "forbidden": len(images - fit),
    }
    numbers = plans.numbers(fit, len(images - fit), Effects(fit)) | plans.of_records(len(fit))
    sample = _sample(change, samples.chosen(fit))
    return Planned(fit, numbers | {"left_alone": left_alone, "sample": sample})


def carry_out(change: Change, by: Author, images: list[int]) -> dict[int, Outcome]:
    """Give the images of a batch, which are locked, back what they had; what became of each."""
    asked = _asked(change) | {"change": change.pk, "images": array(images)}
    # What there is no state of is gone for good, as this change is about no other.
    found = dict.fromkeys(images, Outcome.GONE)
    fit = set(_revertible(change, by, Blocks.of(images)).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(OF_IMAGES, asked)
        found |= {image: Outcome(outcome) for image, outcome in cursor.fetchall()}
        for image, outcome in found.items():
            if outcome == Outcome.CHANGED and image not in fit:
                found[image] = Outcome.FORBIDDEN
        to_do = [image for image, outcome in found.items() if outcome == Outcome.CHANGED]
        cursor.execute(WRITE, asked | {"images": array(to_do)})
    return found


def _by_outcome(change: Change) -> dict[int, Blocks]:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKS, _asked(change))
        rows = cursor.fetchall()
    return {
        outcome: Blocks.read((block, bits) for one, block, bits in rows if one == outcome)
        for outcome in {row[0] for row in rows}
    }


def _asked(change: Change) -> dict[str, Any]:
    assert change.of_id
    undos = undone.undos_of(change.of_id)
    return {
        "of": change.of_id,
        "own": array(one for one in undos.own if one != change.pk),
        "passed_over": array([change.of_id, *undos.passed_over]),
    }


def _revertible(change: Change, by: Author, images: Blocks) -> ImageQuerySet:
    """Those of some images, or more, whose records are the author's to give back."""
    assert change.of
    editable = rights.revertible(by, change.of)
    return editable.filter(pk__in=list(images)) if len(images) <= FEW else editable


def _sample(change: Change, chosen: list[int]) -> list[dict[str, Any]]:
    tags = samples.tags_of(chosen)
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, {"of": change.of_id, "images": array(chosen)})
        states = {row[0]: row[1:] for row in cursor.fetchall()}
    return [
        samples.shown_as(image, tags[image], tags[image])
        | {
            "record_before": records.as_shown(was[0], ended=bool(was[1]), trashed=was[2]),
            "record_after": records.as_shown(was[3], ended=bool(was[4]), trashed=was[5]),
        }
        for image in chosen
        for was in [states[image]]
    ]
