"""What the statements of a request really did, as PostgreSQL tells it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

READS = ("SELECT", "WITH", "(", "EXECUTE", "PREPARE", "DEALLOCATE")


@dataclass(frozen=True)
class Explained:
    """A statement, and the plan that it was executed with."""

    sql: str
    plan: dict[str, Any]

    @property
    def buffers(self) -> int:
        """Pages of 8 KB that were read, from memory or from disk, as often as they were."""
        return int(self.plan["Shared Hit Blocks"] + self.plan["Shared Read Blocks"])

    def rows(self, tables: set[str]) -> int:
        """Rows of these tables and of their indexes that were looked at, the unfit ones too.

        A scan of an index into a bitmap counts what is dead, too, so that those of other tables
        would tell of what other tests have rolled back.
        """
        looked_at = [node for node in _nodes(self.plan) if node.get("Relation Name", "") in tables]
        heaps = [node for node in looked_at if node["Node Type"] == "Bitmap Heap Scan"]
        looked_at += [
            node
            for heap in heaps
            for node in _nodes(heap)
            if node["Node Type"] == "Bitmap Index Scan"
        ]
        return round(sum(_touched(node) for node in looked_at))

    @property
    def scanned(self) -> set[str]:
        """The tables that were read from end to end."""
        whole = [node for node in _nodes(self.plan) if node["Node Type"] == "Seq Scan"]
        return {node["Relation Name"] for node in whole if node["Actual Loops"]}

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used."""
        used = [node for node in _nodes(self.plan) if node["Actual Loops"]]
        return {node["Index Name"] for node in used if "Index Name" in node}


def explained(request: Callable[[], Any]) -> list[Explained]:
    """Every statement that a request reads by, executed once more to be explained."""
    with CaptureQueriesContext(connection) as captured:
        answer = request()
    assert answer.status_code == 200, answer.content
    reads = [query["sql"] for query in captured if query["sql"].lstrip().startswith(READS)]
    return [Explained(sql, _plan(sql)) for sql in reads]


def _plan(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        # The first of its like has its preparation before it (postgresql.prepared).
        executed = sql.rpartition(";\n")[2]
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {executed}")
        answer = cursor.fetchone()[0]
    plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _touched(node: dict[str, Any]) -> float:
    """Rows that a node read, over all the times that it ran."""
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])
