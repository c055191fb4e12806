"""What is counted while it happens: every series that is not asked of the database.

Where PROMETHEUS_MULTIPROC_DIR names a folder, the processes of this machine keep their numbers in
files there, and any of them tells those of all (monitoring.exposition); the folder has to be named
before this is imported. Elsewhere each process has its own. Names and units are Prometheus's;
labels take few values: routes are patterns, never paths.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
# Seconds: from what needs no database to what a client gives up on.
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SQL_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
S3_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 4, 30)
JOB_BUCKETS = (0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300, 1800)

REQUESTS = Counter(
    "taggedimages_http_requests",
    "Requests that were answered.",
    ("api", "route", "method", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "taggedimages_http_request_seconds",
    "From a request's head to its answer, and of a stream to its end.",
    ("api", "route", "method"),
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
IN_PROGRESS = Gauge(
    "taggedimages_http_requests_in_progress",
    "Requests that the application is at.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
REFUSED_RATES = Counter(
    "taggedimages_rate_limited",
    "What was refused because its caller did it too often.",
    ("kind",),
    registry=REGISTRY,
)
SQL_SECONDS = Histogram(
    "taggedimages_sql_seconds",
    "What statements took, by their first word, and commits.",
    ("kind",),
    buckets=SQL_BUCKETS,
    registry=REGISTRY,
)
S3_SECONDS = Histogram(
    "taggedimages_s3_request_seconds",
    "What requests to the object store took, with what was tried again.",
    ("operation",),
    buckets=S3_BUCKETS,
    registry=REGISTRY,
)
S3_FAILURES = Counter(
    "taggedimages_s3_failures",
    "Requests to the object store that had no answer, or one of 5xx.",
    ("operation",),
    registry=REGISTRY,
)
JOBS = Counter(
    "taggedimages_jobs",
    "What the worker did, and whether it came to its end.",
    ("job", "outcome"),
    registry=REGISTRY,
)
JOB_SECONDS = Histogram(
    "taggedimages_job_seconds",
    "What one of the worker's jobs took.",
    ("job",),
    buckets=JOB_BUCKETS,
    registry=REGISTRY,
)

# By the first word of a statement; what is not here is `other`.
SQL_KINDS = {
    word: SQL_SECONDS.labels(word.lower())
    for word in ("SELECT", "WITH", "EXECUTE", "INSERT", "UPDATE", "DELETE", "COMMIT")
}
OTHER_SQL = SQL_SECONDS.labels("other")


def sql_took(statement: object, seconds: float) -> None:
    """A statement was answered, or failed."""
    words = statement[:64].split(None, 1) if isinstance(statement, str) else ()
    kind = SQL_KINDS.get(words[0].upper(), OTHER_SQL) if words else OTHER_SQL
    kind.observe(seconds)


def s3_took(operation: str, seconds: float, *, failed: bool) -> None:
    """The object store was asked; whether it said nothing of use."""
    S3_SECONDS.labels(operation).observe(seconds)
    if failed:
        S3_FAILURES.labels(operation).inc()
