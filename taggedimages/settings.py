"""Every setting of the service, read from the environment, with defaults that run as they stand.

Without DATABASE_URL and a bucket, the service belongs to a `manage.py up` on this machine: its
data folder says where the embedded engines are. With them it runs on managed ones.
"""

import os
import secrets
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from taggedimages import origins
from taggedimages.engines import state
from taggedimages.environment import Environment

# Lets annotations such as ModelAdmin[Tag] stand in code that runs.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
# What is wrong with it, as it is read below (taggedimages.checks).
FAULTS = env.faults
DATA_FOLDER = state.data_folder()
try:
    embedded = state.load(DATA_FOLDER)
except PermissionError as error:
    raise ImproperlyConfigured(
        f"{error.filename} cannot be read: run this as the user that `manage.py up` runs as."
    ) from error


def first_of(*names: str, default: str = "") -> str:
    """The first of several usual names of one variable that is set."""
    return next((value for name in names if (value := env.str(name, default=""))), default)


# --- The process ---------------------------------------------------------------------------------

DEBUG = env.bool("TAGGEDIMAGES_DEBUG", default=False)
SECRET_KEY = first_of("SECRET_KEY", "DJANGO_SECRET_KEY")
SECRET_KEY_IS_EMBEDDED = embedded is not None and not SECRET_KEY
if not SECRET_KEY:
    # A random key serves commands that run before the first `up`; nothing is signed with it.
    SECRET_KEY = embedded.secret_key if embedded else secrets.token_urlsafe(50)
    if "DATABASE_URL" in env:
        raise ImproperlyConfigured("Set SECRET_KEY: sessions and signing secrets rest on it.")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY must have at least 32 characters.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if embedded and SECRET_KEY_IS_EMBEDDED:
    SECRET_KEY_FALLBACKS += embedded.secret_key_fallbacks

ALLOWED_HOSTS = env.list("TAGGEDIMAGES_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("TAGGEDIMAGES_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "taggedimages.urls"
PUBLISHED_APIS = "taggedimages.apis.APIS"
WSGI_APPLICATION = "taggedimages.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"

INSTALLED_APPS = [
    "taggedimages",
    "taggedimages.identity",
    "images",
    "tags",
    "search",
    "taggedimages.changes",
    "taggedimages.datasets",
    "taggedimages.backup",
    "taggedimages.doctor",
    "rest_framework",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    # Its pages are imported with the URLs, for which commands and the worker have no use.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
]

MIDDLEWARE = [
    # First, for every answer has its id.
    "taggedimages.http.observing.Requests",
    # A preflight is nobody's yet, and pages are to read every refusal.
    "corsheaders.middleware.CorsMiddleware",
    "taggedimages.http.caching.CacheHeaders",
    "taggedimages.http.middleware.HealthChecks",
    "taggedimages.dialects.sharinpix.middleware.SharinPixHeaders",
    "django.middleware.security.SecurityMiddleware",
    "taggedimages.http.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "taggedimages.http.middleware.EitherSlash",
    "taggedimages.http.middleware.BoundedBody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "taggedimages.http.rate_limits.RateLimits",
    "taggedimages.http.middleware.BreakReferenceCycles",
    # Last, since it may run a view again.
    "taggedimages.http.middleware.Replicas",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"
# Straight from the packages where nobody ran collectstatic, as under `up`.
WHITENOISE_USE_FINDERS = not STATIC_ROOT.exists()
# What browsers ask for at the root of a site, whatever its pages say: the icon.
WHITENOISE_ROOT = BASE_DIR / "taggedimages" / "root"
# Nobody else's pages need them.
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- The web front -------------------------------------------------------------------------------

# Each thread runs one request, and keeps a connection to the database.
WEB_PROCESSES = env.int("TAGGEDIMAGES_WEB_PROCESSES", default=2)
WEB_THREADS = env.int("TAGGEDIMAGES_WEB_THREADS", default=4)
# In one process. Those that wait for a client cost some kilobytes each, and no thread.
MAX_CONNECTIONS = env.int("TAGGEDIMAGES_MAX_CONNECTIONS", default=4096)
# How long a request's head may take, with the pause before it, and its body; how long it may wait
# for a thread; how long its answer may take to be read, or each piece of one that is streamed.
HEAD_SECONDS = env.float("TAGGEDIMAGES_HEAD_SECONDS", default=10)
BODY_SECONDS = env.float("TAGGEDIMAGES_BODY_SECONDS", default=10)
QUEUE_SECONDS = env.float("TAGGEDIMAGES_QUEUE_SECONDS", default=8)
SEND_SECONDS = env.float("TAGGEDIMAGES_SEND_SECONDS", default=60)
# From SIGTERM on: for how long requests are taken while /readyz is 503; then what is under way may
# take so long, in the worker too.
DRAIN_SECONDS = env.float("TAGGEDIMAGES_DRAIN_SECONDS", default=0)
STOP_SECONDS = env.float("TAGGEDIMAGES_STOP_SECONDS", default=20)

# --- PostgreSQL ----------------------------------------------------------------------------------

# Requests are bounded; commands such as migrate may take as long as the data is large.
SERVES_REQUESTS = env.bool("TAGGEDIMAGES_SERVES_REQUESTS", default=False)
STATEMENT_TIMEOUT_MS = (
    env.int("TAGGEDIMAGES_STATEMENT_TIMEOUT_MS", default=5_000) if SERVES_REQUESTS else 0
)
LOCK_TIMEOUT_MS = STATEMENT_TIMEOUT_MS * 4 // 5
# A transaction that changes tags, from its signature on: its lines in the ledger, which tell when,
# are there for all to read within ten seconds of that.
WRITE_TIMEOUT_MS = 8_000 if SERVES_REQUESTS else 0
# A search by patterns, all its statements together.
PATTERN_TIMEOUT_MS = (
    env.int("TAGGEDIMAGES_PATTERN_TIMEOUT_MS", default=min(900, STATEMENT_TIMEOUT_MS))
    if SERVES_REQUESTS
    else 0
)
# Seconds until a server that does not answer counts as away: when connecting, and, in processes
# that serve requests, beyond the statement timeout that it should have kept itself.
DATABASE_CONNECT_SECONDS = env.int("TAGGEDIMAGES_DATABASE_CONNECT_SECONDS", default=3)
# Searches are planned once a connection; not so behind a pool that shares connections between
# transactions (docs/scaling.md).
DATABASE_PREPARES = env.bool("TAGGEDIMAGES_PREPARED_STATEMENTS", default=True)
DATABASE_ANSWER_SECONDS = STATEMENT_TIMEOUT_MS / 1000 + 1 if SERVES_REQUESTS else 0


def database(url: dict[str, Any]) -> dict[str, Any]:
    """How a server is spoken to: what its URL says, and for the rest as all of them."""
    if "postg" not in url.get("ENGINE", ""):
        FAULTS.append("A database is given as postgres://user:password@host:5432/name.")
    options = {
        "connect_timeout": DATABASE_CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": (
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
            f" -c lock_timeout={LOCK_TIMEOUT_MS} -c jit=off"
            # Whoever is stopped amid a transaction lets go of its locks, for others to go on.
            " -c idle_in_transaction_session_timeout=60s"
            # A search is planned for any tags and times, at once rather than after five times.
            f" -c plan_cache_mode={'force_generic_plan' if SERVES_REQUESTS else 'auto'}"
        ),
    }
    return url | {
        "ENGINE": "taggedimages.postgresql",
        "CONN_MAX_AGE": env.int("TAGGEDIMAGES_DATABASE_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options | url.get("OPTIONS", {}),
    }


# Streaming replicas that may answer reads, each a server of its own (docs/scaling.md).
replicas = {
    f"replica{number}": env.db_url_config(url)
    for number, url in enumerate(env.list("DATABASE_REPLICA_URLS", default=[]), 1)
}
REPLICAS = list(replicas)
NOWHERE = "postgres://taggedimages@127.0.0.1:1/none"
DATABASE_IS_EMBEDDED = embedded is not None and "DATABASE_URL" not in env
DATABASES = {
    "default": database(
        env.db_url("DATABASE_URL", default=embedded.database_url if embedded else NOWHERE)
    ),
    **{alias: database(url) | {"TEST": {"MIRROR": "default"}} for alias, url in replicas.items()},
}
# How far behind a replica may be that is read from, and how long a write waits for replicas.
REPLICA_LAG_SECONDS = env.int("TAGGEDIMAGES_REPLICA_LAG_MS", default=250) / 1000
# Where pg_dump and pg_restore are; empty: the embedded server's own, or those on PATH.
PG_BIN = env.str("TAGGEDIMAGES_PG_BIN", default="")
DATABASE_ROUTERS = ["taggedimages.postgresql.routing.Router"] if REPLICAS else []

# --- S3 ------------------------------------------------------------------------------------------

S3_BUCKET = first_of(*state.BUCKET_VARIABLES)
S3_REGION = first_of("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_S3_REGION_NAME", default="us-east-1")
S3_ENDPOINT_URL = first_of(
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_S3_ENDPOINT_URL", "S3_ENDPOINT_URL"
)
# Where clients reach the store, if that is not where this process does.
S3_PUBLIC_ENDPOINT_URL = env.str("S3_PUBLIC_ENDPOINT_URL", default="")
# How long the store is waited for, and how often it is asked. A request gives up soon, for the
# client to come back; commands and the worker have time.
S3_CONNECT_SECONDS = env.float("TAGGEDIMAGES_S3_CONNECT_SECONDS", default=2)
S3_READ_SECONDS = env.float("TAGGEDIMAGES_S3_READ_SECONDS", default=4 if SERVES_REQUESTS else 30)
S3_TRIES = env.int("TAGGEDIMAGES_S3_TRIES", default=1 if SERVES_REQUESTS else 3)
# Whether the store's entity tags are MD5s where they look so, as S3's are unless an answer tells of
# encryption by KMS or with a customer's key (images.storage.content).
S3_ETAGS_ARE_MD5 = env.bool("TAGGEDIMAGES_S3_ETAGS_ARE_MD5", default=True)
# Empty: boto3 finds credentials in its own ways (AWS_* variables, instance role, ...).
S3_ACCESS_KEY = S3_SECRET_KEY = ""
S3_IS_EMBEDDED = embedded is not None and not S3_BUCKET
if embedded and S3_IS_EMBEDDED:
    S3_BUCKET = embedded.bucket
    S3_REGION = embedded.region
    S3_ENDPOINT_URL = embedded.s3_endpoint_url
    S3_ACCESS_KEY, S3_SECRET_KEY = embedded.s3_access_key, embedded.s3_secret_key

# --- The product ---------------------------------------------------------------------------------

ANONYMOUS = env.str("TAGGEDIMAGES_ANONYMOUS", default="none")
HOOK_SECRET_IS_EMBEDDED = embedded is not None and "TAGGEDIMAGES_HOOK_SECRET" not in env
HOOK_SECRET = env.str("TAGGEDIMAGES_HOOK_SECRET", default=embedded.hook_secret if embedded else "")
DEFAULT_PROJECT = env.str("TAGGEDIMAGES_DEFAULT_PROJECT", default="default")
# Tags, in any case, that only staff may put on images, take off, rename and delete.
RESTRICTED_TAGS = env.list("TAGGEDIMAGES_RESTRICTED_TAGS", default=["Featured"])
# The group of the admin whose members edit every image of their project that they see.
EDITOR_GROUP = env.str("TAGGEDIMAGES_EDITOR_GROUP", default="editors")
# Who is shown what comes in through /v1; empty: everybody if strangers may read, else its project.
VISIBILITY = env.str("TAGGEDIMAGES_VISIBILITY", default="")
# Who changes the images of a project through /v1: all its members, or each their own.
PROJECT_EDITS = env.str("TAGGEDIMAGES_PROJECT_EDITS", default="members")
# A change of more images is applied by somebody else than its author; 0: by anybody who sees it.
CHANGE_CONFIRM = env.int("TAGGEDIMAGES_CHANGE_CONFIRM", default=0)
PRESIGNED_SECONDS = env.int("TAGGEDIMAGES_PRESIGNED_SECONDS", default=3600)
PRESIGNED_STABLE_SECONDS = env.int("TAGGEDIMAGES_PRESIGNED_STABLE_SECONDS", default=0)

MAX_BODY_BYTES = env.int("TAGGEDIMAGES_MAX_BODY_BYTES", default=1024 * 1024)
# 3.96 MB of the published API, counted in 1024² (contract TIM, input rules).
MAX_UPLOAD_BODY_BYTES = env.int("TAGGEDIMAGES_MAX_UPLOAD_BODY_BYTES", default=4_152_360)
# BoundedBody decides sooner and by route; Django's own limit must not come first.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(MAX_BODY_BYTES, MAX_UPLOAD_BODY_BYTES)
MAX_LIST_ITEMS = env.int("TAGGEDIMAGES_MAX_LIST_ITEMS", default=1_000)
MAX_SEARCH_TERMS = env.int("TAGGEDIMAGES_MAX_SEARCH_TERMS", default=100)
# How often a minute, by `identity.rate_limits.Kind`; 0 is no limit.
RATE_LOGINS = env.int("TAGGEDIMAGES_RATE_LOGINS", default=10)
RATE_WRONG_PASSWORDS = env.int("TAGGEDIMAGES_RATE_WRONG_PASSWORDS", default=10)
RATE_ANONYMOUS_WRITES = env.int("TAGGEDIMAGES_RATE_ANONYMOUS_WRITES", default=60)
RATE_UPLOADS = env.int("TAGGEDIMAGES_RATE_UPLOADS", default=600)
RATE_SEARCHES = env.int("TAGGEDIMAGES_RATE_SEARCHES", default=120)
# How long the answer to a request with an Idempotency-Key is kept and given again.
IDEMPOTENCY_SECONDS = env.int("TAGGEDIMAGES_IDEMPOTENCY_SECONDS", default=86_400)
# Whole lists that one process streams at a time: each keeps its last pieces in memory meanwhile.
MAX_STREAMS = env.int("TAGGEDIMAGES_MAX_STREAMS", default=128)

# What `purge` and `reconcile` leave alone, in seconds: uploads that may still arrive after their
# URL has expired, uploads in parts, deleted images, trashed ones, objects without a record.
UPLOAD_GRACE_SECONDS = env.int("TAGGEDIMAGES_UPLOAD_GRACE_SECONDS", default=3600)
MULTIPART_SECONDS = env.int("TAGGEDIMAGES_MULTIPART_SECONDS", default=7 * 86_400)
RETENTION_SECONDS = env.int("TAGGEDIMAGES_RETENTION_SECONDS", default=0)
TRASH_SECONDS = env.int("TAGGEDIMAGES_TRASH_SECONDS", default=30 * 86_400)
ORPHAN_SECONDS = env.int("TAGGEDIMAGES_ORPHAN_SECONDS", default=86_400)
PURGE_SECONDS = env.float("TAGGEDIMAGES_PURGE_SECONDS", default=300)

# Bytes that the files of one project may take; 0: as many as there are.
PROJECT_QUOTA_BYTES = env.int("TAGGEDIMAGES_PROJECT_QUOTA_BYTES", default=0)

# Answer an upload with an image of the same project that has the same bytes already.
REUSE_DUPLICATES = env.bool("TAGGEDIMAGES_REUSE_DUPLICATES", default=False)

SWEEP_SECONDS = env.float("TAGGEDIMAGES_SWEEP_SECONDS", default=1)
# Between two looks through the vocabulary for the clean-up list; 0: only when somebody asks.
CLEANUP_SECONDS = env.int("TAGGEDIMAGES_CLEANUP_SECONDS", default=86_400)
# Between two looks at each contract; 0: none.
CONTRACTS_SECONDS = env.int("TAGGEDIMAGES_CONTRACTS_SECONDS", default=86_400)

# --- Inspection of files: what one may cost ------------------------------------------------------

MAX_PIXELS = env.int("TAGGEDIMAGES_MAX_PIXELS", default=50_000_000)
# The address space of the process that reads a file, and the largest file that is read.
INSPECTION_MEMORY_BYTES = env.int("TAGGEDIMAGES_INSPECTION_MEMORY_BYTES", default=1024**3)
MAX_INSPECTED_BYTES = env.int("TAGGEDIMAGES_MAX_INSPECTED_BYTES", default=1024**3)
MAX_METADATA_BYTES = env.int("TAGGEDIMAGES_MAX_METADATA_BYTES", default=5 * 1024**2)
# Processor time, and time on the clock.
INSPECTION_CPU_SECONDS = env.int("TAGGEDIMAGES_INSPECTION_CPU_SECONDS", default=20)
INSPECTION_SECONDS = env.float("TAGGEDIMAGES_INSPECTION_SECONDS", default=60)
# Files that one worker has in hand: while one waits for the store, another is read.
FILES_AT_ONCE = env.int("TAGGEDIMAGES_FILES_AT_ONCE", default=min(os.cpu_count() or 1, 3) + 1)
INSPECTION_TRIES = env.int("TAGGEDIMAGES_INSPECTION_TRIES", default=3)
# Header fields that are stored, by keyword. None of these tells who the patient is.
DICOM_FIELDS = env.list(
    "TAGGEDIMAGES_DICOM_FIELDS",
    default=[
        "Modality",
        "BodyPartExamined",
        "Laterality",
        "ViewPosition",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "SOPClassUID",
        "NumberOfFrames",
        "PixelSpacing",
        "SliceThickness",
        "PhotometricInterpretation",
        "BitsStored",
        "WindowCenter",
        "WindowWidth",
    ],
)

# --- Watching over it ---------------------------------------------------------------------------

# With less on the disk of the embedded engines, it counts as full (taggedimages.disk).
MIN_FREE_BYTES = env.int("TAGGEDIMAGES_MIN_FREE_BYTES", default=256 * 1024**2)

# --- HTTPS and headers ---------------------------------------------------------------------------

HTTPS = env.bool("TAGGEDIMAGES_HTTPS", default=True)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    # Swagger UI styles its elements one by one.
    "style-src": "'self' 'unsafe-inline'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
}
# Believe X-Forwarded-Proto, and the last address of X-Forwarded-For.
BEHIND_PROXY = env.bool("TAGGEDIMAGES_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

AUTHENTICATION_BACKENDS = ["taggedimages.identity.passwords.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# --- Pages of other origins (CORS) ----------------------------------------------------------------

# Which may use the APIs from a browser: a list or `*`. Under `up`, those of this machine besides.
try:
    CORS_ORIGINS = origins.parsed(env.list("TAGGEDIMAGES_CORS_ORIGINS", default=[]))
except origins.BadOrigin as error:
    FAULTS.append(f"TAGGEDIMAGES_CORS_ORIGINS: {error}")
    CORS_ORIGINS = origins.parsed([])
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS.every
CORS_ALLOWED_ORIGINS = CORS_ORIGINS.exact
CORS_ALLOWED_ORIGIN_REGEXES = CORS_ORIGINS.patterns
# Everything but the admin, whose login is a cookie, and numbers; nothing where nobody is let in.
CORS_URLS_REGEX = r"/(?!(admin|static|metrics)(/|\Z))" if CORS_ORIGINS else r"(?!)"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# What clients of one door or another send, in the order of: all, IMS, IMS's signed requests.
CORS_ALLOW_HEADERS = [
    *("accept", "accept-language", "authorization", "content-type", "idempotency-key"),
    *("if-match", "if-none-match", "x-requested-with", "x-request-id", "traceparent", "tracestate"),
    *("x-auth-token", "x-subject-token", "x-project-id", "x-domain-id", "x-language"),
    *("x-openstack-request-id", "x-sdk-date", "x-sdk-content-sha256"),
]
CORS_EXPOSE_HEADERS = [
    *("ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate"),
    *("Release-Withheld", "X-message", "X-Request-Id", "X-Subject-Token", "X-token"),
]
# Browsers ask again after so long: none keeps it for longer than Chromium's two hours.
CORS_PREFLIGHT_MAX_AGE = 7_200
# For a bucket. The embedded store does not know `*` as a port, and its presigned URLs are each a
# permission of their own.
S3_CORS_ORIGINS = CORS_ORIGINS.rules(knows_ports=not S3_IS_EMBEDDED)

# --- REST framework ------------------------------------------------------------------------------

# What is set here is the /v1 API's; the views of each other dialect name their own.
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["taggedimages.http.renderers.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["taggedimages.http.parsers.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "taggedimages.http.parsers.IgnoreAcceptHeader",
    "DEFAULT_AUTHENTICATION_CLASSES": ["taggedimages.identity.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["taggedimages.identity.authentication.AnonymousPolicy"],
    "DEFAULT_PAGINATION_CLASS": "taggedimages.v1.pagination.ZeroBasedPagination",
    "EXCEPTION_HANDLER": "taggedimages.v1.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "taggedimages.v1.schema.DocumentedSchema",
    # No published API describes OPTIONS; what REST framework would answer is not in their terms.
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Tagged Image Manager",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Keep, tag and find images. Bytes travel straight to and from S3.",
    "SERVE_INCLUDE_SCHEMA": False,
    # That check takes all APIs for one document; each has its own, and tests for warnings.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "OAS_VERSION": "3.1.1",
    # Several have a field `state`, of other words.
    "ENUM_NAME_OVERRIDES": {"ReleaseStateEnum": "taggedimages.datasets.models.ReleaseState"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "taggedimages.http.openapi.say_who_needs_no_login",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
}

# --- Logs and numbers (docs/operating/monitoring.md) ----------------------------------------------

LOG_FORMAT = env.str("TAGGEDIMAGES_LOG_FORMAT", default="text")
# Whether each request and each job has a line.
LOG_REQUESTS = env.bool("TAGGEDIMAGES_LOG_REQUESTS", default=LOG_FORMAT == "json")
# For /metrics, from where a token is asked for.
METRICS_TOKEN = env.str("TAGGEDIMAGES_METRICS_TOKEN", default="")
if METRICS_TOKEN and (len(METRICS_TOKEN) < 16 or not METRICS_TOKEN.isascii()):
    FAULTS.append("TAGGEDIMAGES_METRICS_TOKEN has at least 16 characters, all of them ASCII.")

of_each = {"level": "INFO" if LOG_REQUESTS else "WARNING"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "taggedimages.monitoring.logs.TextLines",
            "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"()": "taggedimages.monitoring.logs.JsonLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": env.str("TAGGEDIMAGES_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "botocore": {"level": "WARNING"},
        "taggedimages.requests": of_each,
        "taggedimages.jobs": of_each,
        # The web front's server writes beside the root otherwise.
        "_granian": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
