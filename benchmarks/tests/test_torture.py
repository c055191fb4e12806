"""What torture concludes from its ledger, and that each of its checks finds damage."""

import subprocess
import sys

import pytest

from benchmarks.torture.expectations import expectations
from benchmarks.torture.ledger import Entry, unexpected
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import without_engines

FILE = {"client": "c", "filename": "a.png", "size": 3, "sha256": "00", "tags": ["x", "y"]}


def after(*steps):
    """What is expected of a file that was sent, after these requests: op, asked, outcome."""
    sent = Entry(1, "upload", FILE, "ok", {"id": 7})
    entries = [
        Entry(number, op, {"client": "c", "filename": "a.png", **asked}, outcome)
        for number, (op, asked, outcome) in enumerate(steps, 2)
    ]
    return expectations([sent, *entries]).files["a.png"]


@pytest.mark.parametrize(
    ("op", "asked", "tags"),
    [
        ("retag", {"tags": ["y", "z"]}, {("y", ""), ("z", "")}),
        ("link", {"tag": "z"}, {("x", ""), ("y", ""), ("z", "")}),
        ("value", {"values": {"x": "1"}}, {("x", "1"), ("y", "")}),
        ("unlink", {"tags": ["x", "z"]}, {("y", "")}),
    ],
)
def test_what_was_acknowledged_is_expected_and_what_is_unknown_may_be(op, asked, tags):
    before = frozenset({("x", ""), ("y", "")})
    assert after((op, asked, "ok")).tag_sets == {frozenset(tags)}
    assert after((op, asked, "unknown")).tag_sets == {before, frozenset(tags)}
    assert after((op, asked, "refused")).tag_sets == {before}


def test_values_stay_when_a_set_is_replaced_or_a_link_made_again():
    file = after(
        ("value", {"values": {"x": "1"}}, "ok"),
        ("link", {"tag": "x"}, "ok"),
        ("retag", {"tags": ["x"]}, "ok"),
    )
    assert file.tag_sets == {frozenset({("x", "1")})}


def test_what_a_client_does_to_a_tag_of_its_own_reaches_all_its_images():
    other = Entry(2, "upload", FILE | {"client": "d", "filename": "b.png"}, "ok", {"id": 8})
    renamed = Entry(3, "rename_tag", {"client": "c", "name": "x", "to": "z"}, "ok")
    deleted = Entry(4, "delete_tag", {"client": "c", "name": "y", "id": 5}, "ok")
    expected = expectations([Entry(1, "upload", FILE, "ok", {"id": 7}), other, renamed, deleted])
    assert expected.files["a.png"].tag_sets == {frozenset({("z", "")})}
    assert expected.files["b.png"].tag_sets == {frozenset({("x", ""), ("y", "")})}
    assert expected.gone_tags == {5}


def test_what_went_comes_back_from_the_trash_alone():
    assert after(("trash", {}, "ok")).gone == "sure"
    assert after(("trash", {}, "unknown")).gone == "maybe"
    assert after(("trash", {}, "ok"), ("restore", {}, "ok")).gone == ""
    assert after(("delete_image", {}, "ok")).deleted
    assert not after(("end", {}, "ok")).deleted


def test_an_answer_that_a_request_may_not_have_is_a_failure():
    told = Entry(3, "look", {"filename": "a.png"}, "unexpected", {"status": 500})
    assert unexpected([Entry(2, "look", {}, "unknown"), told]) == [
        "answer 3: look {'filename': 'a.png'}: {'status': 500}"
    ]


def test_every_check_finds_damage_and_nothing_else_is_lost():
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.torture",
            "--kills=2",
            "--seconds=5",
            "--clients=3",
            "--prove",
        ],
        env=without_engines(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "losses                 0" in ran.stdout
    assert ran.stdout.count("found  ") == 20
    assert "MISSED" not in ran.stdout
