"""What is told of a contract: how many images were checked, and which of them fail which rule."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from images.models import Image
from images.visibility import Viewer
from search.executor import whole
from search.executor.blocks import Blocks, union
from search.query import Query
from search.results import SearchResults
from taggedimages.changes import questions
from taggedimages.datasets.contracts import judging, rules
from taggedimages.datasets.contracts.models import ContractVersion
from taggedimages.datasets.contracts.past import Past
from taggedimages.datasets.contracts.present import Present

# Images that are named of those that fail a rule: the first by id.
SAMPLE = 100
# Images that are looked up one by one, to see whether a contract is for them.
FEW = 2_000
EVERYTHING = Viewer(audiences=None)


class When(NamedTuple):
    """Of when tags and values are, and with `vocabulary_now` their names are of now all the same;
    without `at` everything is of now."""

    at: datetime | None = None
    vocabulary_now: bool = False

    @classmethod
    def of_query(cls, query: Query) -> "When":
        """That of a question."""
        return cls(query.as_of, query.vocabulary_now)

    @property
    def state(self) -> judging.State:
        return Past(self.at, vocabulary_now=self.vocabulary_now) if self.at else Present()

    def asked(self, query: Query) -> Query:
        """A question of then."""
        return replace(query, as_of=self.at, vocabulary_now=self.vocabulary_now)


NOW = When()


def report(version: ContractVersion, viewer: Viewer) -> dict[str, Any]:
    """What a contract says of the images that a viewer is shown.

    `version`, `checked` (how many images it is for), `passes`, and of each rule by its number from
    0 `failures`, `sample` (the first ids) and `message`; `unknown_tags` are names that no tag has.
    Of one state only within a transaction that is REPEATABLE READ.
    """
    return _told(version, SearchResults(_query(version, NOW), viewer).all_images(), NOW)


def of_members(version: ContractVersion, members: Blocks, at: datetime | None) -> dict[str, Any]:
    """The same of those of some images that the contract is for, whoever is shown them; with `at`
    by their tags of then."""
    when = When(at)
    return _told(version, _among(version, members, when), when)


def failing(version: ContractVersion, images: Blocks | None, when: When = NOW) -> Blocks:
    """Those of some images, or of all that are current, that fail at least one rule."""
    checked = _among(version, images, when)
    return union(judging.failures(rules.read(version.rules), checked, when.state).of_rules)


def shown(kept: Mapping[str, Any], viewer: Viewer) -> dict[str, Any]:
    """A report that was kept, with those in its samples alone that a viewer is shown now. One
    statement."""
    named = {image for rule in kept["rules"] for image in rule["sample"]}
    seen = Image.objects.shown_to(viewer).filter(pk__in=named).values_list("pk", flat=True)
    ids = set(seen)
    told = [
        rule | {"sample": [image for image in rule["sample"] if image in ids]}
        for rule in kept["rules"]
    ]
    return {**kept, "rules": told}


def _query(version: ContractVersion, when: When) -> Query:
    return when.asked(questions.read(version.question))


def _among(version: ContractVersion, images: Blocks | None, when: When) -> Blocks:
    """Those of some images, or of all that are current, that a contract is for."""
    query = _query(version, when)
    if images is None or len(images) > FEW:
        found = SearchResults(query, EVERYTHING).all_images()
        return found if images is None else images & found
    few = Image.objects.shown_to(EVERYTHING).filter(pk__in=list(images))
    return whole.of_queryset(SearchResults(query, EVERYTHING, images=few).images)


def _told(version: ContractVersion, checked: Blocks, when: When) -> dict[str, Any]:
    every = rules.read(version.rules)
    judged = judging.failures(every, checked, when.state)
    told = _rules(every, judged.of_rules)
    return {
        "version": version.version,
        "checked": len(checked),
        "passes": all(rule["failures"] <= version.max_failures for rule in told),
        "rules": told,
        "unknown_tags": judged.unknown_tags,
    }


def _rules(every: Sequence[rules.Rule], failures: Sequence[Blocks]) -> list[dict[str, Any]]:
    return [
        {
            "rule": number,
            "failures": len(failed),
            "sample": list(islice(failed, SAMPLE)),
            "message": rule.message,
        }
        for number, (rule, failed) in enumerate(zip(every, failures, strict=True))
    ]
