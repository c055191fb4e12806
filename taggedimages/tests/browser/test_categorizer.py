"""A web app on another origin does the main job with three of the APIs, in a real Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from taggedimages.factories import make_credentials
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User
from taggedimages.serving.tests.conftest import Front

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Opened = Callable[[str], Any]


@pytest.fixture
def mira() -> CredentialSet:
    """Somebody with a token, keys and a password."""
    mira = make_credentials("mira", project_id="clinic")
    user = User.objects.get(username="mira")
    user.set_password("a long password")
    user.save()
    return mira


def run(page: Any, name: str, *arguments: Any) -> Any:
    """What a function of the page's module comes to."""
    return page.evaluate("([name, rest]) => categorizer[name](...rest)", [name, list(arguments)])


def test_the_main_job(
    service: Front, opened: Opened, allowed: str, mira: CredentialSet, tmp_path: Path
) -> None:
    page = opened(allowed)

    did = run(page, "mainJob", service.url, mira.token)

    picture = tmp_path / "categorizer.png"
    page.screenshot(path=picture)
    assert did["statuses"] == [201, 200, 200, 200, 304, 412]
    assert did["total"] == 1
    assert did["tags"] == ["knee", "reviewed"]
    assert len(did["etagOfUpload"].strip('"')) == 32
    assert did["etag"].startswith('"')
    assert did["sizes"][0] == did["sizes"][1] > 0
    assert did["color"] == [51, 102, 153]
    assert picture.stat().st_size > 0


def test_a_form_to_the_bucket_and_the_token_in_a_header(
    service: Front, opened: Opened, allowed: str, mira: CredentialSet
) -> None:
    claims = {"iss": mira.secret_id, "admin": True}
    token = jwt.encode(claims, mira.secret, "HS256")

    did = run(opened(allowed), "sharinPix", service.url, token)

    assert did["statuses"] == [200, 201, 200, 200]
    assert jwt.decode(did["token"], mira.secret, algorithms=["HS256"])["admin"] is True
    assert len(did["requestId"]) == 36
    assert did["atFirst"] is False
    assert did["found"] == [160, 120, "#336699", 32]


def test_a_login_by_keystone(
    service: Front, opened: Opened, allowed: str, mira: CredentialSet
) -> None:
    did = run(opened(allowed), "keystone", service.url, mira.username, "a long password")
    assert did["statuses"] == [201, 200]
    assert did["token"]


def test_what_is_wrong_can_be_read(
    service: Front, opened: Opened, allowed: str, mira: CredentialSet, gates: Any
) -> None:
    page = opened(allowed)

    unknown = run(page, "refused", service.url, "/v1/images/999999", "GET", mira.token)
    nobody = run(page, "refused", service.url, "/v1/images", "GET", "nobody's")
    atmosphere = run(page, "refused", service.url, "/api/v2/images", "POST")
    with gates[0].closed():
        away = run(page, "refused", service.url, "/v1/images", "GET", mira.token)

    assert (unknown["status"], unknown["body"]["code"]) == (404, 404)
    assert (nobody["status"], nobody["body"]["code"]) == (401, 401)
    assert atmosphere["status"] in (401, 403, 405)
    assert atmosphere["body"]["detail"]
    assert (away["status"], away["body"]["code"], away["retryAfter"]) == (503, 503, "2")


def test_a_page_that_is_not_listed_can_do_nothing(
    service: Front, opened: Opened, stranger: str, allowed: str, mira: CredentialSet
) -> None:
    page = opened(stranger)
    wanted = [("mainJob", mira.token), ("keystone", mira.username, "a long password")]
    wanted += [("refused", path) for path in ("/v1/images", "/healthz", "/v1/openapi.json")]
    for name, *rest in wanted:
        with pytest.raises(Exception, match="Failed to fetch"):
            run(page, name, service.url, *rest)
    # The presigned URL of somebody else's, too.
    created = opened(allowed).evaluate(
        """async ([service, token]) => (await fetch(`${service}/v1/images`, {
            method: "POST", body: '{"filename": "a.png"}',
            headers: {Authorization: `Bearer ${token}`, "Content-Type": "application/json"},
        })).json()""",
        [service.url, mira.token],
    )
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("url => fetch(url, {method: 'PUT', body: 'x'})", created["upload_url"])


def test_cookies_are_never_sent_for_a_page(service: Front, opened: Opened, allowed: str) -> None:
    with pytest.raises(Exception, match="Failed to fetch"):
        opened(allowed).evaluate(
            "url => fetch(url, {credentials: 'include'})", f"{service.url}/healthz"
        )
