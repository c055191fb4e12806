"""Contract Atmosphere, restricted tags: allow_access, and who adds and removes them."""

import pytest

from taggedimages.factories import make_image, make_tag
from tags.models import ImageTag

pytestmark = pytest.mark.django_db


@pytest.fixture
def featured(login):
    """A client, an image of its user with the restricted tag, and a member of staff."""
    client, user = login()
    image = make_image("featureD", "knee", by=user)
    return client, image, login(staff=True)[0]


def refusal(name):
    return {"detail": f"Only staff may add, remove or rename the tag '{name}'."}


def test_only_staff_have_access_to_a_restricted_tag(api, featured):
    client, image, staff = featured
    tag = image.tags.get(name="featureD")
    for who, allowed in ((api, False), (client, False), (staff, True)):
        assert who.get(f"/api/v2/tags/{tag.pk}").json()["allow_access"] is allowed
        shown = who.get(f"/current/api/v2/images/{image.pk}").json()["tags"]
        assert [tag["allow_access"] for tag in shown if tag["name"] == "knee"] == [True]
        assert [tag["allow_access"] for tag in shown if tag["name"] != "knee"] == [allowed]


def test_only_staff_link_and_unlink_it(featured):
    client, image, staff = featured
    row = ImageTag.objects.get(tag__name="featureD")
    answer = client.delete(f"/api/v2/image_tags/{row.pk}")
    assert (answer.status_code, answer.json()) == (403, refusal("featureD"))
    assert staff.delete(f"/api/v2/image_tags/{row.pk}").status_code == 204
    body = {"image": image.pk, "tag": row.tag_id}
    answer = client.post("/api/v2/image_tags", body)
    assert (answer.status_code, answer.json()) == (403, refusal("featureD"))
    assert staff.post("/api/v2/image_tags", body).status_code == 201


def test_only_staff_add_and_remove_it_with_the_set(featured):
    client, image, staff = featured
    path = f"/api/v2/images/{image.pk}"
    removed = client.patch(path, {"tags": ["knee"], "name": "x"})
    assert (removed.status_code, removed.json()) == (403, refusal("featureD"))
    added = client.patch(path, {"tags": ["featureD", "FEATURED"], "name": "x"})
    assert (added.status_code, added.json()) == (403, refusal("FEATURED"))
    image.refresh_from_db()
    assert image.name != "x"
    assert staff.patch(path, {"tags": ["FEATURED"]}).json()["tags"] == ["FEATURED"]


def test_a_restricted_tag_may_stay_while_others_change(featured):
    client, image, _ = featured
    answer = client.patch(f"/api/v2/images/{image.pk}", {"tags": ["left", "featureD"]})
    assert (answer.status_code, sorted(answer.json()["tags"])) == (200, ["featureD", "left"])


def test_the_restricted_names_are_a_setting(featured, settings):
    settings.RESTRICTED_TAGS = ["KNEE"]
    client, image, _ = featured
    path = f"/api/v2/images/{image.pk}"
    assert client.patch(path, {"tags": ["knee"]}).json()["tags"] == ["knee"]
    assert client.patch(path, {"tags": []}).status_code == 403
    assert client.get(f"/api/v2/tags/{make_tag('Knee').pk}").json()["allow_access"] is False
