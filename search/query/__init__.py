"""What may be asked of the corpus, as plain data; `search.results` answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple


class Rules(IntEnum):
    """Which rules of the vocabulary (tags.vocabulary) a question goes by; each has those before."""

    NONE = 0
    ALIASES = 1
    IMPLICATIONS = 2


class TagValues(NamedTuple):
    """A tag by its exact name, and the values its link may have; none listed: any."""

    name: str
    values: tuple[str, ...] = ()


class AnyOf(NamedTuple):
    """Albums, words of filenames and tags by their ids, of which an image has at least one; none
    listed: no image has. All are today's, whatever `as_of` says.

    An album is named by its whole id, in `albums_any_case` in any case. A word is a text in any
    case with no letter or number before or after it.
    """

    albums: tuple[str, ...] = ()
    albums_any_case: tuple[str, ...] = ()
    filename_words: tuple[str, ...] = ()
    tag_ids: tuple[int, ...] = ()


class Named(NamedTuple):
    """What a part above search answers for (`search.query.conditions`): by its name, and once it is
    known who asks by its number."""

    name: str
    number: int | None = None


@dataclass(frozen=True)
class Query:
    """A question: every field that is set narrows the answer. Each has a lookup of its name."""

    # Only images of these ids; an empty tuple finds nothing.
    ids: tuple[int, ...] | None = None
    # All of these exact names must be on the image.
    exact_tags: tuple[str, ...] = ()
    # Each pattern must match a tag of the image: whole name, any case, `%` is the wildcard.
    match_tags: tuple[str, ...] = ()
    # The id of a tag that must be on the image.
    tag_id: int | None = None
    # Tags by exact name, each with one of the values listed: every one of them ...
    with_all: tuple[TagValues, ...] = ()
    # ... at least one of each of these groups ...
    with_any: tuple[tuple[TagValues, ...], ...] = ()
    # ... not all of them at once, or none of them.
    without_all: tuple[TagValues, ...] = ()
    without_any: tuple[TagValues, ...] = ()
    # No tag at all.
    untagged: bool = False
    # Whether a tag, however it is named above, stands for its target and all aliases of that ...
    aliased: bool = False
    # ... and also for what implies it, by any number of steps. Of `untagged` neither says anything.
    implied: bool = False
    # Tags, their values, names and rules as they were at this instant, on images that were
    # registered by then; whatever else is asked, and who is shown what, is of now. Of `words`, too,
    # names are today's.
    as_of: datetime | None = None
    # Names and rules are today's all the same.
    vocabulary_now: bool = False
    # The image's name: exactly, or a part of it in any case.
    name: str | None = None
    name_contains: str = ""
    # Each of these texts in any case, within its id, name, description, tags or creator.
    words: tuple[str, ...] = ()
    # Each of these words is its id or its uuid, or a part of its filename in any case.
    called: tuple[str, ...] = ()
    # At least one of what each of these lists.
    any_of: tuple[AnyOf, ...] = ()
    # Of this project alone, by its id.
    project: str | None = None
    # The image's uuid as text; text that is none has no image.
    uuid: str | None = None
    # The name of the user who made the record.
    created_by: str | None = None
    # Created at or after the one, before the other.
    created_from: datetime | None = None
    created_before: datetime | None = None
    uploaded_only: bool = False
    # In one of these of `images.querysets.UPLOAD_STATES`; an empty tuple finds nothing.
    upload_states: tuple[str, ...] | None = None
    # The file arrived at or after the one, before the other.
    uploaded_from: datetime | None = None
    uploaded_before: datetime | None = None
    # A part of the filename, in any case.
    filename_contains: str = ""
    # Formats of the file, lower case, as images.models.Facts has them: one of these.
    formats: tuple[str, ...] = ()
    # What the header of a DICOM file says of each, in upper case: one of these.
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    # Pixels as stored, and bytes, each end included; what is not known is in no range of pixels.
    min_width: int | None = None
    max_width: int | None = None
    min_height: int | None = None
    max_height: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    # The contract (datasets) that it breaks.
    failing: Named | None = None

    @property
    def rules(self) -> Rules:
        """What the names of tags are gone by."""
        if self.implied:
            return Rules.IMPLICATIONS
        return Rules.ALIASES if self.aliased else Rules.NONE

    @property
    def names_at(self) -> datetime | None:
        """The instant as of which names of tags and rules are looked up; None: today's."""
        return None if self.vocabulary_now else self.as_of

    @property
    def is_expensive(self) -> bool:
        """Whether text, the past or broken contracts are looked for, rather than what an index has
        as such."""
        texts = (self.words, self.called, self.name_contains, self.filename_contains, self.any_of)
        if self.as_of is not None or self.failing is not None:
            return True
        return bool(self.match_tags or any(texts))

    @property
    def narrows(self) -> bool:
        """Whether there may be an image that it does not find: no file has fewer than 0 bytes.

        An instant alone is no condition, though it leaves out what came later.
        """
        asked = replace(
            self,
            min_size=self.min_size or None,
            aliased=False,
            implied=False,
            as_of=None,
            vocabulary_now=False,
        )
        return asked != Query()

    @property
    def names(self) -> list[str]:
        """All names of tags that it has, as often as it has them."""
        groups = (self.with_all, self.without_all, self.without_any, *self.with_any)
        return [*self.exact_tags, *(tag.name for group in groups for tag in group)]

    def renamed(self, names: Mapping[str, str]) -> "Query":
        """The same with other names of tags, for each that it has."""

        def named(tags: tuple[TagValues, ...]) -> tuple[TagValues, ...]:
            return tuple(tag._replace(name=names[tag.name]) for tag in tags)

        return replace(
            self,
            exact_tags=tuple(names[name] for name in self.exact_tags),
            with_all=named(self.with_all),
            with_any=tuple(map(named, self.with_any)),
            without_all=named(self.without_all),
            without_any=named(self.without_any),
        )


# What no image answers.
NOTHING = Query(upload_states=())
