"""What the database is asked when somebody scrapes: queues, states and sizes.

Nothing is counted to its end: rows that wait are counted up to MOST, sizes of tables and of the
bucket are estimates. What was asked is good for some seconds, however often somebody scrapes, and
each asker waits for few: a database that is away is one of the numbers.
"""

import platform
import shutil
import time
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max, QuerySet
from prometheus_client.core import GaugeMetricFamily

from images.admin.uploads import STATES as UPLOAD_STATES
from images.models import Image
from taggedimages.backup import records as backups
from taggedimages.changes.models import Change, State
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.doctor import heartbeats
from taggedimages.doctor.models import Heartbeat
from taggedimages.postgresql.base import answers_within
from taggedimages.postgresql.counting import counted

# Rows of one kind that are counted; more are told as so many.
MOST = 10_000
# How long numbers are good for, those of the bucket, and how long the database has for them.
KEPT_SECONDS, BUCKET_SECONDS, ANSWER_SECONDS = 5.0, 300.0, 3.0
# What the worker still has to do, as the queue's name, how many rows wait, and since when the first
# of them does. Each is read from an index of just these rows. A change of the index bears no time:
# it came after the last merge, and merges come about each second while there is any.
QUEUES = """
SELECT 'files', count(*), min(at) FROM (
    SELECT check_at AS at FROM images_image WHERE check_at <= clock_timestamp()
    ORDER BY check_at LIMIT %(most)s
) due
UNION ALL
SELECT 'changes', count(*), min(at) FROM (
    SELECT coalesce(queued_at, created_at) AS at FROM changes_change
    WHERE state IN ('planning', 'applying') LIMIT %(most)s
) due
UNION ALL
SELECT 'releases', count(*), min(created_at) FROM (
    SELECT created_at FROM datasets_release WHERE state = 'building' LIMIT %(most)s
) due
UNION ALL
SELECT 'erasures', count(*), min(due_at) FROM (
    SELECT due_at FROM datasets_erasure
    WHERE done_at IS NULL AND due_at <= clock_timestamp() LIMIT %(most)s
) due
UNION ALL
SELECT 'index', count(*), (SELECT to_timestamp(max(id) / 1e6) FROM search_fold)
FROM (SELECT FROM search_unindexed LIMIT %(most)s) due
"""
TABLES = """
SELECT c.relname, pg_total_relation_size(c.oid),
    coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), greatest(c.reltuples, 0))
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""
DATABASE = """
SELECT pg_database_size(current_database()), current_setting('max_connections')::int,
    current_setting('server_version')
"""
CONNECTIONS = """
SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1
"""
CONNECTION_STATES = ("active", "idle", "idle in transaction", "other")
# Of some of the pages of the table, as many as have some thousand rows.
SAMPLE_ROWS = 5_000
STORED = """
WITH share AS (
    SELECT greatest(reltuples, 0) AS rows FROM pg_class WHERE oid = 'images_image'::regclass
)
SELECT coalesce(sum(size), 0), count(*), (SELECT rows FROM share)
FROM images_image TABLESAMPLE SYSTEM (
    (SELECT least(100, 100 * %s / greatest(rows, 1)) FROM share)
)
WHERE uploaded_at IS NOT NULL AND deleted_at IS NULL
"""


class ServiceState:
    """Asked by whoever renders an exposition; each process keeps what it was told for a while."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[GaugeMetricFamily] = []
        self._kept_until = 0.0
        self._bucket: GaugeMetricFamily | None = None
        self._bucket_until = 0.0

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All gauges; without those of the database where it does not answer."""
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept = list(self._asked())
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._kept

    def _asked(self) -> Iterator[GaugeMetricFamily]:
        yield from _disk()
        try:
            with answers_within(ANSWER_SECONDS):
                found = [*_database(), *_queues(), *_workers(), *_states(), *_backup()]
                found.append(self._stored())
        except (DatabaseError, InterfaceError):
            connection.close()
            found = []
        yield _one("database_up", "Whether the database answers.", bool(found))
        yield from found

    def _stored(self) -> GaugeMetricFamily:
        if self._bucket is None or time.monotonic() >= self._bucket_until:
            self._bucket = _bucket()
            self._bucket_until = time.monotonic() + BUCKET_SECONDS
        return self._bucket


STATE = ServiceState()


def _gauge(name: str, said: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"taggedimages_{name}", said, labels=labels)


def _one(name: str, said: str, value: float) -> GaugeMetricFamily:
    family = _gauge(name, said)
    family.add_metric([], value)
    return family


def _rows(statement: str, *given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, *given)
        return list(cursor.fetchall())


def _queues() -> Iterator[GaugeMetricFamily]:
    depth = _gauge("queue_depth", f"What the worker still has to do, up to {MOST:,}.", "queue")
    age = _gauge(
        "queue_oldest_age_seconds", "For how long the first in a queue has been due.", "queue"
    )
    now = time.time()
    for queue, waiting, since in _rows(QUEUES, {"most": MOST}):
        depth.add_metric([queue], waiting)
        age.add_metric([queue], max(0.0, now - since.timestamp()) if waiting and since else 0)
    yield from (depth, age)


def _workers() -> Iterator[GaugeMetricFamily]:
    yield _one(
        "workers", "Workers that were heard of within a minute.", heartbeats.living().count()
    )
    last = Heartbeat.objects.aggregate(last=Max("beat_at"))["last"]
    yield _one(
        "worker_last_seen_timestamp_seconds",
        "When a worker was last heard of; 0: never.",
        last.timestamp() if last else 0,
    )


def _states() -> Iterator[GaugeMetricFamily]:
    """One statement for all of them."""
    unsettled = (State.PLANNING, State.PLANNED, State.APPLYING, State.STOPPED, State.FAILED)
    images, changes, releases = Image.objects.all(), Change.objects.all(), Release.objects.all()
    wanted: dict[str, dict[str, QuerySet[Any, Any]]] = {
        "uploads": {state: images.filter(q) for state, q in UPLOAD_STATES.items()},
        "changes": {state: changes.filter(state=state) for state in unsettled},
        "releases": {state: releases.filter(state=state) for state in ReleaseState},
    }
    said = {
        "uploads": f"Uploads that are not in order, or not yet, up to {MOST:,}.",
        "changes": f"Changes that are not settled, up to {MOST:,}.",
        "releases": f"Releases of data sets, up to {MOST:,}.",
    }
    rows = [(queryset, MOST) for states in wanted.values() for queryset in states.values()]
    counts = iter(counted(rows))
    for name, states in wanted.items():
        family = _gauge(name, said[name], "state")
        for state in states:
            family.add_metric([str(state)], next(counts))
        yield family


def _database() -> Iterator[GaugeMetricFamily]:
    size, connections_most, version = _rows(DATABASE)[0]
    yield _one("database_bytes", "What the database takes on its disk.", size)
    yield _one("database_connections_max", "How many the server takes.", connections_most)
    connections = _gauge("database_connections", "Connections to the database.", "state")
    counts = dict.fromkeys(CONNECTION_STATES, 0)
    for state, count in _rows(CONNECTIONS):
        counts[state if state in counts else "other"] += count
    for state, count in counts.items():
        connections.add_metric([state], count)
    yield connections
    sizes = _gauge("table_bytes", "What a table takes, with its indexes.", "table")
    lengths = _gauge("table_rows", "How many rows a table has, about.", "table")
    for table, taken, count in _rows(TABLES):
        sizes.add_metric([table], taken)
        lengths.add_metric([table], count)
    yield from (sizes, lengths)
    build = _gauge("build_info", "What runs here.", "version", "python", "django", "postgresql")
    service = str(settings.SPECTACULAR_SETTINGS["VERSION"])
    server = version.partition(" ")[0]
    build.add_metric([service, platform.python_version(), django.get_version(), server], 1)
    yield build


def _bucket() -> GaugeMetricFamily:
    total, sampled, rows = _rows(STORED, [SAMPLE_ROWS])[0]
    # A small table is read as a whole.
    factor = max(1.0, float(rows) / SAMPLE_ROWS) if sampled else 0
    return _one(
        "stored_bytes", "What files of images take in the bucket, about.", float(total) * factor
    )


def _backup() -> Iterator[GaugeMetricFamily]:
    last = backups.last_verified_at()
    yield _one(
        "backup_last_verified_timestamp_seconds",
        "When a backup was last found to be whole; 0: never.",
        last.timestamp() if last else 0,
    )


def _disk() -> Iterator[GaugeMetricFamily]:
    """The one of the embedded engines."""
    if settings.DATABASE_IS_EMBEDDED or settings.S3_IS_EMBEDDED:
        usage = shutil.disk_usage(settings.DATA_FOLDER)
        yield _one("disk_bytes", "The disk that the data folder is on.", usage.total)
        yield _one("disk_free_bytes", "What is free of it.", usage.free)
