"""Whom a request comes from: what a client says of itself is not believed."""

import pytest

from taggedimages.identity.addresses import client_address


def told(remote: str, forwarded: str | None = None) -> str:
    meta = {"REMOTE_ADDR": remote}
    return client_address(meta | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}))


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_addresses(address, caller):
    assert told(address) == caller


def test_what_a_client_says_of_itself_is_not_believed():
    assert told("192.0.2.1", "198.51.100.7") == "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded", "caller"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("10.0.0.1, 203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9,198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8:1:2:3::", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3::]:4711", "2001:db8:1:2::/64"),
        ("", "192.0.2.1"),
        (None, "192.0.2.1"),
        ("198.51.100.7, ", "192.0.2.1"),
    ],
)
def test_behind_a_proxy_the_last_address_that_it_names(settings, forwarded, caller):
    settings.BEHIND_PROXY = True
    assert told("192.0.2.1", forwarded) == caller
