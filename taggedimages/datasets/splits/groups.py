"""By what images belong together, so that no group is ever in two splits (contract of releases).

A data set says it by one of these:

- `{"dicom": KEYWORD}`: a field of the header as inspection kept it; `PatientID` is the patient's
  pseudonym (images.subjects), by which nobody can tell who it is;
- `{"tag": NAME}`: the value of that tag as of the release;
- `{"album": true}`: the album, unless it is the one of images that nobody put into any;
- `{"filename": REGEX}`: what its only pair of parentheses captures. The expression is PostgreSQL's,
  which can be stopped, and takes no longer than PATTERN_MS;
- `{"sha256": true}`: the file itself, so that copies stay together.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DataError, OperationalError, connection, transaction

from images.models import DEFAULT_ALBUM
from taggedimages.datasets.members import Member
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.tag_names import name_in_lines
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.text import is_storable
from taggedimages.transactions import QUERY_CANCELED, sqlstate
from tags import names

Group = Mapping[str, Any]
# The groups of a batch of members, as texts by the members' ids; those without one are absent.
Grouping = Callable[[Sequence[Member]], dict[int, str]]

# Of an image with two values of the tag: it belongs to either, and nobody can say to which.
AMBIGUOUS = "\0"
PATIENT = "PatientID"
MAX_PATTERN = 200
# For the names of a batch; some 10,000 take a hundredth of it.
PATTERN_MS = 2_000

SUBJECTS = """
SELECT image_id, encode(subject, 'hex') FROM images_facts
WHERE image_id = ANY(%s::bigint[]) AND subject IS NOT NULL
"""
FIELDS = """
SELECT image_id, btrim(dicom ->> %s) FROM images_facts
WHERE image_id = ANY(%s::bigint[]) AND btrim(dicom ->> %s) <> ''
"""
ALBUMS = """
SELECT id, album_id FROM images_image
WHERE id = ANY(%s::bigint[]) AND album_id NOT IN (%s, '')
"""
CAPTURED = """
SELECT * FROM (
    SELECT n.id, (regexp_match(n.name, %s))[1] AS captured
    FROM unnest(%s::bigint[], %s::text[]) n (id, name)) c
WHERE captured <> ''
"""
# How many pairs of parentheses capture: one more than in the expression alone, which the empty
# alternative has match anything.
CAPTURES = r"SELECT cardinality(regexp_match('', %s || E'\n|()')) - 1 WHERE ('' ~ %s) IS NOT NULL"
SET_LIMIT = "SELECT set_config('statement_timeout', %s, true)"
LIMIT = "SELECT current_setting('statement_timeout')"


class BadGroup(ValueError):
    """What images are to be grouped by cannot be, or there is no such thing."""


class TooSlow(Exception):
    """An expression takes longer than it may."""


def read(asked: Any) -> dict[str, Any] | None:
    """The group of a data set as it is kept; None for none. Raises BadGroup.

    Of an expression it asks the database.
    """
    if asked is None:
        return None
    if not isinstance(asked, Mapping) or len(asked) != 1 or asked.keys() - READERS.keys():
        raise BadGroup(f"Must be an object with one of: {', '.join(READERS)}.")
    [(kind, by)] = asked.items()
    return {kind: READERS[kind](by)}


def grouping(group: Group, as_of: datetime | None = None) -> Grouping:
    """What tells the groups of members, in the transaction that read them; of an instant other than
    that of the transaction's snapshot where it is given."""
    [(kind, by)] = group.items()
    if kind == "tag":
        return _of_values(name_in_lines(by, as_of))
    return {
        "dicom": lambda members: _of_header(by, members),
        "album": _of_albums,
        "filename": lambda members: _of_file_names(by, members),
        "sha256": lambda members: {member.id: member.sha256 for member in members},
    }[kind]


def _of_values(name: str) -> Grouping:
    """By the values in the members' lines, where the tag has this name."""

    def of(members: Sequence[Member]) -> dict[int, str]:
        found: dict[int, str] = {}
        for member in members:
            for tag, value in member.values:
                if tag == name and (group := value.strip()):
                    same = found.setdefault(member.id, group) == group
                    found[member.id] = group if same else AMBIGUOUS
        return found

    return of


def _of_header(keyword: str, members: Sequence[Member]) -> dict[int, str]:
    if keyword == PATIENT:
        return _rows(SUBJECTS, [_ids(members)])
    return _rows(FIELDS, [keyword, _ids(members), keyword])


def _of_albums(members: Sequence[Member]) -> dict[int, str]:
    return _rows(ALBUMS, [_ids(members), DEFAULT_ALBUM])


def _of_file_names(pattern: str, members: Sequence[Member]) -> dict[int, str]:
    file_names = array(member.name for member in members)
    try:
        return dict(_bounded(CAPTURED, [pattern, _ids(members), file_names]))
    except (TooSlow, DataError) as error:
        why = "takes too long" if isinstance(error, TooSlow) else "is too complex"
        raise Refused(
            f"The expression that tells the group from a filename {why}.",
            {"group": {"filename": pattern}},
        ) from None


def _ids(members: Sequence[Member]) -> str:
    return array(member.id for member in members)


def _rows(statement: str, values: list[Any]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def _bounded(statement: str, values: list[Any]) -> list[Any]:
    """The rows of a statement that somebody else's expression is in. Raises TooSlow, after which
    the transaction goes on."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMIT)
            [before] = cursor.fetchone()
            cursor.execute(SET_LIMIT, [str(PATTERN_MS)])
            cursor.execute(statement, values)
            rows = list(cursor.fetchall())
            cursor.execute(SET_LIMIT, [before])
            return rows
    except OperationalError as error:
        if sqlstate(error) != QUERY_CANCELED:
            raise
        raise TooSlow from None


def _keyword(asked: Any) -> str:
    known = [PATIENT, *settings.DICOM_FIELDS]
    if not isinstance(asked, str) or asked not in known:
        raise BadGroup(f"dicom: Must be a field that is kept: {', '.join(known)}.")
    return asked


def _tag_name(asked: Any) -> str:
    if not isinstance(asked, str):
        raise BadGroup("tag: Must be the name of a tag.")
    try:
        return names.entered(asked)
    except names.BadName as error:
        raise BadGroup(f"tag: {error}") from None


def _true(asked: Any) -> bool:
    if asked is not True:
        raise BadGroup("album and sha256: Must be true.")
    return True


def _pattern(asked: Any) -> str:
    if not isinstance(asked, str) or not is_storable(asked) or not 0 < len(asked) <= MAX_PATTERN:
        raise BadGroup(f"filename: Must be an expression of 1 to {MAX_PATTERN} characters.")
    try:
        [[captures]] = _bounded(CAPTURES, [asked, asked])
    except DataError as error:
        raise BadGroup(f"filename: {str(error).splitlines()[0]}.") from None
    except TooSlow:
        raise BadGroup("filename: The expression takes too long.") from None
    if captures != 1:
        raise BadGroup(f"filename: One pair of parentheses captures the group, not {captures}.")
    return asked


READERS: dict[str, Callable[[Any], Any]] = {
    "dicom": _keyword,
    "tag": _tag_name,
    "album": _true,
    "filename": _pattern,
    "sha256": _true,
}
