"""Redaction: names and values leave the ledgers, and nothing else about them changes."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from taggedimages.changes.models import Change, RemovedLink
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from tags import curation, redaction, tagging
from tags.models import Redaction, Tag, TagChange, VocabularyChange
from tags.past.tests.ageing import let_pass

pytestmark = pytest.mark.django_db
BY = Author(None, "v1", is_operator=True)
NAME = "Jane Doe"


def redact(*arguments):
    out = StringIO()
    call_command("redact", *arguments, "--reason", "a patient's name", stdout=out)
    return out.getvalue()


def lines():
    """All there is in the ledgers, but for names and values."""
    gone = {"tag_name", "old_value", "new_value", "name", "old_name"}
    return [
        {name: value for name, value in row.items() if name not in gone}
        for model in (TagChange, VocabularyChange)
        for row in model.objects.order_by("id").values()
    ]


def said():
    """All names and values in the ledgers."""
    links = TagChange.objects.values_list("tag_name", "old_value", "new_value")
    words = VocabularyChange.objects.values_list("name", "old_name")
    return {text for row in (*links, *words) for text in row if text}


@pytest.fixture
def renamed():
    """A tag that was named after a patient, on an image, and the instant of that."""
    image = make_image(NAME)
    at = let_pass()
    tag = Tag.objects.get(name=NAME)
    curation.rename(tag, "patient 7", BY)
    return image, tag, at


def test_it_says_what_it_would_do_and_does_nothing(renamed):
    before = said()
    answer = redact("--name", NAME)
    assert answer == (
        "1 lines of links, 2 lines of the vocabulary, 0 removed links, 1 changes would be blanked; "
        "--apply does it.\n"
    )
    assert said() == before
    assert not Redaction.objects.exists()


@pytest.mark.parametrize("which", [("--name", NAME), ("--tag", "{tag}")])
def test_a_name_leaves_both_ledgers_and_is_recorded_without_it(renamed, which):
    _, tag, _ = renamed
    before = lines()
    answer = redact(*(one.format(tag=tag.pk) for one in which), "--apply")
    record = Redaction.objects.get()
    assert f"were blanked, as redaction {record.pk} records" in answer
    assert said() == {"patient 7"}
    assert lines() == before
    assert (record.reason, record.lines) == ("a patient's name", 3)
    assert NAME not in str(record.what)
    assert "names of a tag" in str(record.what) or record.what == {"of": "name"}


def test_the_past_and_the_history_show_a_mark_and_the_image_is_found_by_the_tag(api, renamed):
    image, tag, at = renamed
    redact("--tag", str(tag.pk), "--apply")
    shown = {"id": tag.pk, "name": "[redacted]", "name_now": "patient 7"}
    record = api.get(f"/v1/images/{image.pk}?as_of={at}").json()
    assert record["tags"] == [shown]
    answer = api.get(f"/v1/tags/{tag.pk}/images?as_of={at}").json()
    assert [one["id"] for one in answer["results"]] == [image.pk]
    history = api.get(f"/v1/images/{image.pk}/history").json()["results"]
    assert [line["tag"]["name"] for line in history] == ["[redacted]"]
    found = api.get(f"/v1/search/images?exact_tags={NAME}&as_of={at}").json()
    assert found["results"] == []
    found = api.get(f"/v1/search/images?match_tags=jane%25&as_of={at}").json()
    assert found["results"] == []


def test_a_value_leaves_the_ledger_and_what_an_undo_would_bring_back():
    image, other = make_image(), make_image()
    for one in (image, other):
        tagging.set_values(one, {"patient": NAME}, BY)
        tagging.set_values(one, {"patient": "7"}, BY)
    tag = Tag.objects.get(name="patient")
    change = Change.objects.create(
        kind="retag",
        state="applied",
        operation={"values": [{"id": tag.pk, "name": "patient", "value": NAME}]},
        project=image.project,
        author_name="mira",
        through="v1",
    )
    RemovedLink.objects.create(
        change=change,
        image_id=image.pk,
        tag_id=tag.pk,
        value=NAME,
        link_id=1,
        link_uuid=image.uuid,
        created_at=image.created_at,
    )
    before = lines()
    redact("--value", NAME, "--image", str(image.pk), "--apply")
    assert said() == {"patient", "7", NAME}
    assert TagChange.objects.filter(image_id=image.pk, new_value=NAME).count() == 0
    redact("--value", NAME, "--apply")
    assert said() == {"patient", "7"}
    assert lines() == before
    assert RemovedLink.objects.get().value == ""
    change.refresh_from_db()
    assert change.operation == {
        "values": [{"id": tag.pk, "name": "patient", "value": "[redacted]"}]
    }
    # No link is told from one with an empty value still.
    assert TagChange.objects.filter(old_value=None).count() == 2
    assert [one.lines for one in Redaction.objects.order_by("id")] == [2, 2]


def test_a_deleted_tag_loses_all_its_names():
    make_image(NAME)
    tag = Tag.objects.get(name=NAME)
    curation.delete(tag, BY)
    redact("--tag", str(tag.pk), "--apply")
    assert said() == set()


def test_what_is_there_now_is_changed_first():
    image = make_image(NAME)
    tagging.set_values(image, {"patient": NAME}, BY)
    tag = Tag.objects.get(name=NAME)
    for apply in ([], ["--apply"]):
        with pytest.raises(CommandError, match=f"^Tag {tag.pk} is called so"):
            redact("--name", NAME, *apply)
        with pytest.raises(CommandError, match=f"^Image {image.pk} has the value"):
            redact("--value", NAME, *apply)
    # Of another tag, or of another image, it is not what is there now.
    redact("--name", NAME, "--tag", str(make_tag("knee").pk))
    redact("--value", NAME, "--image", str(make_image().pk))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Give --name, --value or --tag."),
        (["--image", "1"], "Give --name, --value or --tag."),
        (["--name", "a", "--value", "b"], "one after the other"),
        (["--name", ""], "blank already"),
        (["--name", "a", "--reason", " "], "say why"),
    ],
)
def test_what_is_no_redaction(arguments, why):
    with pytest.raises(CommandError, match=why):
        call_command("redact", "--reason", "so", *arguments)


def test_many_lines_are_blanked_a_part_at_a_time(renamed, monkeypatch):
    monkeypatch.setattr(redaction, "CHUNK_LINES", 1)
    redact("--name", NAME, "--apply")
    assert said() == {"patient 7"}
    assert Redaction.objects.get().lines == 3


# --- What the database refuses, whoever asks ------------------------------------------------------


def run(statement, redaction=None):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('taggedimages.redaction', %s, true)", [str(redaction or "")]
        )
        cursor.execute(statement)


def refused(statement, why, redaction=None):
    with pytest.raises(DatabaseError, match=why):
        run(statement, redaction)


def test_nothing_is_rewritten_without_a_redaction_that_is_recorded(renamed):
    blank = "UPDATE tags_tagchange SET tag_name = ''"
    refused(blank, "never rewritten")
    refused(blank, "that is recorded", redaction=12345)
    assert NAME in said()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tags_tagchange SET tag_name = 'other'",
        "UPDATE tags_tagchange SET old_value = ''",
        "UPDATE tags_tagchange SET new_value = NULL",
        "UPDATE tags_tagchange SET changed_at = now() - interval '1 year'",
        "UPDATE tags_tagchange SET tag_name = '', user_name = 'nobody'",
        "UPDATE tags_vocabularychange SET name = 'other'",
        "UPDATE tags_vocabularychange SET kind = 'renamed'",
        "DELETE FROM tags_tagchange",
        "DELETE FROM tags_vocabularychange",
    ],
)
def test_a_redaction_blanks_names_and_values_and_nothing_else(renamed, statement):
    record = Redaction.objects.create(user_name="mira", reason="so", what={})
    refused(statement, "never rewritten", redaction=record.pk)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tags_redaction",
        "UPDATE tags_redaction SET lines = 0",
        "UPDATE tags_redaction SET reason = ''",
    ],
)
def test_what_was_redacted_stays_recorded(renamed, statement):
    redact("--name", NAME, "--apply")
    refused(statement, "stays recorded")
