"""What a session token of a user may do, and when it ends."""

import pytest

from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_image, make_user, unknown_uuid
from taggedimages.identity import sessions
from tags.models import ImageTag

from .conftest import assert_refused, client_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/tag_images"


def test_a_session_acts_as_its_user(session, ada):
    stranger = make_user(project_id="org")
    mine = make_image("a", by=ada, private=True)
    public = make_image("a", by=stranger)
    make_image("a", by=stranger, private=True)
    make_image("a", by=make_user(project_id="elsewhere"))
    found = [row["image"]["id"] for row in session.get(URL).json()]
    assert found == [str(mine.uuid), str(public.uuid)]


def test_a_session_of_staff_sees_the_whole_organisation(ada):
    make_image("a", by=ada, private=True)
    staff = make_user(project_id="org", staff=True)
    assert len(client_of(sessions.issue(staff)).get(URL).json()) == 1


@pytest.mark.parametrize("name", ["pk", "uuid", "text"])
def test_a_session_names_its_user_by_integer_or_uuid(ada, name):
    user_id = {"pk": ada.pk, "uuid": str(ada.uuid), "text": str(ada.pk)}[name]
    token = tokens.sign({"user_id": user_id}, sessions.secrets()[0])
    assert client_of(token).get(URL).status_code == 200


@pytest.mark.parametrize(
    "user_id",
    [
        0,
        -1,
        2**63,
        True,
        1.5,
        "",
        "x",
        None,
        [],
        unknown_uuid(),
        "9" * 40,
        "\0",
        "²",
    ],
)
def test_a_session_of_nobody_is_refused(org, user_id):
    token = tokens.sign({"user_id": user_id}, sessions.secrets()[0])
    assert_refused(client_of(token).get(URL))


def test_only_the_service_signs_sessions(org, ada, settings):
    for secret in (org.secret, settings.SECRET_KEY):
        assert_refused(client_of(tokens.sign({"user_id": ada.pk}, secret)).get(URL))


def test_an_organisations_token_speaks_for_no_other_user(org, ada):
    other = make_user(project_id="elsewhere")
    client = client_of(
        tokens.sign({"iss": org.secret_id, "admin": True, "user_id": other.pk}, org.secret)
    )
    image = make_image(by=ada)
    client.post("/api/v1/tags/a/tag_images", {"image_ids": [str(image.uuid)]})
    assert ImageTag.objects.get().user == ada


def test_a_session_is_no_admin(ada):
    make_image("a", by=make_user(project_id="org"), private=True)
    assert client_of(sessions.issue(ada, admin=True)).get(URL).json() == []


def test_sessions_outlive_a_rotated_key(ada, settings):
    client = client_of(sessions.issue(ada))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert client.get(URL).status_code == 200
