"""Why a data set or a release is not made; the message says it to whoever asked."""

from typing import Any


class NameTaken(Exception):
    """There is a data set of that name, whoever's it is."""


class TooManyBuilding(Exception):
    """As many releases of the project wait to be built as may."""


class AuthorGone(Exception):
    """The user who asked for the release is no longer there, so that nobody's rights can be
    asked."""


class Refused(Exception):
    """Something about the members refuses a release: `details` say what, in JSON, such as
    `{"unready": {"count": 3, "images": [7, 8, 9]}}`; /v1 shows them beside the message."""

    def __init__(self, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.details = details


class NotInstalled(Exception):
    """A format needs a package that is not installed here."""
