"""How lines of the log are written: for people, or as JSON, one object a line.

Both name the request that a line is about, and neither has a secret (monitoring.cutting). What a
record is given besides its message (`extra={"about": {...}}`) becomes fields of the object.
"""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from taggedimages.monitoring import request_ids
from taggedimages.monitoring.cutting import without_secrets

logger = logging.getLogger(__name__)

# Fields whose values are words of ours, or were looked at before (monitoring.request_ids).
OURS = {"time", "level", "logger", "request_id", "trace_id"}
OURS |= {"method", "route", "api", "job", "outcome"}
# Of one line; what is longer loses its middle, for the end of a traceback says most.
MOST_CHARACTERS = 20_000


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "message", …}`, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        origin = request_ids.origin()
        line: dict[str, Any] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3]
            + "Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if origin.request_id:
            line["request_id"] = origin.request_id
        if origin.trace_id:
            line["trace_id"] = origin.trace_id
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        for name, value in line.items():
            if isinstance(value, str) and name not in OURS:
                line[name] = without_secrets(shortened(value))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextLines(logging.Formatter):
    """`time LEVEL logger: message`, and the request's id where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, and those of a traceback."""
        return without_secrets(shortened(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The line alone: whatever a message quotes, it begins no other."""
        line = super().formatMessage(record)
        if request_id := request_ids.current():
            line = f"{line} [{request_id}]"
        return line if line.isprintable() else "".join(map(_printable, line))


def shortened(text: str) -> str:
    """A text of bounded length, with its beginning and its end; one that UTF-8 can write."""
    if len(text) > MOST_CHARACTERS:
        half = MOST_CHARACTERS // 2
        text = f"{text[:half]} … {text[-half:]}"
    return text if text.isascii() else text.encode(errors="replace").decode()


def heed_uncaught() -> None:
    """Have warnings, and errors that nobody catches, end in the log rather than beside it: for
    processes that run for long."""

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        logger.critical("The process ends", exc_info=(kind, error, trace))

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit and args.exc_value is not None:
            about = (args.exc_type, args.exc_value, args.exc_traceback)
            logger.error("A thread ended", exc_info=about)

    logging.captureWarnings(True)
    sys.excepthook = uncaught
    threading.excepthook = of_thread


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
