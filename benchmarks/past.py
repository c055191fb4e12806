"""Measures searches as of an instant beside those of now, each total held against the ledger.

Of a corpus that was loaded with the ledger of years (`load --lines`), whose links all have the line
of their making, so that an image had a tag where the last line until then says so.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from benchmarks.client import Answer, Client
from benchmarks.corpus import DAY, Corpus, Question
from benchmarks.goals import JUST_NOW, LATELY, ONE_TAG, QUIET_AGE
from benchmarks.stamp import Say
from benchmarks.timing import measured
from tags.models import Tag, VocabularyChange

# How long ago; the youngest that may be asked for is ten seconds.
AGES = {
    QUIET_AGE: None,
    JUST_NOW: 11,
    LATELY[0]: DAY,
    LATELY[1]: 30 * DAY,
    "a year ago": 365 * DAY,
    "three years ago": 3 * 365 * DAY,
}
CALLS = 40
# Images that had all of some tags.
TRUTH = """
SELECT count(*) FROM (
    SELECT image_id FROM (
        SELECT DISTINCT ON (image_id, tag_id) image_id, new_value FROM tags_tagchange
        WHERE tag_id = ANY(%(tags)s) AND changed_at <= to_timestamp(%(at)s)
        ORDER BY image_id, tag_id, changed_at DESC, id DESC
    ) last WHERE new_value IS NOT NULL GROUP BY image_id HAVING count(*) = %(of)s
) found
"""


@dataclass(frozen=True)
class Past:
    """One run against a service whose database this process reaches."""

    base: str
    token: str
    corpus: Corpus
    # For each kind and age, at most.
    seconds: float
    say: Say
    wrong: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Times by kind and age in milliseconds, and what was answered wrong."""
        found: dict[str, Any] = {}
        with closing(Client(self.base, self.token)) as client:
            for kind, questions in self.kinds().items():
                found[kind] = {}
                for age, seconds in AGES.items():
                    at = None if seconds is None else int(time.time()) - seconds
                    found[kind][age] = self.asked(client, questions, at)
                    self.say(f"{kind}, {age}: {found[kind][age]['median']} ms")
        return {"kinds": found, "wrong": self.wrong[:20]}

    def kinds(self) -> dict[str, list[Question]]:
        """The questions of each kind, about tags that always had the name that they have."""
        renamed = set(
            Tag.objects.filter(
                pk__in=VocabularyChange.objects.filter(kind="renamed").values("tag_id")
            ).values_list("name", flat=True)
        )

        def steady(questions: list[Question]) -> list[Question]:
            return [one for one in questions if not renamed.intersection(one.tags)]

        common = steady(self.corpus.kinds["common_tag"])
        return {
            "the commonest tag": common[:1] * CALLS,
            ONE_TAG: common[1 : CALLS + 1],
            "two common tags": steady(self.corpus.kinds["and2"])[:CALLS],
        }

    def asked(self, client: Client, questions: list[Question], at: int | None) -> dict[str, float]:
        """Ask all as of an instant; now where that is None."""
        as_of = {} if at is None else {"as_of": at}

        def ask(question: Question) -> Answer:
            asked = {"exact_tags": "|".join(question.tags), "limit": question.limit}
            return client.ask(f"/v1/search/images?{urlencode(asked | as_of)}")

        def check(question: Question, answer: Answer) -> None:
            self.wrong.extend(faults(question, at, answer))

        return measured(ask, questions, check, self.seconds).as_dict()


def faults(question: Question, at: int | None, answer: Answer) -> Iterator[str]:
    """What is wrong with the answer to a question."""
    asked = f"{' and '.join(question.tags)} as of {at or QUIET_AGE}"
    if answer.status != 200:
        yield f"{asked}: {answer.status}: {answer.body[:200]!r}"
        return
    told = answer.json()
    right = question.total if at is None else had(question.tags, at)
    if told["meta"]["total_results"] != right:
        yield f"{asked}: {told['meta']['total_results']} found instead of {right}"
    if len(told["results"]) != min(question.limit, right):
        yield f"{asked}: {len(told['results'])} records of {right}"
    if told["meta"].get("as_of") != at:
        yield f"{asked}: answered as of {told['meta'].get('as_of')}"


@cache
def had(names: tuple[str, ...], at: int) -> int:
    """How many images had all of these tags at an instant, as the ledger has it."""
    tags = list(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(TRUTH, {"tags": tags, "at": at, "of": len(tags)})
        return int(cursor.fetchone()[0])
