"""Aliases and implications as rules: what may be, and what each tag stands for by them."""

import pytest
from django.db import IntegrityError, connection, transaction

from taggedimages.factories import make_tag
from taggedimages.identity.authors import Author
from tags import curation, vocabulary
from tags.models import (
    AudienceTag,
    Closure,
    Implication,
    Tag,
    TagNamesVersion,
    VocabularyChange,
)

pytestmark = pytest.mark.django_db
BY = Author(None, "v1")


def alias(tag: Tag, of: Tag) -> Tag:
    return vocabulary.alias(tag, of, BY)


def imply(child: Tag, *parents: Tag) -> list[Tag]:
    return vocabulary.imply(child, parents, BY)


def closure() -> set[tuple[str, str]]:
    """All pairs, by name: a target, and what it stands for."""
    return set(Closure.objects.values_list("ancestor__name", "descendant__name"))


def tags(*names: str) -> list[Tag]:
    return [make_tag(name) for name in names]


def test_an_alias_is_one_of_what_its_target_stands_for() -> None:
    knee, old = tags("knee", "left knee")
    assert alias(old, knee).alias_of_id == knee.pk
    assert closure() == {("knee", "left knee")}
    assert vocabulary.unalias(old, BY).alias_of_id is None
    assert closure() == set()
    assert vocabulary.unalias(old, BY) == old


def test_of_an_alias_is_of_its_target() -> None:
    knee, old, older = tags("knee", "old", "older")
    alias(old, knee)
    assert alias(older, old).alias_of_id == knee.pk
    assert closure() == {("knee", "old"), ("knee", "older")}


def test_what_has_aliases_takes_them_along() -> None:
    knee, old, older = tags("knee", "old", "older")
    alias(older, old)
    alias(old, knee)
    assert set(vocabulary.aliases_of(knee)) == {old, older}
    assert closure() == {("knee", "old"), ("knee", "older")}


def test_nothing_is_an_alias_of_itself() -> None:
    knee, old = tags("knee", "old")
    with pytest.raises(vocabulary.Cycle, match=r"^knee → knee$"):
        alias(knee, knee)
    alias(old, knee)
    with pytest.raises(vocabulary.Cycle, match=r"^knee → old → knee$"):
        alias(knee, old)


def test_plain_sql_makes_no_alias_of_an_alias() -> None:
    knee, old, older = tags("knee", "old", "older")
    alias(old, knee)
    for tag, of in ((older, old), (knee, older)):
        with pytest.raises(IntegrityError, match="an alias of an alias"), transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(alias_of=of)
    with pytest.raises(IntegrityError, match="tag_alias_of_another"), transaction.atomic():
        Tag.objects.filter(pk=older.pk).update(alias_of=older)


def test_implications_go_on_over_any_number_of_steps() -> None:
    leg, joint, knee, left = tags("leg", "joint", "knee", "left knee")
    assert imply(knee, joint, leg) == [joint, leg]
    imply(left, knee)
    below_knee = {("knee", "left knee"), ("joint", "left knee"), ("leg", "left knee")}
    assert closure() == {("joint", "knee"), ("leg", "knee")} | below_knee
    assert list(vocabulary.parents_of(knee)) == [joint, leg]
    assert list(vocabulary.children_of(knee)) == [left]


def test_a_diamond_is_no_cycle_and_loses_one_side_at_a_time() -> None:
    top, left, right, bottom = tags("top", "left", "right", "bottom")
    imply(left, top)
    imply(right, top)
    imply(bottom, left, right)
    assert ("top", "bottom") in closure()
    imply(bottom, right)
    assert closure() == {
        ("top", "left"),
        ("top", "right"),
        ("right", "bottom"),
        ("top", "bottom"),
    }
    imply(bottom)
    assert closure() == {("top", "left"), ("top", "right")}


def test_a_cycle_is_told_with_its_path_and_changes_nothing() -> None:
    knee, joint, body = tags("knee", "joint", "body")
    imply(knee, joint)
    imply(joint, body)
    before = closure()
    with pytest.raises(vocabulary.Cycle, match=r"^body → knee → joint → body$"):
        imply(body, knee)
    with pytest.raises(vocabulary.Cycle, match=r"^body → body$"):
        imply(body, body)
    assert closure() == before
    assert not Implication.objects.filter(child=body).exists()


def test_an_alias_brings_its_implications_and_takes_them_away_again() -> None:
    part, knee, old, left = tags("part", "knee", "old", "left")
    imply(old, part)
    imply(left, old)
    apart = closure()
    alias(old, knee)
    assert closure() == {
        ("part", "knee"),
        ("part", "old"),
        ("part", "left"),
        ("knee", "old"),
        ("knee", "left"),
    }
    assert list(vocabulary.parents_of(knee)) == [part]
    assert list(vocabulary.children_of(knee)) == [left]
    vocabulary.unalias(old, BY)
    assert closure() == apart


def test_the_parents_of_a_target_replace_those_that_an_alias_brought() -> None:
    part, other, knee, old = tags("part", "other", "knee", "old")
    imply(old, part)
    alias(old, knee)
    assert imply(knee, other) == [other]
    assert imply(old, part, other) == [other, part]
    assert imply(knee) == []
    assert closure() == {("knee", "old")}


def test_an_alias_that_closes_a_cycle_is_refused() -> None:
    low, middle, high = tags("low", "middle", "high")
    imply(low, middle)
    imply(middle, high)
    before = closure()
    with pytest.raises(vocabulary.Cycle, match=r"^high → middle → high$"):
        alias(low, high)
    assert closure() == before
    # Of two that imply each other directly nothing is left to imply.
    alias(middle, high)
    assert closure() == {("high", "middle"), ("high", "low")}


def test_so_many_steps_at_most() -> None:
    chain = [make_tag() for _ in range(vocabulary.MAX_DEPTH + 2)]
    for child, parent in zip(chain[2:], chain[1:], strict=False):
        imply(child, parent)
    with pytest.raises(vocabulary.TooDeep):
        imply(chain[1], chain[0])
    imply(chain[2])
    imply(chain[1], chain[0])
    with pytest.raises(vocabulary.TooDeep):
        imply(chain[2], chain[1])


def test_so_many_descendants_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MAX_DESCENDANTS", 2)
    top, one, two, three = tags("top", "one", "two", "three")
    imply(one, top)
    imply(two, one)
    with pytest.raises(vocabulary.TooMany, match=r"^top would"):
        imply(three, two)
    with pytest.raises(vocabulary.TooMany, match=r"^top would"):
        alias(three, two)


def test_a_tag_goes_with_its_aliases_and_what_it_held_together() -> None:
    leg, knee, old, left = tags("leg", "knee", "old", "left")
    imply(knee, leg)
    imply(left, old)
    alias(old, knee)
    assert ("leg", "left") in closure()
    curation.delete(knee, BY)
    assert set(Tag.objects.all()) == {leg, left}
    assert closure() == set()
    assert not Implication.objects.exists()


def test_an_alias_that_goes_leaves_its_target() -> None:
    leg, knee, old, left = tags("leg", "knee", "old", "left")
    imply(old, leg)
    imply(left, old)
    alias(old, knee)
    Tag.objects.filter(pk=old.pk).delete()
    assert closure() == set()
    assert Tag.objects.filter(pk=knee.pk).exists()


def test_each_change_is_another_version() -> None:
    knee, old, leg = tags("knee", "old", "leg")
    versions = {TagNamesVersion.objects.get().version}
    for change in (
        lambda: alias(old, knee),
        lambda: vocabulary.unalias(old, BY),
        lambda: imply(knee, leg),
        lambda: imply(knee),
    ):
        change()
        versions.add(TagNamesVersion.objects.get().version)
    assert len(versions) == 5


def test_an_alias_is_no_longer_everybodys_and_is_again_afterwards() -> None:
    knee, old = tags("knee", "old")
    own = AudienceTag.objects.filter(tag=old)
    assert own.exists()
    alias(old, knee)
    assert not own.exists()
    vocabulary.unalias(old, BY)
    assert own.exists()


def test_what_was_never_told_is_not_told_by_having_been_an_alias() -> None:
    knee, old = tags("knee", "old")
    Tag.objects.filter(pk=old.pk).update(told=False)
    AudienceTag.objects.filter(tag=old).delete()
    alias(old, knee)
    vocabulary.unalias(old, BY)
    assert not AudienceTag.objects.filter(tag=old).exists()


def test_what_is_gone_is_not_found() -> None:
    knee, old = tags("knee", "old")
    curation.delete(old, BY)
    for change in (
        lambda: alias(knee, old),
        lambda: alias(old, knee),
        lambda: imply(knee, old),
        lambda: imply(old, knee),
        lambda: vocabulary.unalias(old, BY),
    ):
        with pytest.raises(Tag.DoesNotExist):
            change()


def test_a_cycle_by_plain_sql_ends_all_the_same() -> None:
    one, two = tags("one", "two")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tags_implication (child_id, parent_id) VALUES (%s, %s), (%s, %s)",
            [one.pk, two.pk, two.pk, one.pk],
        )
    assert closure() == {("one", "two"), ("two", "one")}


def ledger() -> list[tuple[str, str, str]]:
    """The lines of rules: what happened, to which tag, and the name of the other."""
    names = dict(Tag.objects.values_list("pk", "name"))
    lines = VocabularyChange.objects.exclude(other_id=None).order_by("id")
    return [(line.kind, line.name, names.get(line.other_id or 0, "gone")) for line in lines]


def test_each_rule_that_comes_or_goes_is_in_the_ledger() -> None:
    knee, old, leg, older = tags("knee", "old", "leg", "older")
    imply(knee, leg)
    alias(older, old)
    alias(old, knee)
    vocabulary.unalias(older, BY)
    imply(knee)
    lines = ledger()
    assert lines[:2] == [("implied", "knee", "leg"), ("aliased", "older", "old")]
    # An alias takes its own with it in one statement, whose lines have no order.
    assert set(lines[2:4]) == {("aliased", "old", "knee"), ("aliased", "older", "knee")}
    assert lines[4:] == [("unaliased", "older", "knee"), ("unimplied", "knee", "leg")]
    assert set(VocabularyChange.objects.exclude(other_id=None).values_list("through")) == {("v1",)}


def test_what_goes_with_a_tag_is_in_the_ledger() -> None:
    knee, old, leg = tags("knee", "old", "leg")
    imply(knee, leg)
    alias(old, knee)
    curation.delete(knee, BY)
    gone = VocabularyChange.objects.filter(kind__in=["unimplied", "deleted"])
    assert set(gone.values_list("kind", "name")) == {
        ("unimplied", "knee"),
        ("deleted", "knee"),
        ("deleted", "old"),
    }
