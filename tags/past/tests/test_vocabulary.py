"""Names and rules as of an instant, whatever became of the tags since."""

from datetime import datetime

import pytest
from django.db import connection, transaction

from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from tags import curation, renaming, vocabulary
from tags.models import Tag
from tags.past.vocabulary import (
    existed,
    ids_matching,
    ids_named,
    implied,
    meanings,
    names_of,
    targets,
)

pytestmark = pytest.mark.django_db(transaction=True)
BY = Author(None, "v1")


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant


def test_a_name_is_that_of_the_instant():
    tag = make_tag("knee")
    before = now()
    curation.rename(tag, "left knee", BY)
    between = now()
    curation.rename(tag, "knee, left", BY)
    after = now()
    for at, name in ((before, "knee"), (between, "left knee"), (after, "knee, left")):
        assert names_of([tag.pk], at) == {tag.pk: name}
        assert ids_named(["knee", "left knee", "knee, left"], at) == {name: tag.pk}


def test_a_tag_is_there_from_its_creation_to_its_end():
    before = now()
    tag = make_tag("knee")
    between = now()
    curation.delete(tag, BY)
    assert [existed(tag.pk, at) for at in (before, between, now())] == [False, True, False]
    assert ids_named(["knee"], between) == {"knee": tag.pk}
    assert names_of([tag.pk], between) == {tag.pk: "knee"}
    assert ids_named(["knee"], before) == ids_named(["knee"], now()) == {}


def test_a_name_is_whose_it_was():
    first = make_tag("knee")
    before = now()
    curation.delete(first, BY)
    second = make_tag("knee")
    after = now()
    assert first.pk != second.pk
    assert ids_named(["knee"], before) == {"knee": first.pk}
    assert ids_named(["knee"], after) == {"knee": second.pk}


def test_a_tag_that_is_older_than_its_ledger_has_always_been_there():
    at = now()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        tag = Tag.objects.create(name="old")
        cursor.execute("SET session_replication_role = origin")
    assert ids_named(["old"], at) == {"old": tag.pk}
    curation.rename(tag, "new", BY)
    assert names_of([tag.pk], at) == {tag.pk: "old"}


def test_of_a_tag_that_went_before_its_ledger_a_link_has_the_name():
    image = make_image("knee")
    tag = Tag.objects.get(name="knee")
    at = now()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tags_tag DISABLE TRIGGER record_deleted")
        cursor.execute("ALTER TABLE tags_vocabularychange DISABLE TRIGGER no_rewriting")
        cursor.execute("DELETE FROM tags_vocabularychange")
        curation.delete(tag, BY)
        cursor.execute("ALTER TABLE tags_vocabularychange ENABLE TRIGGER no_rewriting")
        cursor.execute("ALTER TABLE tags_tag ENABLE TRIGGER record_deleted")
    assert image.pk
    assert names_of([tag.pk], at) == {tag.pk: "knee"}
    assert ids_named(["knee"], at) == {}


def test_patterns_match_the_names_of_the_instant_in_any_case():
    knee, hip, straße = make_tag("Knee"), make_tag("hip"), make_tag("Straße")
    before = now()
    curation.rename(knee, "joint", BY)
    curation.delete(hip, BY)
    new = make_tag("kneecap")
    patterns = ["KNEE%", "%i%", "strasse", "joint"]
    assert ids_matching(patterns, before, 10) == [[knee.pk], [hip.pk], [straße.pk], []]
    assert ids_matching(patterns, now(), 10) == [[new.pk], [knee.pk], [straße.pk], [knee.pk]]
    assert ids_matching(["%"], before, 3) == [sorted([knee.pk, hip.pk, straße.pk])]
    assert ids_matching(["%"], before, 2) is None
    assert ids_matching([], before, 2) == []


def test_a_tag_that_was_renamed_twice_since_matches_once():
    tag = make_tag("knee 1")
    before = now()
    for number in (2, 3):
        curation.rename(tag, f"knee {number}", BY)
    assert ids_matching(["knee%"], before, 1) == [[tag.pk]]
    assert ids_matching(["knee 2"], before, 1) == [[]]


def test_of_two_renames_in_one_transaction_the_first_tells_what_was_before():
    tag = make_tag("knee 1")
    before = now()
    with transaction.atomic():
        for number in (2, 3):
            curation.rename(tag, f"knee {number}", BY)
    assert names_of([tag.pk], before) == {tag.pk: "knee 1"}
    assert ids_matching(["knee%"], before, 1) == [[tag.pk]]
    assert ids_matching(["%1", "%2", "%3"], before, 1) == [[tag.pk], [], []]
    assert ids_named(["knee 1", "knee 2", "knee 3"], before) == {"knee 1": tag.pk}


def test_aliases_stand_for_their_target_while_they_were_aliases():
    knee, old, older = make_tag("knee"), make_tag("old"), make_tag("older")
    before = now()
    vocabulary.alias(old, knee, BY)
    vocabulary.alias(older, knee, BY)
    between = now()
    vocabulary.unalias(old, BY)
    after = now()
    every = [knee.pk, old.pk, older.pk]
    assert meanings(every, True, False, before) == {tag: [tag] for tag in every}
    assert meanings(every, True, False, between) == dict.fromkeys(every, every)
    assert meanings([knee.pk, old.pk], True, False, after) == {
        knee.pk: [knee.pk, older.pk],
        old.pk: [old.pk],
    }
    assert meanings([knee.pk], False, False, between) == {knee.pk: [knee.pk]}
    assert targets(every, between) == {old.pk: knee.pk, older.pk: knee.pk}
    assert targets(every, after) == {older.pk: knee.pk}


def test_an_alias_that_moves_to_another_target_is_of_the_one_it_had():
    first, second, alias = make_tag("first"), make_tag("second"), make_tag("alias")
    vocabulary.alias(alias, first, BY)
    at = now()
    vocabulary.alias(alias, second, BY)
    assert targets([alias.pk], at) == {alias.pk: first.pk}
    assert targets([alias.pk], now()) == {alias.pk: second.pk}
    assert meanings([first.pk], True, False, now()) == {first.pk: [first.pk]}


def test_an_old_name_that_is_an_alias_since_a_rename():
    tag = make_tag("knee")
    before = now()
    renaming.rename(tag, "left knee", BY, keep_old=True)
    assert ids_named(["knee"], before) == {"knee": tag.pk}
    alias = ids_named(["knee"], now())["knee"]
    assert targets([alias], now()) == {alias: tag.pk}
    curation.delete(tag, BY)
    assert not ids_named(["knee", "left knee"], now())
    assert not targets([alias], now())


def test_what_implied_a_tag_by_any_number_of_steps_and_its_aliases():
    joint, knee, left, odd = (make_tag(name) for name in ("joint", "knee", "left knee", "lk"))
    vocabulary.imply(knee, [joint], BY)
    vocabulary.imply(left, [knee], BY)
    vocabulary.alias(odd, left, BY)
    at = now()
    vocabulary.imply(left, [], BY)
    every = [joint.pk, knee.pk, left.pk, odd.pk]
    assert meanings([joint.pk], True, True, at) == {joint.pk: every}
    assert meanings([odd.pk], True, True, at) == {odd.pk: [left.pk, odd.pk]}
    assert meanings([joint.pk], True, True, now()) == {joint.pk: [joint.pk, knee.pk]}
    assert implied([odd.pk, joint.pk], at) == {odd.pk: [joint.pk, knee.pk], joint.pk: []}
    assert implied([left.pk], now()) == {left.pk: []}


def test_an_implication_of_an_alias_is_its_targets():
    joint, knee, old = make_tag("joint"), make_tag("knee"), make_tag("old")
    vocabulary.imply(old, [joint], BY)
    vocabulary.alias(old, knee, BY)
    at = now()
    vocabulary.unalias(old, BY)
    assert implied([knee.pk], at) == {knee.pk: [joint.pk]}
    assert implied([knee.pk, old.pk], now()) == {knee.pk: [], old.pk: [joint.pk]}
    assert meanings([joint.pk], True, True, at) == {joint.pk: [joint.pk, knee.pk, old.pk]}
    curation.delete(joint, BY)
    assert implied([old.pk], now()) == {old.pk: []}
    assert implied([old.pk], at) == {old.pk: [joint.pk]}
