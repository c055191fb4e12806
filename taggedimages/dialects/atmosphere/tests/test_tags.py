"""Contract Atmosphere, tags."""

import pytest

from images.models import Image
from taggedimages.factories import make_image, make_tag
from tags.models import Tag, TagChange

pytestmark = pytest.mark.django_db
INPUT = {"name": "machine learning", "description": "Has a model"}


@pytest.fixture
def user(login):
    return login("ann")[0]


@pytest.fixture
def staff(login):
    return login("boss", staff=True)[0]


def shown(tag, root="/api/v2"):
    return {
        "id": tag.pk,
        "uuid": str(tag.uuid),
        "url": f"http://testserver{root}/tags/{tag.pk}",
        "name": tag.name,
        "description": tag.description,
        "allow_access": True,
    }


@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
def test_a_tag_is_six_fields(api, root):
    tag = make_tag("knee", description="A joint")
    page = {"count": 1, "next": None, "previous": None, "results": [shown(tag, root)]}
    assert api.get(f"{root}/tags/{tag.pk}").json() == shown(tag, root)
    assert api.get(f"{root}/tags").json() == page


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_who_is_logged_in_makes_tags_that_are_theirs(user, format):
    answer = user.post("/api/v2/tags", INPUT, format=format)
    tag = Tag.objects.get()
    assert (answer.status_code, answer.json()) == (201, shown(tag))
    assert (tag.name, tag.description, str(tag.user)) == (*INPUT.values(), "ann")


@pytest.mark.parametrize("name", ["a", "A-b_c 9", "Épaule", "हिन्दी", "x" * 128])
def test_names_are_of_letters_digits_spaces_hyphens_and_underscores(user, name):
    answer = user.post("/api/v2/tags", INPUT | {"name": f" {name} "})
    assert (answer.status_code, answer.json()["name"]) == (201, name)


@pytest.mark.parametrize("name", ["a/b", "a.b", "a\nb", "50%", "<b>", "a\u200bb", "a\0b"])
def test_other_characters_are_refused(user, name):
    answer = user.post("/api/v2/tags", INPUT | {"name": name})
    message = "Use letters, digits, spaces, hyphens and underscores only."
    assert (answer.status_code, answer.json()) == (400, {"name": [message]})


def test_name_and_description_are_required(user, staff):
    required = ["This field is required."]
    tag = make_tag()
    for answer in (user.post("/api/v2/tags", {}), staff.put(f"/api/v2/tags/{tag.pk}", {})):
        assert answer.status_code == 400
        assert answer.json() == {"name": required, "description": required}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": ""}, "This field may not be blank."),
        ({"name": " "}, "This field may not be blank."),
        ({"name": None}, "This field may not be null."),
        ({"name": "x" * 129}, "Ensure this field has no more than 128 characters."),
        ({"name": []}, "Not a valid string."),
        ({"name": True}, "Not a valid string."),
        ({"description": "a\0b"}, "Null characters are not allowed."),
        ({"description": ""}, "This field may not be blank."),
        ({"description": None}, "This field may not be null."),
        ({"description": "x" * 1025}, "Ensure this field has no more than 1024 characters."),
    ],
)
def test_bad_input_is_refused_by_field(user, staff, body, message):
    tag = make_tag("old", description="old")
    (field,) = body
    for answer in (
        user.post("/api/v2/tags", INPUT | body),
        staff.put(f"/api/v2/tags/{tag.pk}", INPUT | body),
        staff.patch(f"/api/v2/tags/{tag.pk}", body),
    ):
        assert (answer.status_code, answer.json()) == (400, {field: [message]})
    assert list(Tag.objects.values_list("name", "description")) == [("old", "old")]


@pytest.mark.parametrize("name", ["Knee", "KNEE", "knee"])
def test_a_name_that_exists_in_any_case_is_refused_in_a_list(user, staff, name):
    make_tag("Knee")
    other = make_tag("other")
    for answer in (
        user.post("/api/v2/tags", INPUT | {"name": name}),
        staff.put(f"/api/v2/tags/{other.pk}", INPUT | {"name": name}),
        staff.patch(f"/api/v2/tags/{other.pk}", {"name": name}),
    ):
        assert (answer.status_code, answer.json()) == (400, ["Another tag is named 'Knee'."])
    assert Tag.objects.count() == 2


def test_case_counts_in_no_script(user):
    make_tag("STRASSE")
    assert user.post("/api/v2/tags", INPUT | {"name": "straße"}).status_code == 400


def test_staff_rename_and_describe_tags_on_every_image(api, staff):
    image = make_image("knee")
    tag = image.tags.get()
    answer = staff.put(f"/api/v2/tags/{tag.uuid}", INPUT)
    tag.refresh_from_db()
    assert (answer.status_code, answer.json()) == (200, shown(tag))
    assert api.get(f"/api/v2/images/{image.pk}").json()["tags"] == ["machine learning"]
    assert tag.folded == "machine learning"


def test_patch_changes_what_is_sent(staff):
    tag = make_tag("knee", description="A joint")
    path = f"/current/api/v2/tags/{tag.pk}"
    assert staff.patch(path, {"description": "x"}).json()["description"] == "x"
    assert staff.patch(path, {"name": "KNEE"}).json()["name"] == "KNEE"
    answer = staff.patch(path, {})
    tag.refresh_from_db()
    assert (answer.status_code, answer.json()) == (200, shown(tag, "/current/api/v2"))
    assert (tag.name, tag.description) == ("KNEE", "x")


def test_a_name_of_another_api_may_stay_when_the_tag_is_described(staff):
    tag = make_tag("a/b: " + "x" * 200)
    answer = staff.put(f"/api/v2/tags/{tag.pk}", {"name": tag.name, "description": "x"})
    tag.refresh_from_db()
    assert (answer.status_code, answer.json()) == (200, shown(tag))


def test_staff_delete_tags_with_their_links_and_no_images(staff):
    image = make_image("knee")
    path = f"/api/v2/tags/{image.tags.get().pk}"
    answer = staff.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert staff.delete(path).status_code == 404
    assert (Image.objects.count(), image.tags.count()) == (1, 0)
    change = TagChange.objects.latest("id")
    removed = (change.tag_name, change.user_name, change.through, change.new_value)
    assert removed == ("knee", "boss", "atmosphere", None)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_others_do_not_change_tags_not_even_their_own(user, method):
    user.post("/api/v2/tags", INPUT)
    tag = Tag.objects.get()
    for known_or_not in (tag.pk, 99999999):
        answer = getattr(user, method)(f"/api/v2/tags/{known_or_not}", INPUT)
        refusal = {"detail": "You do not have permission to perform this action."}
        assert (answer.status_code, answer.json()) == (403, refusal)
    assert Tag.objects.filter(pk=tag.pk).exists()
