"""However a check goes, there is an answer in words, and the others are made."""

import time

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db import OperationalError, ProgrammingError

from images.storage import StorageUnavailable
from taggedimages.doctor import examination
from taggedimages.doctor.checks import checks
from taggedimages.doctor.examination import examine
from taggedimages.doctor.findings import Away, Check, Status, ok
from taggedimages.engines.state import CHECKOUT

PAGE = (CHECKOUT / "docs" / "operating" / "doctor.md").read_text()
WELL = Check("well", lambda: [ok("All is well.")])


def failing(error: Exception, needs: str = "") -> Check:
    def ask():
        raise error

    return Check("failing", ask, needs)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OperationalError("server closed\nthe connection"), "The database failed: server closed"),
        (ProgrammingError("no such table"), "The schema is another: no such table"),
        (StorageUnavailable("No answer."), "The store failed: No answer."),
        (PermissionError(13, "Permission denied", "/x"), "The system refused: [Errno 13] "),
        (ZeroDivisionError("by zero"), "The check itself failed: ZeroDivisionError: by zero"),
        (RuntimeError(), "The check itself failed: RuntimeError: RuntimeError"),
    ],
)
def test_a_check_that_fails_says_so_and_the_next_is_made(error, says):
    failed, well = examine([failing(error), WELL])
    assert failed.status == Status.FAIL
    assert failed.says.startswith(says)
    assert failed.do
    assert well == ("well", "ok", "All is well.", "")


def test_a_check_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(examination, "CHECK_SECONDS", 0.1)

    def hang():
        time.sleep(5)
        yield ok("All is well.")

    first, second = examine([Check("hanging", hang), WELL])
    assert (first.status, second.status) == (Status.FAIL, Status.OK)
    assert first.says.startswith("No answer within 0.1 seconds")


def test_what_needs_something_that_is_away_is_not_looked_at():
    away = Check("store", failing(Away("It is away.", "Start it.")).ask)
    needing = Check("rights", WELL.ask, needs="store")
    first, second = examine([away, needing])
    assert first == ("store", "fail", "It is away.", "Start it.")
    assert (second.status, second.says) == (
        "warn",
        "Not looked at: the store does not answer.",
    )


def test_what_goes_away_meanwhile_is_asked_once():
    gone = failing(Away("Gone.", "Look."), needs="store")
    first, second = examine([gone, Check("other", WELL.ask, needs="store")])
    assert (first.status, second.status) == ("fail", "warn")


def test_the_page_names_each_check_in_its_order():
    table = PAGE.partition("## What is looked at")[2].partition("##")[0]
    named = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert named == [check.name for check in checks()]


def test_each_check_that_needs_something_comes_after_it():
    names = [check.name for check in checks()]
    assert all(names.index(one.needs) < names.index(one.name) for one in checks() if one.needs)


def test_a_check_that_is_not_known_is_misuse(capsys):
    with pytest.raises(SystemExit) as ended:
        run_manage("doctor", "--only", "nonsense")
    assert ended.value.code == 2
    assert "nonsense" in capsys.readouterr().err


def run_manage(*arguments: str) -> None:
    """As manage.py is called."""
    execute_from_command_line(["manage.py", *arguments])


def test_people_are_told_beneath_each_finding_what_to_do(capsys, settings, tmp_path):
    settings.DATABASE_IS_EMBEDDED, settings.DATA_FOLDER = True, tmp_path
    settings.MIN_FREE_BYTES = 2**60
    with pytest.raises(SystemExit) as ended:
        run_manage("doctor", "--only", "disk")
    assert ended.value.code == 1
    said = capsys.readouterr()
    first, second, *_, last = said.out.splitlines()
    assert first.startswith("fail  disk              The disk is full: ")
    assert second.strip().startswith("→ Free some")
    assert last == "0 ok, 0 warn, 1 fail"
    assert "1 of 1 lines say `fail`" in said.err


def test_all_well_is_exit_code_0(capsys):
    call_command("doctor", "--only", "data_folder", "ports")
    assert capsys.readouterr().out.splitlines()[-1] == "2 ok, 0 warn, 0 fail"
