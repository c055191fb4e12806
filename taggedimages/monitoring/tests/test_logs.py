"""How lines are written: for people, or as JSON."""

import json
import logging
import subprocess
import sys

import pytest

from taggedimages.engines.state import CHECKOUT
from taggedimages.monitoring import request_ids
from taggedimages.monitoring.logs import MOST_CHARACTERS, JsonLines, TextLines

TEXT = TextLines("%(levelname)s %(name)s: %(message)s")
JSON = JsonLines()


def record(message, *values, error=None, **fields):
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("images", logging.INFO, "f.py", 1, message, values, exc_info)
    made.__dict__ |= fields
    return made


def failed(message):
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return error


def test_a_line_of_json_has_time_level_logger_and_message():
    line = json.loads(JSON.format(record("Image %s: %s", 7, "read")))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "INFO", "logger": "images", "message": "Image 7: read"}


def test_a_line_names_the_request_that_it_is_about():
    with request_ids.within("of-the-upload"):
        assert json.loads(JSON.format(record("read")))["request_id"] == "of-the-upload"
        assert TEXT.format(record("read")) == "INFO images: read [of-the-upload]"


def test_fields_stand_beside_the_message():
    line = json.loads(JSON.format(record("read", about={"image": 7, "outcome": "done"})))
    assert (line["image"], line["outcome"]) == (7, "done")


def test_a_traceback_is_one_field_and_without_secrets():
    error = failed("http://s3/b/k?X-Amz-Signature=c4n4ry postgres://u:c4n4ry@h/d")
    text = JSON.format(record("It broke off", error=error))
    line = json.loads(text)
    assert "RuntimeError: http://s3/b/k?[cut] postgres://u:[cut]@h/d" in line["exception"]
    assert "\n" not in text
    assert "c4n4ry" not in text + TEXT.format(record("It broke off", error=error))


@pytest.mark.parametrize("quoted", ["a\nERROR images: forged", "\x1b[2J", "a\u2028b", "\r\nx"])
def test_what_a_message_quotes_begins_no_other_line(quoted):
    for line in (TEXT.format(record("found %s", quoted)), JSON.format(record("found %s", quoted))):
        assert "\n" not in line
        assert "\r" not in line
        assert "\x1b" not in line


def test_words_of_any_language_are_told_as_they_are():
    assert TEXT.format(record("Ölçüm köpeği 犬")) == "INFO images: Ölçüm köpeği 犬"


def test_a_very_long_line_loses_its_middle():
    line = json.loads(JSON.format(record("begin %s end", "x" * 1_000_000)))
    assert len(line["message"]) < MOST_CHARACTERS + 10
    assert line["message"].startswith("begin x")
    assert line["message"].endswith("x end")


def test_what_no_utf8_can_write_is_told_without_it():
    assert json.loads(JSON.format(record("half \ud800 of a pair")))["message"] == "half ? of a pair"


ENDING = """
import logging, os, threading, warnings
from taggedimages.monitoring.logs import heed_uncaught
heed_uncaught()
from taggedimages.wsgi import application
warnings.warn("a warning with token=c4n4ry")
def fail(): raise RuntimeError("in a thread: Bearer c4n4ryc4n4ry")
thread = threading.Thread(target=fail); thread.start(); thread.join()
raise RuntimeError("at the end: postgres://u:c4n4ry@h/d")
"""


def test_what_nobody_catches_is_a_line_as_any_other():
    environment = {
        "PATH": "/usr/bin",
        "SECRET_KEY": "k" * 50,
        "TAGGEDIMAGES_LOG_FORMAT": "json",
        "TAGGEDIMAGES_DATA": "/nonexistent",
    }
    ended = subprocess.run(
        [sys.executable, "-c", ENDING],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    told = [line.get("exception", line["message"]) for line in lines]
    assert [line["level"] for line in lines[-3:]] == ["WARNING", "ERROR", "CRITICAL"]
    assert "a warning with token=[cut]" in told[-3]
    assert "in a thread: Bearer [cut]" in told[-2]
    assert "at the end: postgres://u:[cut]@h/d" in told[-1]
    assert "c4n4ry" not in ended.stderr
