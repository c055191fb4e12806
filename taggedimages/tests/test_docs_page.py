"""/docs works on a machine without internet: all that it loads ships with the service."""

import re
from urllib.parse import urljoin

import pytest
from django.test import Client

from taggedimages.http.docs import DOCUMENTS

REFERENCE = re.compile(r"""(?:src|href)=["']([^"']+)["']""")
ELSEWHERE = re.compile(r"""(?:https?:)?//[^\s"']+""")


@pytest.fixture
def page(client: Client) -> str:
    answer = client.get("/docs")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    return answer.content.decode()


def test_the_page_names_nothing_elsewhere(page: str):
    assert ELSEWHERE.findall(page) == []


def test_the_page_has_no_script_of_its_own_that_a_policy_would_stop(page: str):
    scripts = re.findall("<script[^>]*>", page)
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert "<style" not in page


@pytest.mark.parametrize("path", ["/docs", "/admin/login/", "/v1/tags", "/nowhere"])
def test_browsers_are_told_what_a_page_may_load(client: Client, db: None, path: str):
    policy = client.get(path)["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'", "object-src 'none'"} <= set(policy)


def test_all_that_it_loads_is_served(client: Client, page: str):
    documents = [f"{folder}openapi.json" for folder in DOCUMENTS]
    references = REFERENCE.findall(page)
    assert len(references) == 5
    assert all(document in page for document in documents)
    for reference in references + documents:
        answer = client.get(urljoin("/docs", reference))
        assert answer.status_code == 200, reference
        assert b"".join(answer) if answer.streaming else answer.content


def test_its_own_script_and_the_style_load_nothing_more(client: Client, page: str):
    [script] = [name for name in REFERENCE.findall(page) if name.endswith("docs.js")]
    [style] = [name for name in REFERENCE.findall(page) if name.endswith(".css")]
    assert ELSEWHERE.findall(read(client, script).replace("// A", "")) == []
    loaded = re.findall(r"url\(([^)]+)\)|@import", read(client, style))
    assert all(source.strip("\"'").startswith("data:") for source in loaded)


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    return (b"".join(answer) if answer.streaming else answer.content).decode()
