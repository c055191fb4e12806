"""What the benchmark of keys takes for a fault, and that a small run of it finds none."""

import random
import subprocess
import sys

import pytest

from benchmarks.keys.sending import Answer, Create
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import without_engines

FIRST = Answer(201, b'{"id":1}', "", "")
AGAIN = Answer(201, b'{"id":1}', "true", "")
IN_USE = Answer(409, b"{}", "", "1")


def judged(*answers):
    create = Create(7, random.Random(1))
    create.answers += answers
    return [fault.removeprefix("keyed-7.png: ") for fault in create.faults()]


def test_one_answer_that_comes_again_is_right():
    assert judged(FIRST, IN_USE, AGAIN, AGAIN) == []
    # Whoever had the first one was cut off.
    assert judged(AGAIN, AGAIN) == []


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([IN_USE], "never made"),
        ([FIRST, Answer(500, b"", "", "")], "answered [500]"),
        ([FIRST, Answer(409, b"", "", "")], "no Retry-After"),
        ([FIRST, Answer(201, b'{"id":2}', "true", "")], "answers differ"),
        ([FIRST, FIRST], "2 first answers"),
        ([FIRST, Answer(201, b'{"id":1}', "resigned", "")], "resigned"),
    ],
)
def test_anything_else_is_a_fault(answers, fault):
    assert judged(*answers) == [fault]


def test_what_is_sent_depends_on_the_seed_alone():
    one, two = (Create(3, random.Random(9)) for _ in range(2))
    assert (one.key, one.cuts, one.body()) == (two.key, two.cuts, two.body())


def test_a_small_run_makes_each_record_once():
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.keys",
            "--keys=60",
            "--every=0.4",
            "--kills=1",
            "--seed=2",
        ],
        env=without_engines(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "60 of 60 names, 60 as answered" in ran.stdout
    assert "kills of the web       0" not in ran.stdout
