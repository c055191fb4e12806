"""/v1/images/{id}/file: a redirect to where the file is right now, for GET and for HEAD."""

import hashlib

import pytest
import requests

from images import storage, uploads
from images.models import Image
from images.tests.files import encoded, photo
from taggedimages.factories import make_image, make_pending

pytestmark = pytest.mark.django_db

BODY = encoded(photo(), "PNG")


@pytest.fixture
def image(api, settings):
    """The id of an image whose file is in the store."""
    settings.ANONYMOUS = "open"
    created = api.post("/v1/images", {"filename": "é knee.png", "size": len(BODY)}).json()
    assert requests.put(created["upload_url"], data=BODY, timeout=10).status_code == 200
    assert api.post(f"/v1/images/{created['id']}/complete").status_code == 200
    return created["id"]


def test_get_leads_to_the_file(api, image):
    answer = api.get(f"/v1/images/{image}/file")
    assert (answer.status_code, answer["Cache-Control"]) == (302, "no-store")
    found = requests.get(answer["Location"], timeout=10)
    assert (found.status_code, hashlib.sha256(found.content).hexdigest()) == (
        200,
        hashlib.sha256(BODY).hexdigest(),
    )
    assert found.headers["Content-Disposition"].endswith("''%C3%A9%20knee.png")


def test_head_leads_to_where_head_is_answered(api, image):
    answer = api.head(f"/v1/images/{image}/file")
    assert (answer.status_code, answer.content) == (302, b"")
    found = requests.head(answer["Location"], timeout=10)
    assert (found.status_code, found.headers["Content-Length"]) == (200, str(len(BODY)))
    assert (
        requests.head(api.get(f"/v1/images/{image}/file")["Location"], timeout=10).status_code
        == 403
    )


def test_a_file_that_has_just_arrived_is_found(api, settings):
    settings.ANONYMOUS = "open"
    created = api.post("/v1/images", {"filename": "knee.png"}).json()
    address = f"/v1/images/{created['id']}/file"
    assert api.get(address).json() == {"code": 404, "message": "The file is not there."}
    assert requests.put(created["upload_url"], data=BODY, timeout=10).status_code == 200
    found = requests.get(api.get(address)["Location"], timeout=10)
    assert found.content == BODY


def test_a_file_that_was_taken_while_its_client_said_so_has_arrived():
    pending = make_pending(filename="knee.png")
    storage.put(pending.key, BODY)
    seen_before = Image.objects.get(pk=pending.pk)
    uploads.confirm(pending)
    assert uploads.arrived(seen_before).uploaded_at == pending.uploaded_at


@pytest.mark.parametrize("method", ["get", "head"])
def test_what_is_not_there_is_404(api, method):
    pending, hidden, deleted = make_pending().pk, make_image(private=True).pk, make_image().pk
    Image.objects.filter(pk=deleted).delete()
    for image in (pending, hidden, deleted, 0, 2**63, 987654321):
        answer = getattr(api, method)(f"/v1/images/{image}/file")
        assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")
    assert getattr(api, method)("/v1/images/knee/file").status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(api, method):
    answer = getattr(api, method)(f"/v1/images/{make_image().pk}/file")
    assert (answer.status_code, answer.json()["code"]) == (405, 405)
