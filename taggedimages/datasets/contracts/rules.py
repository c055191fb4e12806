"""What a contract may ask of the tags of an image, as plain data, and the same in words.

A rule is one of KINDS, and may go for the images alone that have all tags of its `if`. A name means
what it does in searches that go by implications: the tag itself, its aliases, and what implies it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tags.names import distinct

MAX_RULES, MAX_NAMES, MAX_PATTERN = 50, 100, 200
# Kinds that are told by which of some names an image has, with how they are said.
OF_NAMES = {
    "exactly_one_of": "exactly one of {}",
    "at_least_one_of": "at least one of {}",
    "all_of": "all of {}",
    "none_of": "none of {}",
}
AT_MOST, VALUE = "at_most", "value"
KINDS = (*OF_NAMES, AT_MOST, VALUE)
# Names that a message lists.
SAID_NAMES = 20


class BadContract(ValueError):
    """A contract contradicts itself, or says what cannot be judged; the message says where."""


@dataclass(frozen=True)
class Rule:
    """One rule; what its kind does not have is at rest."""

    kind: str
    # Of the kinds of names.
    names: tuple[str, ...] = ()
    # Of AT_MOST: how many tags of its own an image may have.
    most: int = 0
    # Of VALUE: each value of a tag matches a regular expression of PostgreSQL, as a whole.
    tag: str = ""
    pattern: str = ""
    # Only of images that have all of these.
    condition: tuple[str, ...] = ()

    @property
    def every_name(self) -> tuple[str, ...]:
        """All names of tags in it."""
        return (*self.condition, *self.names, *([self.tag] if self.tag else []))

    @property
    def message(self) -> str:
        """What is asked, in words."""
        if self.kind == AT_MOST:
            said = f"at most {self.most} {'tag' if self.most == 1 else 'tags'}"
        elif self.kind == VALUE:
            said = f"each value of {self.tag} like {self.pattern}"
        else:
            said = OF_NAMES[self.kind].format(_listed(self.names))
        return f"if {' and '.join(self.condition)}: {said}" if self.condition else said


def read(rules: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules of a list in JSON, whose items have the types that /v1 asks for. Raises
    BadContract."""
    found = []
    for number, rule in enumerate(rules):
        kinds = [kind for kind in KINDS if kind in rule]
        if len(kinds) != 1:
            given = " and ".join(kinds) or "none"
            raise BadContract(f"rules.{number}: One of {', '.join(KINDS)}, not {given}.")
        found.append(_rule(kinds[0], rule))
    return tuple(found)


def whole(pattern: str) -> str:
    """A pattern as PostgreSQL matches a whole value with it."""
    return f"^(?:{pattern})$"


def _rule(kind: str, rule: Mapping[str, Any]) -> Rule:
    condition = tuple(distinct(rule.get("if", ())))
    said = rule[kind]
    if kind == AT_MOST:
        return Rule(kind, most=said, condition=condition)
    if kind == VALUE:
        return Rule(kind, tag=said["tag"], pattern=said["pattern"], condition=condition)
    return Rule(kind, names=tuple(distinct(said)), condition=condition)


def _listed(names: tuple[str, ...]) -> str:
    others = len(names) - SAID_NAMES
    shown = ", ".join(names[:SAID_NAMES])
    return f"{shown} and {others} others" if others > 0 else shown
