"""Pages of the admin may show pictures of the object store, as its clients know it; no others."""

import pytest
from django.conf import settings
from django.test import Client

from images import storage
from images.storage.presigned import host_of

pytestmark = pytest.mark.django_db

AS_EVERYWHERE = "'self' data:"
# The store's address for clients and for us, the bucket and its region; what its URLs begin with.
STORES = {
    "http://store.example:9000 http://inside:8333 pics us-east-1": "http://store.example:9000",
    "https://Store.example:443/s3/ - pics us-east-1": "https://store.example",
    "- http://127.0.0.1:8333 pics us-east-1": "http://127.0.0.1:8333",
    "- - pics us-east-1": "https://pics.s3.amazonaws.com",
    "- - pics cn-north-1": "https://pics.s3.cn-north-1.amazonaws.com.cn",
    # No certificate is for two dots, so that such buckets are a part of the path.
    "- - my.pics us-east-1": "https://s3.amazonaws.com",
}


def sources(client: Client, path: str, directive: str = "img-src") -> str:
    """What a page may load of one kind."""
    policy = client.get(path)["Content-Security-Policy"]
    return dict(one.split(" ", 1) for one in policy.split("; "))[directive]


@pytest.fixture
def use_store(settings, monkeypatch):
    """Points the settings at a store; nobody asks it."""

    def use(public: str, own: str, bucket: str, region: str) -> None:
        settings.S3_PUBLIC_ENDPOINT_URL = public.strip("-")
        settings.S3_ENDPOINT_URL = own.strip("-")
        # An address that boto3 would find by itself.
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        settings.S3_BUCKET, settings.S3_REGION = bucket, region
        forget()

    yield use
    forget()


def forget() -> None:
    """What a process, whose settings are the same all along, works out once."""
    for kept in (storage.client._connect, storage.presigned._base, storage.presigned._signer_at):
        kept.cache_clear()


@pytest.mark.parametrize("store", STORES)
def test_the_admin_allows_the_origin_of_presigned_urls(client: Client, use_store, store: str):
    use_store(*store.split())
    signed = storage.presign_get("o/some", "image/png", "inline")

    assert sources(client, "/admin/login/") == f"{AS_EVERYWHERE} {STORES[store]}"
    assert f"{signed.partition(':')[0]}://{host_of(signed)}" == STORES[store]


@pytest.mark.parametrize(
    "path", ["/docs", "/v1/images", "/nowhere", "/administrators", "/static/x"]
)
def test_nothing_else_does(client: Client, path: str):
    assert sources(client, path) == AS_EVERYWHERE


def test_nothing_else_is_looser_in_the_admin(client: Client):
    admin = client.get("/admin/login/")["Content-Security-Policy"].split("; ")
    docs = client.get("/docs")["Content-Security-Policy"].split("; ")
    assert [one for one in admin if not one.startswith("img-src")] == [
        one for one in docs if not one.startswith("img-src")
    ]


def test_without_credentials_the_admin_shows_itself_all_the_same(client: Client, monkeypatch):
    def none(*given):
        raise storage.StorageUnavailable("There are no credentials for the object store.")

    monkeypatch.setattr(storage, "public_origin", none)
    assert sources(client, "/admin/login/") == AS_EVERYWHERE


def test_a_browser_is_given_the_icon_that_it_asks_for(client: Client):
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/x-icon")
    assert b"".join(answer)[:4] == b"\0\0\1\0"


@pytest.mark.parametrize("path", ["/admin/login/", "/docs"])
def test_pages_name_their_icon(client: Client, path: str):
    page = client.get(path).content.decode()
    icon = f"/{settings.STATIC_URL.strip('/')}/taggedimages/favicon.svg"
    assert f'<link rel="icon" href="{icon}" type="image/svg+xml">' in page
    assert b"<svg" in b"".join(client.get(icon))
