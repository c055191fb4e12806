"""How long a token is renewed: to the end of the grant that it began with."""

import time
from typing import Any

import jwt
import pytest

from .conftest import client_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/tags"
DAY = 86_400
LIFE = 14_400


def renew(token: str, times: int = 1) -> str:
    for _ in range(times):
        token = client_of(token).get(URL)["X-token"]
    return token


def claims_of(token: str, org) -> Any:
    return jwt.decode(token, org.secret, ["HS256"])


@pytest.mark.parametrize("left", [100, LIFE - 1])
def test_no_renewal_outlives_the_first_grant(sign, org, left):
    end = int(time.time()) + left
    claims = claims_of(renew(sign(admin=True, exp=end), 3), org)
    assert (claims["exp"], claims["grant_exp"]) == (end, end)


def test_a_renewal_keeps_the_end_of_a_longer_grant(sign, org):
    end = int(time.time()) + DAY
    claims = claims_of(renew(sign(admin=True, exp=end), 3), org)
    assert claims["exp"] <= time.time() + LIFE
    assert claims["grant_exp"] == end


def test_what_was_renewed_shortly_before_the_end_ends_with_it(sign, org):
    """As a renewed token looks an hour before its grant ends."""
    end = int(time.time()) + 3600
    old = sign(admin=True, exp=end - 1800, grant_exp=end)
    assert claims_of(renew(old, 2), org)["exp"] == end


def test_a_grant_whose_end_has_passed_is_over_whatever_the_token_says(sign):
    past = int(time.time()) - 1
    token = client_of(sign(admin=True, exp=past + 100, grant_exp=past)).get(URL).get("X-token")
    assert client_of(token or "").get(URL).status_code == 401


def test_a_grant_without_an_end_is_renewed_for_ever(sign, org):
    token = renew(sign(admin=True), 3)
    claims = claims_of(token, org)
    assert claims["exp"] > time.time() + LIFE - 60
    assert "grant_exp" not in claims


def mint(token: str, **permission: Any) -> str:
    return str(client_of(token).post("/api/v1/token", {"permission": permission}).json()["token"])


@pytest.mark.parametrize("renewals", [0, 2])
def test_no_token_is_made_for_others_that_outlives_the_grant(sign, org, renewals):
    end = int(time.time()) + 500
    later = end + DAY
    token = renew(sign(admin=True, exp=end), renewals)
    minted = mint(token, q="*", exp=later, grant_exp=later)
    assert claims_of(minted, org)["exp"] == end
    assert claims_of(renew(minted, 2), org)["exp"] == end


def test_what_a_renewal_of_an_endless_grant_makes_for_others_ends(sign, org):
    minted = mint(renew(sign(admin=True)), q="*")
    end = claims_of(minted, org)["exp"]
    assert end <= time.time() + LIFE
    assert claims_of(renew(minted, 2), org)["exp"] == end
