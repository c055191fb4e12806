"""Goes through checks one by one: each is bounded in time, and none keeps others from answering."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from threading import Thread
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connections

from images.storage import PartsRefused, StorageUnavailable
from taggedimages.doctor.findings import Away, Check, Finding, Status, fail, warn

logger = logging.getLogger(__name__)

CHECK_SECONDS = 20
# In the database, so that nothing goes on there after nobody waits for it.
STATEMENT_MS = 15_000
DATABASE, STORE = "database", "store"


class Line(NamedTuple):
    """A finding with the name of its check."""

    check: str
    status: Status
    says: str
    do: str


def examine(checks: Iterable[Check]) -> Iterator[Line]:
    """All findings in the order of the checks, as they are made."""
    away: set[str] = set()
    for check in checks:
        if check.needs in away:
            said = f"Not looked at: the {check.needs} does not answer."
            yield Line(check.name, *warn(said, f"See what `{check.needs}` says."))
            continue
        try:
            findings = _asked(check)
        except Away as error:
            away.add(check.needs or check.name)
            findings = [error.finding]
        for finding in findings:
            yield Line(check.name, *finding)


def _asked(check: Check) -> list[Finding]:
    """What a check finds, in a thread that is left where it hangs. Raises Away."""
    answer: Future[list[Finding]] = Future()
    Thread(target=_run, args=[check, answer], name=check.name, daemon=True).start()
    try:
        return answer.result(CHECK_SECONDS)
    except Away:
        raise
    except NotInTime:
        said = f"No answer within {CHECK_SECONDS} seconds: something hangs."
        raise Away(
            said, f"Look at the {check.needs or check.name}: its log and its load."
        ) from None
    except ProgrammingError as error:
        return [fail(f"The schema is another: {_first_line(error)}", "Run `manage.py prepare`.")]
    except (DatabaseError, InterfaceError) as error:
        do = "See what `manage.py doctor --only database` says."
        return [fail(f"The database failed: {_first_line(error)}", do)]
    except (StorageUnavailable, PartsRefused) as error:
        do = "See what `manage.py doctor --only store bucket` says."
        return [fail(f"The store failed: {_first_line(error)}", do)]
    except OSError as error:
        return [fail(f"The system refused: {error}", "Run this as the user that the service has.")]
    except Exception as error:
        logger.debug("The check %s failed", check.name, exc_info=True)
        said = f"The check itself failed: {type(error).__name__}: {_first_line(error)}"
        return [fail(said, "Report it; TAGGEDIMAGES_LOG_LEVEL=DEBUG shows where.")]


def _run(check: Check, answer: "Future[list[Finding]]") -> None:
    try:
        if check.needs == DATABASE:
            with connections["default"].cursor() as cursor:
                cursor.execute("SET statement_timeout = %s", [STATEMENT_MS])
        answer.set_result(list(check.ask()))
    except OperationalError as error:
        away = check.needs == DATABASE and "statement timeout" not in str(error)
        do = "See what `manage.py doctor --only database` says."
        said = f"The database failed: {_first_line(error)}"
        answer.set_exception(Away(said, do) if away else error)
    except Exception as error:  # noqa: BLE001
        answer.set_exception(error)
    finally:
        connections.close_all()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
