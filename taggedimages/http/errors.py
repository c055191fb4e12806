"""What went wrong, as a status and a message: one table for all APIs.

Messages may quote what was sent, so they are cut, and only the first of very many are told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from django.http import Http404
from rest_framework import exceptions

from images.part_uploads import BadPlan, NotUnderWay
from images.quotas import QuotaExceeded
from images.storage import PartsRefused, StorageUnavailable
from images.uploads import NotArrived
from search.query.conditions import Unknown
from search.results import TooFarBack, TooManyNames
from taggedimages import disk
from taggedimages.changes import refusals
from taggedimages.datasets import refusals as releases
from taggedimages.datasets.contracts import refusals as contracts
from taggedimages.datasets.contracts.rules import BadContract
from taggedimages.datasets.holding import NotReleased
from taggedimages.identity.hashing import Busy
from taggedimages.identity.kept_answers import InUse, Reused, Unreadable
from taggedimages.identity.rate_limits import RateExceeded
from taggedimages.identity.signed_answers import UnderWay
from taggedimages.postgresql.migrating import unfit
from taggedimages.transactions import DISK_FULL, LOCK_NOT_AVAILABLE, sqlstate
from tags.curation import TagNameTaken
from tags.models import Tag
from tags.names import BadName
from tags.renaming import TooManyLinks
from tags.restriction import Deprecated, Restricted
from tags.rights import OnImagesOfOthers
from tags.tagging import TooManyTags
from tags.vocabulary import Cycle, TooDeep, TooMany

RETRY_AFTER = {"Retry-After": "2"}
# errno's words, as PostgreSQL has them.
NO_ROOM = "No space left on device"
UNSTORABLE = "A value is outside what can be stored."
# What the driver says to a null character, and Django's fields to the id of an odd form.
UNFIT = re.compile("cannot contain NUL|expected a number but got")
# Of one answer, and of each of them.
MAX_ERRORS, MAX_ERROR_CHARACTERS = 10, 200
# What a quotation may hold, since JSON can write it, and what no UTF-8 can.
SURROGATE, REPLACEMENT = re.compile("[\ud800-\udfff]"), "\ufffd"


class Conflict(exceptions.APIException):
    """The request meets a state of the corpus that it does not fit."""

    status_code = 409
    default_detail = "The request conflicts with the present state."


class PreconditionFailed(exceptions.APIException):
    """The record is not, or no longer, in the state that the request is meant for."""

    status_code = 412
    default_detail = "The record has changed; read it again."


class BodyTooLarge(exceptions.APIException):
    """More bytes than this route takes."""

    status_code = 413
    default_detail = "The body is too large."


@dataclass(frozen=True)
class Problem:
    """A failure that the caller is told: HTTP status, one sentence, details, headers, and what
    /v1 has besides, by name."""

    status: int
    message: str
    errors: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def problem_of(error: Exception) -> Problem | None:
    """What to tell the caller about an error; None for what is a defect of ours."""
    match error:
        case exceptions.ValidationError():
            errors = flattened(error.detail)
            return Problem(400, "; ".join(errors), errors)
        case exceptions.APIException():
            return Problem(error.status_code, line(error.detail), headers=_headers(error))
        case Http404() | Tag.DoesNotExist():
            return Problem(404, "Not found.")
        case refusals.BadOperation() | BadContract() | Unknown():
            return Problem(400, line(error))
        case refusals.NeedsSomebodyElse():
            return Problem(403, line(error))
        case (
            refusals.WrongState()
            | refusals.Drifted()
            | refusals.TooManyPlanned()
            | refusals.AuthorGone()
        ):
            return Problem(409, line(error))
        case releases.NameTaken() | releases.TooManyBuilding() | NotReleased():
            return Problem(409, line(error))
        case contracts.NameTaken() | contracts.TooManyContracts():
            return Problem(409, line(error))
        case releases.Refused():
            return Problem(422, line(error), more=error.details)
        case refusals.OtherDigest():
            return Problem(412, line(error))
        case PermissionDenied():
            return Problem(403, "Forbidden.")
        case Restricted() | OnImagesOfOthers():
            return Problem(403, line(error))
        case RequestDataTooBig():
            return Problem(413, BodyTooLarge.default_detail)
        case QuotaExceeded():
            # Not 507 (RFC 4918): that would be the server's trouble, and worth trying again.
            return Problem(413, str(error))
        case BadPlan() | TooManyTags() | BadName() | Deprecated() | TooFarBack() | TooManyNames():
            return Problem(400, line(error))
        case TagNameTaken() | NotArrived() | NotUnderWay() | PartsRefused():
            return Problem(409, line(error))
        case TooDeep() | TooMany() | TooManyLinks():
            return Problem(409, line(error))
        case Cycle():
            # Whole, for it says which rule to withdraw.
            return Problem(409, str(error))
        case RateExceeded():
            return Problem(429, str(error), headers={"Retry-After": str(error.seconds)})
        case Busy():
            return Problem(503, str(error), headers=RETRY_AFTER)
        case UnderWay():
            return Problem(409, str(error), headers=RETRY_AFTER)
        case InUse():
            return Problem(409, str(error), headers={"Retry-After": "1"})
        case Reused():
            return Problem(422, str(error))
        case Unreadable():
            return Problem(409, str(error))
        case releases.NotInstalled():
            return Problem(501, str(error))
        case StorageUnavailable():
            return Problem(503, "The object store is unavailable.", headers=RETRY_AFTER)
        case OperationalError() | InterfaceError() | InternalError():
            return Problem(503, _of_database(error), headers=RETRY_AFTER)
        case DatabaseError() if unready := unfit(error):
            return Problem(503, unready, headers=RETRY_AFTER)
        case IntegrityError():
            # `retried` has tried again already: another writer keeps getting in the way.
            return Problem(409, Conflict.default_detail)
        case DataError():
            return Problem(400, UNSTORABLE)
        case ValueError() if isinstance(error, UnicodeEncodeError) or UNFIT.search(str(error)):
            # The driver cannot even send half of a surrogate pair, nor a null character.
            return Problem(400, UNSTORABLE)
    return None


def flattened(detail: Any) -> list[str]:
    """The first of the nested details of a validation error, as lines that name their field."""
    return [line(one) for one in islice(_sentences(detail, ""), MAX_ERRORS)]


def first_errors(detail: Any) -> Any:
    """The nested details of a validation error in their shape, with the first messages alone."""
    return _pruned(detail, iter(range(MAX_ERRORS)))


def line(message: object) -> str:
    """A message that can be written, and is short, whatever it quotes."""
    text = SURROGATE.sub(REPLACEMENT, str(message)[: MAX_ERROR_CHARACTERS + 1])
    return text if len(text) <= MAX_ERROR_CHARACTERS else f"{text[: MAX_ERROR_CHARACTERS - 1]}…"


def _sentences(detail: Any, path: str) -> Iterator[str]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _sentences(inner, f"{path}{name}." if name != "non_field_errors" else path)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _sentences(inner, path)
    else:
        yield f"{path[:-1]}: {detail}" if path else str(detail)


def _pruned(detail: Any, places: Iterator[int]) -> Any:
    """A detail with a message for each place that is left; None where there is none left."""
    if isinstance(detail, dict):
        pruned = {str(name): _pruned(inner, places) for name, inner in detail.items()}
        return {name: inner for name, inner in pruned.items() if inner is not None} or None
    if isinstance(detail, list):
        # Items without a fault keep those after them in their places.
        shown = [{} if inner == {} else _pruned(inner, places) for inner in detail]
        return [inner for inner in shown if inner is not None] or None
    return None if next(places, None) is None else line(detail)


def _of_database(error: Error) -> str:
    if isinstance(error, OperationalError) and sqlstate(error) == LOCK_NOT_AVAILABLE:
        return "Another request is changing the same record."
    # One that lets nobody in for that reason tells no code.
    if sqlstate(error) == DISK_FULL or NO_ROOM in str(error):
        disk.note_refusal()
        return "The disk of the database is full."
    if "statement timeout" in str(error):
        return "The request takes too long; ask for less."
    return "The database is unavailable."


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers
