"""Which requests may only run a few at a time, so that the others always find a thread.

A request is of the first lane that it fits. What does not run yet waits, as long as the queue lets
it; all lanes together leave at least one thread to what is in none.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Lane:
    """Some of the routes, and how many of a process's threads they may have at a time.

    `query` has to be found in the query string, `accept` in that header, if they are given.
    """

    name: str
    methods: frozenset[str]
    paths: re.Pattern[str]
    most: Callable[[int], int]
    query: re.Pattern[str] | None = None
    accept: re.Pattern[str] | None = None

    def has(self, method: str, path: str, query: str, accept: str) -> bool:
        """Whether a request is of this lane."""
        return (
            method in self.methods
            and self.paths.match(path) is not None
            and (self.query is None or self.query.search(query) is not None)
            and (self.accept is None or self.accept.search(accept) is not None)
        )


READS, WRITES = frozenset({"GET", "HEAD"}), frozenset({"POST", "PUT", "PATCH"})
ANY = re.compile("/")


def one(threads: int) -> int:
    """One at a time."""
    return 1


def half(threads: int) -> int:
    """At most half of the threads, and at least one."""
    return max(1, threads // 2)


def all_but_one(threads: int) -> int:
    """As many as there are, but for one."""
    return max(1, threads - 1)


LANES = (
    # Numbers of all processes are added up, and the database is asked for more.
    Lane("metrics", READS, re.compile(r"/metrics$"), one),
    # A password is hashed, in tenths of a second of a processor.
    Lane("login", WRITES, re.compile(r"/v3/auth/tokens/?$|/admin/login/?$"), one),
    # Pages whose records repeat all tags of their image.
    Lane("heavy", READS, re.compile(r"/(current/)?api/v2/image_tags/?$"), one),
    # The store is asked, which may hang.
    Lane("store", WRITES, re.compile(r"/v1/upload/?$|.*/complete/?$"), half),
    # A whole list, of which each piece is made by a thread once the last one was taken.
    Lane("stream", READS, re.compile(r"/v1/.*\.ndjson/?$"), half),
    Lane("stream", READS, ANY, half, accept=re.compile("ndjson|jsonl", re.IGNORECASE)),
    # What may take the database up to a second.
    Lane("search", READS, re.compile(r"/v1/search/"), half),
    Lane("search", READS, ANY, half, query=re.compile(r"\b(match_tags|filename|facets|search|q)=")),
    Lane("search", WRITES, re.compile(r"/v2/[^/]+/images/resource_instances/action/?$"), half),
)


def lane_of(method: str, path: str, query: str, accept: str) -> Lane | None:
    """The lane of a request; None where it needs none."""
    return next((lane for lane in LANES if lane.has(method, path, query, accept)), None)
