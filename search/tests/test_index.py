"""Whatever happens to images and tags, the tag index answers what row by row would."""

from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from images import deletion, editing
from images.models import Facts, Image
from images.visibility import Visibility
from search.executor import whole
from search.executor.blocks import Blocks
from search.index import building, merging, project_terms
from search.index.verification import verify
from search.models import BLOCK, PendingChange, TermStats
from search.query import Query, TagValues
from search.tests.answers import assert_right, assert_right_of_project
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.models import Project, User
from tags import curation, resolving, tagging, vocabulary
from tags.models import ImageTag, Tag

NOW = timezone.now()
PROJECTS = ("default", "clinic")
NAMES = st.sampled_from("abeF")
SETS_OF_NAMES = st.lists(NAMES, max_size=3, unique=True)
TAGS = SETS_OF_NAMES.map(lambda names: tuple(TagValues(name) for name in names))
HOURS = st.sampled_from([-3, -2, -2, -1, 0]).map(lambda hours: NOW + timedelta(hours=hours))
AHEAD = NOW + timedelta(days=1)
STEPS = st.sampled_from(Visibility)
ENDS = st.sampled_from([None, None, NOW - timedelta(hours=1), AHEAD])
PICKS = st.integers(min_value=0, max_value=10**6)
# What a file may be found to be, and a record to say; few of everything, so that questions meet it.
FACTS = st.none() | st.fixed_dictionaries(
    {
        "format": st.sampled_from(["png", "jpeg", ""]),
        "width": st.sampled_from([0, 1, 6, 7, 2**31 - 1]),
        "height": st.sampled_from([0, 6, 8]),
        "dicom": st.sampled_from([None, {}, {"Modality": "mr"}, {"Modality": "CT"}]),
    }
)
SIZES = st.sampled_from([0, 5, 6, 2**40 + 1, 2**63 - 1])
FILENAMES = st.sampled_from(["A%.png", "b_5", "É"])
PIXELS = st.none() | st.sampled_from([0, 1, 6, 7, 8, 2**31 - 1, 2**31, 2**63 - 1])
BYTES = st.none() | st.sampled_from([0, 5, 6, 2**40, 2**63 - 1])
# Of windows, with and without parts of seconds.
BOUNDS = st.none() | HOURS | HOURS.map(lambda hour: hour.replace(microsecond=0))
# Images far from each other, so that they are in several blocks and several spans.
FIRST, GAPS = 200_000, st.sampled_from([1, 1, 1, BLOCK // 2, 20 * BLOCK])

QUERIES = st.builds(
    Query,
    exact_tags=st.lists(NAMES, max_size=2).map(tuple),
    match_tags=st.sampled_from([(), (), ("%",), ("A",), ("%e%", "f%"), ("none",)]),
    with_any=TAGS.map(lambda tags: (tags,) if tags else ()),
    without_any=st.just(()) | TAGS,
    untagged=st.sampled_from([False, False, False, True]),
    aliased=st.booleans(),
    implied=st.booleans(),
    uploaded_only=st.booleans(),
    created_from=BOUNDS,
    created_before=BOUNDS,
)
# With and without tags.
FIELDS = st.builds(
    Query,
    exact_tags=st.lists(NAMES, max_size=1).map(tuple),
    without_any=st.just(()) | TAGS,
    untagged=st.sampled_from([False, False, True]),
    created_from=BOUNDS,
    uploaded_from=st.none() | st.just(NOW.replace(microsecond=0)),
    uploaded_before=st.none() | st.just(AHEAD.replace(microsecond=0)),
    filename_contains=st.sampled_from(["", "", "5", "A", "%"]),
    formats=st.sampled_from([(), (), ("png",), ("png", "jpeg"), ("gif",)]),
    modalities=st.sampled_from([(), (), ("MR",), ("CT", "MR")]),
    min_width=PIXELS,
    max_width=PIXELS,
    min_height=PIXELS,
    min_size=BYTES,
    max_size=BYTES,
)
# Asked again and again, so that counts are cached.
ASKED_AGAIN = (
    Query(exact_tags=("a", "b"), aliased=True),
    Query(match_tags=("e%", "a%"), uploaded_only=True, implied=True),
)
FIELDS_ASKED_AGAIN = Query(formats=("png", "jpeg"), min_width=6, max_size=2**40)
# What term statistics answer, asked often.
PLAIN = st.builds(Query, exact_tags=st.lists(NAMES, max_size=1).map(tuple))


class Service(RuleBasedStateMachine):
    """All that happens to images and tags, in any order, within a transaction that is undone."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = ExitStack()
        self.undone.enter_context(transaction.atomic())
        self.undone.callback(transaction.set_rollback, True)
        self.people: list[User | None] = [None, make_user(), make_user(), make_user(staff=True)]
        # Of the second project, the index is told some time later.
        project_terms.adopt()
        Project.objects.create(id=PROJECTS[1])
        self.next_id = FIRST

    @initialize(few_links=st.sampled_from([0, 0, 3]), dense_links=st.sampled_from([0, 1, 3]))
    def begin(self, few_links: int, dense_links: int) -> None:
        self.thresholds = replace(
            SMALL,
            dense_min_links=dense_links,
            links_counted_by_rows_max=few_links,
            probed_tags_max=max(dense_links, 1),
        )

    def teardown(self) -> None:
        with self.undone:
            assert verify().right

    def person(self, pick: int) -> User | None:
        person = self.people[pick % len(self.people)]
        if person:
            # Somebody else's change of an image may concern them.
            person.refresh_from_db()
        return person

    def image(self, pick: int) -> Image:
        images = Image.objects.order_by("pk")
        return images[pick % images.count()]

    def tag(self, pick: int) -> Tag:
        tags = Tag.objects.order_by("pk")
        return tags[pick % tags.count()]

    # --- Images come, change and go --------------------------------------------------------------

    @rule(
        many=st.lists(SETS_OF_NAMES, min_size=1, max_size=4),
        who=PICKS,
        gap=GAPS,
        created_at=HOURS | st.just(AHEAD),
        ended_at=ENDS,
        fields=st.fixed_dictionaries(
            {
                "visibility": STEPS,
                "uploaded_at": st.sampled_from([None, NOW]),
                "size": SIZES,
                "filename": FILENAMES,
            }
        ),
        facts=FACTS,
    )
    def create(
        self, many: list[list[str]], who: int, gap: int, fields: Any, facts: Any, **times: Any
    ) -> None:
        for names in many:
            self.next_id += gap
            image = make_image(*names, by=self.person(who), pk=self.next_id, **fields, **times)
            if facts is not None:
                Facts.objects.create(image=image, **facts)

    @rule(many=st.lists(SETS_OF_NAMES, min_size=1, max_size=4))
    def create_for_everybody(self, many: list[list[str]]) -> None:
        fields = {"created_at": NOW, "ended_at": None}
        self.create(many, who=0, gap=1, fields={}, facts=None, **fields)

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, facts=FACTS)
    def inspect(self, pick: int, facts: Any) -> None:
        image = self.image(pick)
        if facts is None:
            Facts.objects.filter(image=image).delete()
        else:
            Facts.objects.update_or_create(facts, image=image)

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, size=SIZES, filename=FILENAMES)
    def correct(self, pick: int, **fields: Any) -> None:
        Image.objects.filter(pk=self.image(pick).pk).update(**fields)

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, visibility=STEPS, ended_at=ENDS)
    def edit(self, pick: int, visibility: int, ended_at: Any) -> None:
        editing.edit(self.image(pick), {"visibility": visibility, "ended_at": ended_at})

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, move=st.sampled_from([deletion.trash, deletion.restore]))
    def trash_or_restore(self, pick: int, move: Any) -> None:
        move(self.image(pick))

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, uploaded_at=st.sampled_from([None, NOW]), created_at=HOURS, who=PICKS)
    def upload_or_correct(self, pick: int, who: int, **times: Any) -> None:
        image = Image.objects.filter(pk=self.image(pick).pk)
        image.update(created_by=self.person(who), **times)

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, project=st.sampled_from(PROJECTS))
    def move_to_another_project(self, pick: int, project: str) -> None:
        Image.objects.filter(pk=self.image(pick).pk).update(project=project)

    @precondition(lambda self: Tag.objects.exists() and Image.objects.exists())
    @rule(pick=PICKS, what=st.sampled_from(["row", "tag", "all with a tag"]))
    def remove(self, pick: int, what: str) -> None:
        match what:
            case "row":
                sql("DELETE FROM images_image WHERE id = %s", self.image(pick).pk)
            case "tag":
                curation.delete(self.tag(pick), TESTS)
            case "all with a tag":
                deletion.delete_all(Image.objects.filter(tags=self.tag(pick), visibility=2))

    # --- Tags, too -------------------------------------------------------------------------------

    @precondition(lambda self: Image.objects.exists())
    @rule(pick=PICKS, names=SETS_OF_NAMES)
    def retag(self, pick: int, names: list[str]) -> None:
        tagging.retag(self.image(pick), names, TESTS)

    @precondition(lambda self: Image.objects.exists() and Tag.objects.exists())
    @rule(pick=PICKS, which=PICKS)
    def untag(self, pick: int, which: int) -> None:
        tagging.untag(self.image(pick), [self.tag(which).pk], TESTS)

    @precondition(lambda self: Tag.objects.exists())
    @rule(pick=PICKS, name=NAMES)
    def rename(self, pick: int, name: str) -> None:
        if not Tag.objects.filter(name=name).exists():
            curation.rename(self.tag(pick), name, TESTS)

    @rule(names=SETS_OF_NAMES)
    def tag_everything(self, names: list[str]) -> None:
        tagging.tag_each(Image.objects.all(), resolving.resolve(names), TESTS)

    @rule(name=NAMES)
    def link_and_move_by_plain_sql(self, name: str) -> None:
        sql(
            "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
            " SELECT gen_random_uuid(), i.id, t.id, '' FROM images_image i, tags_tag t"
            " WHERE t.name = %s ON CONFLICT DO NOTHING",
            name,
        )
        newest, oldest = ImageTag.objects.order_by("-pk").first(), Image.objects.first()
        if newest and oldest and not newest.tag.imagetag_set.filter(image=oldest).exists():
            sql("UPDATE tags_imagetag SET image_id = %s WHERE id = %s", oldest.pk, newest.pk)

    # --- Rules between tags come and go ----------------------------------------------------------

    @precondition(lambda self: Tag.objects.count() > 1)
    @rule(pick=PICKS, other=PICKS)
    def alias(self, pick: int, other: int) -> None:
        with suppress(vocabulary.Cycle):
            vocabulary.alias(self.tag(pick), self.tag(other), TESTS)

    @precondition(lambda self: Tag.objects.exclude(alias_of=None).exists())
    @rule(pick=PICKS)
    def unalias(self, pick: int) -> None:
        aliases = Tag.objects.exclude(alias_of=None).order_by("pk")
        vocabulary.unalias(aliases[pick % aliases.count()], TESTS)

    @precondition(lambda self: Tag.objects.exists())
    @rule(pick=PICKS, others=st.lists(PICKS, max_size=2))
    def imply(self, pick: int, others: list[int]) -> None:
        with suppress(vocabulary.Cycle):
            vocabulary.imply(self.tag(pick), [self.tag(other) for other in others], TESTS)

    # --- The index keeps up, or does not ---------------------------------------------------------

    @rule()
    def adopt_projects(self) -> None:
        project_terms.adopt()

    @rule(left=st.sampled_from([0, 1, 1, 2, 5]))
    def merge_all_but_the_last_changes(self, left: int) -> None:
        merging.merge(max(PendingChange.objects.count() - left, 1), self.thresholds)

    @rule(anew=st.booleans())
    def verify_or_rebuild(self, anew: bool) -> None:
        if anew:
            building.rebuild(self.thresholds)
        assert verify().right
        assert not PendingChange.objects.exists()

    # --- And answers -----------------------------------------------------------------------------

    @rule(query=QUERIES | FIELDS, who=PICKS, limit=st.integers(1, 4), offset=st.integers(0, 2))
    def ask(self, query: Query, who: int, limit: int, offset: int) -> None:
        assert_right(query, self.person(who), limit, offset, self.thresholds)
        self.ask_of_projects(query, limit, offset)

    @rule(query=PLAIN)
    def ask_as_anybody(self, query: Query) -> None:
        assert_right(query, None, thresholds=self.thresholds)
        self.ask_of_projects(query)

    def ask_of_projects(self, query: Query, limit: int = 3, offset: int = 1) -> None:
        for project in PROJECTS:
            if project_terms.term_of(project) is not None:
                assert_right_of_project(query, project, limit, offset, self.thresholds)

    @rule()
    def ask_again_for_fields(self) -> None:
        assert_right(FIELDS_ASKED_AGAIN, None, thresholds=self.thresholds)

    @rule(kept=PICKS)
    def ask_for_all_links(self, kept: int) -> None:
        """As bulk changes do, of whomever they are."""
        links = list(ImageTag.objects.values_list("tag", "image"))
        tags = sorted({tag for tag, _ in links})
        for tag in tags:
            assert list(whole.of_tag(tag)) == sorted(image for one, image in links if one == tag)
        but = tags[kept % len(tags)] if tags else 0
        others = [(tag, image) for tag, image in links if tag != but]
        counted, having = whole.all_tags(Blocks.of(image for _, image in links), [but])
        assert counted == Counter(tag for tag, _ in others)
        assert set(having) == {image for _, image in others}

    @invariant()
    def projects_have_their_images(self) -> None:
        self.ask_of_projects(Query())

    @invariant()
    def cached_counts_are_right(self) -> None:
        for query in ASKED_AGAIN:
            assert_right(query, None, thresholds=self.thresholds)

    @invariant()
    def no_term_statistics_are_below_zero(self) -> None:
        assert not TermStats.objects.filter(public_count__lt=0).exists()


def sql(statement: str, *values: Any) -> None:
    """Change the database as somebody beside the service would."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.django_db
def test_the_index_answers_what_rows_say_whatever_changes_and_merges_happen():
    run_state_machine_as_test(
        Service,
        settings=settings(
            max_examples=20,
            report_multiple_bugs=False,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
