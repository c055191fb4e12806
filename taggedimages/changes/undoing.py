"""What an undo would do: the plan of it, counted over all lines of the change in one state of the
database. `restoring` does it, image by image."""

from typing import Any

from django.db import connection

from search.executor import whole
from search.executor.blocks import Blocks
from search.index.bits import (
    BLOCK_SQL,
    block_of,
    is_set,
    part_of,
    single_part_bit,
    whole_block,
)
from search.query import Query
from search.results import SearchResults
from taggedimages.changes import judging, plans, restoring, rights, samples, sets
from taggedimages.changes.effects import Coming, Effects
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.operations import TagRef
from taggedimages.changes.plans import Planned
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, compose
from tags.models import Tag

TOUCHED = "SELECT image_id FROM tags_tagchange WHERE bulk = %s"
HOW_MANY = "SELECT count(*) FROM (SELECT FROM tags_tagchange WHERE bulk = %s LIMIT %s) lines"
# Lines of a change up to which what happened since is looked up image by image. For more, all
# lines since its first one are read.
PROBED_MOST = 20_000

# All lines beyond the first of the change, which are read once. It is looked for among the pairs:
# the planner would go through the whole ledger for the least id of a change.
READ = compose(
    """
LEFT JOIN (
    SELECT o.image_id, o.tag_id,
           max(o.id) FILTER (WHERE (o.bulk = ANY(%(own)s::bigint[])) IS NOT TRUE) AS since,
           max(o.id) FILTER (WHERE o.bulk = ANY(%(own)s::bigint[])) AS undone
    FROM tags_tagchange o
    WHERE o.id > (SELECT min(first) FROM pairs) AND {of_others}
    GROUP BY 1, 2
) every ON every.image_id = p.image_id AND every.tag_id = p.tag_id
CROSS JOIN LATERAL (SELECT CASE WHEN every.since > p.first THEN every.since END AS since,
                           CASE WHEN every.undone > p.first THEN every.undone END AS undone) later
""",
    of_others=Fragment(restoring.OF_OTHERS),
)

# Three kinds of rows: tags with links that would come, go and get a value; outcomes with how many
# images have a pair of them; and blocks of the images that something would be done to.
JUDGED = """
WITH pairs AS MATERIALIZED (
    SELECT p.* FROM ({pairs}) p JOIN changes_set s
        ON s.change_id = %(change)s AND s.outcome = 0 AND s.block = p.image_id / {block}
    WHERE {is_fit}
), judged AS MATERIALIZED (
    SELECT p.image_id, p.tag_id, p.before, p.after,
           CASE WHEN t.id IS NULL THEN {gone}
                WHEN later.since IS NULL AND later.undone IS NOT NULL THEN {already}
                WHEN later.since IS NOT NULL THEN {changed_since}
                WHEN p.tag_id = ANY(%(refused)s::bigint[]) THEN {forbidden}
                ELSE {changed} END AS outcome
    FROM pairs p {later} LEFT JOIN tags_tag t ON t.id = p.tag_id
), parts AS (
    SELECT {of_image} AS block, {part} AS part, bit_or({bit}) AS bits
    FROM judged WHERE outcome = {changed} GROUP BY 1, 2
)
SELECT 'tag', tag_id, count(*) FILTER (WHERE before IS NOT NULL AND after IS NULL),
       count(*) FILTER (WHERE before IS NULL), count(*) FILTER (WHERE before <> after), NULL
FROM judged WHERE outcome = {changed} GROUP BY tag_id
UNION ALL SELECT 'outcome', outcome, count(DISTINCT image_id), NULL, NULL, NULL
FROM judged GROUP BY outcome
UNION ALL SELECT 'block', block, NULL, NULL, NULL, bit_or({whole})::text FROM parts GROUP BY block
"""


def planned(change: Change) -> Planned:
    """What an undo would do, and what it would leave alone. All in one state of the database."""
    assert change.of_id
    by = rights.author_of(change)
    touched = whole.of_statement(TOUCHED, [change.of_id]) - Blocks.of(change.excluded)
    shown = touched & SearchResults(Query(), rights.viewer_of(by)).all_images()
    fit = shown
    if not rights.edits_all_shown(by):
        fit = shown & whole.of_queryset(rights.editable(by))
    # The statement looks here which images these are.
    sets.freeze(change.pk, fit)
    images, effects, outcomes = _judged(change, by)
    if images != fit:
        sets.freeze(change.pk, images)
    forbidden = len(shown - fit) + outcomes.get(Outcome.FORBIDDEN, 0)
    left_alone = {
        "changed_since": outcomes.get(Outcome.CHANGED_SINCE, 0),
        "image_gone": len(touched - shown),
        "tag_gone": outcomes.get(Outcome.GONE, 0),
        "forbidden": forbidden,
    }
    numbers = plans.numbers(images, forbidden, effects) | {"left_alone": left_alone}
    return Planned(images, numbers | {"sample": sample(change, by, images)})


def sample(change: Change, by: Author, images: Blocks) -> list[dict[str, Any]]:
    """What becomes of some of the images. Two statements."""
    chosen = samples.chosen(images)
    pairs = restoring.pairs_of(change, chosen)
    names = dict(Tag.objects.filter(pk__in=[p.tag for p in pairs]).values_list("pk", "name"))
    refused = judging.refused(by)
    shown = []
    for image, before in samples.tags_of(chosen).items():
        after = dict(before)
        for pair in (p for p in pairs if p.image == image):
            if pair.outcome(refused) != Outcome.CHANGED:
                continue
            if pair.before is None:
                after.pop(pair.tag, None)
            else:
                after[pair.tag] = names[pair.tag], pair.before
        shown.append(samples.shown_as(image, before, after))
    return shown


def _judged(change: Change, by: Author) -> tuple[Blocks, Effects, dict[int, int]]:
    """The images that something would be done to, what, and how many images have each outcome."""
    asked = restoring.asked(change) | {
        "change": change.pk,
        "refused": array(judging.refused(by)),
    }
    with connection.cursor() as cursor:
        cursor.execute(HOW_MANY, [change.of_id, PROBED_MOST + 1])
        (lines,) = cursor.fetchone()
        if lines <= PROBED_MOST:
            cursor.execute(_statement(restoring.PROBED), asked)
        else:
            # Of the blocks that this transaction has just frozen the planner knows nothing: it
            # takes them for one, and would go through all lines again for each.
            cursor.execute("SET LOCAL enable_nestloop = off")
            cursor.execute(_statement(READ), asked)
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    tags = {row[1]: row[2:5] for row in rows if row[0] == "tag"}
    names = dict(Tag.objects.filter(pk__in=tags).values_list("pk", "name"))
    images = Blocks.read((row[1], row[5]) for row in rows if row[0] == "block")
    coming = {
        TagRef(tag, names[tag]): Coming(added, removed)
        for tag, (added, removed, _) in sorted(tags.items(), key=lambda item: -sum(item[1]))
    }
    effects = Effects(images, coming, sum(valued for *_, valued in tags.values()))
    return images, effects, {row[1]: row[2] for row in rows if row[0] == "outcome"}


def _statement(later: Fragment) -> str:
    return compose(
        JUDGED,
        pairs=compose(restoring.PAIRS, images=Fragment("true")),
        later=later,
        block=BLOCK_SQL,
        is_fit=is_set("s.bits", "p.image_id"),
        of_image=block_of("image_id"),
        part=part_of("image_id"),
        bit=single_part_bit("image_id"),
        whole=whole_block("bits"),
        gone=_number(Outcome.GONE),
        already=_number(Outcome.ALREADY),
        changed_since=_number(Outcome.CHANGED_SINCE),
        forbidden=_number(Outcome.FORBIDDEN),
        changed=_number(Outcome.CHANGED),
    ).text


def _number(outcome: Outcome) -> Fragment:
    return Fragment(str(int(outcome)))
