"""Renaming in the admin keeps the old name as an alias unless the form says otherwise."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.identity.models import User
from tags import renaming, vocabulary
from tags.models import ImageTag, Tag, TagChange, VocabularyChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def page_of(tag: Tag) -> str:
    return reverse("admin:tags_tag_change", args=[tag.pk])


def saved(staff: Client, tag: Tag, **fields: Any) -> Any:
    """The answer to the form of a tag, as its page shows it, with some fields changed."""
    form = staff.get(page_of(tag)).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    return staff.post(page_of(tag), {name: at for name, at in (shown | fields).items() if at})


def names() -> list[tuple[str, str | None]]:
    """All names, each with its target's."""
    return list(Tag.objects.order_by("name").values_list("name", "alias_of__name"))


def test_as_the_form_comes_the_old_name_becomes_an_alias(staff):
    knee = make_tag("knee")
    assert saved(staff, knee, name="genu").status_code == 302
    assert names() == [("genu", None), ("knee", "genu")]
    line = VocabularyChange.objects.get(kind="renamed")
    assert (line.user_name, line.through) == ("boss", "admin")


def test_unticked_the_old_name_is_free_again(staff):
    knee = make_tag("knee")
    assert saved(staff, knee, name="genu", keep_old="").status_code == 302
    assert names() == [("genu", None)]


def test_other_fields_leave_no_alias(staff):
    knee = make_tag("knee")
    assert saved(staff, knee, description="A joint.").status_code == 302
    assert names() == [("knee", None)]
    assert Tag.objects.get().description == "A joint."


def test_all_of_it_is_saved_at_once(staff):
    knee = make_tag("knee")
    saved(staff, knee, name="Genu", description="A joint.")
    knee.refresh_from_db()
    assert (knee.name, knee.folded, knee.description) == ("Genu", "genu", "A joint.")


def test_a_new_tag_has_no_old_name(staff):
    page = staff.get(reverse("admin:tags_tag_add")).content.decode()
    assert "keep_old" not in page
    assert "keep_old" in staff.get(page_of(make_tag("knee"))).content.decode()


def test_a_tag_takes_back_the_name_of_its_own_alias_with_what_was_written_under_it(staff):
    knee, image = make_tag("knee"), make_image()
    saved(staff, knee, name="genu")
    ImageTag.objects.create(image=image, tag=Tag.objects.get(name="knee"))
    assert saved(staff, knee, name="knee", keep_old="").status_code == 302
    assert names() == [("knee", None)]
    assert list(image.tags.all()) == [knee]
    assert {line.user_name for line in TagChange.objects.order_by("-id")[:2]} == {"boss"}


def test_the_name_of_anothers_alias_is_refused_in_words(staff):
    knee, hand, manus = make_tag("knee"), make_tag("hand"), make_tag("manus")
    vocabulary.alias(manus, hand, TESTS)
    answer = saved(staff, knee, name="manus")
    assert answer.status_code == 200
    assert "already exists" in answer.content.decode()


def test_an_alias_on_too_many_images_is_refused_in_words(staff, monkeypatch):
    monkeypatch.setattr(renaming, "MOVED_LINKS_MAX", 0)
    knee, old = make_tag("knee"), make_image("old").tags.get()
    vocabulary.alias(old, knee, TESTS)
    answer = saved(staff, knee, name="old")
    assert answer.status_code == 200
    assert "merge it first" in answer.content.decode()
