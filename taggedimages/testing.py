"""The test session's own engines: real PostgreSQL and S3, on free ports, in a temporary folder.

Loaded by pytest.ini before any settings are read. Fixtures are in `taggedimages/fixtures.py`.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from taggedimages import engines
from taggedimages.engines import postgres
from taggedimages.engines.state import DATABASE, ROLE, State

OUTER = ("DATABASE_", "AWS_", "S3_", "SECRET_KEY", "DJANGO_SECRET_KEY", "TAGGEDIMAGES_")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start the engines once, in the process that pytest-xdist's workers inherit from."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    outer = os.environ.get("TAGGEDIMAGES_TEST_ENGINES") == "environment"
    if worker:
        os.environ["S3_BUCKET"] += f"-{worker}"
    elif not outer:
        stack = ExitStack()
        early_config.add_cleanup(stack.close)
        if programs := early_config.known_args_namespace.postgresql:
            vars(postgres).update(binaries=lambda: Path(programs))
        folder = Path(tempfile.mkdtemp(prefix="taggedimages-"))
        stack.callback(partial(shutil.rmtree, folder, ignore_errors=True))
        state = stack.enter_context(engines.running(folder))
        allow_more_than_the_service(state)
        forget_power_failures(state)
        use(folder, state)
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What CONTRIBUTING.md says of other servers and of new migrations."""
    parser.addoption(
        "--postgresql",
        metavar="FOLDER",
        help="the programs of another PostgreSQL than the embedded one, such as"
        " /usr/lib/postgresql/15/bin",
    )
    parser.addoption(
        "--record-migrations",
        action="store_true",
        help="add checksums of new migrations, and write the schema that all of them make",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Fixtures import models, so they come after pytest-django has set Django up."""
    config.pluginmanager.import_plugin("taggedimages.fixtures")
    look_for_static_files_once()
    from django.conf import settings

    # A test stands still in its transaction for as long as what it waits for takes.
    options = settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for processes and disks half of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """A process goes through tests in their order, so that what those of a file share is made once,
    and has half of what another has left when it has done its own."""
    from xdist.scheduler.worksteal import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a minute and half comes first, so that no process is left alone with it."""
    items.sort(key=lambda item: item.path.name != "test_torture.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported stays, and what tests leave is nearly all freed by itself: looking through
    all of it for circles took a sixth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def bucket() -> None:
    """The bucket of this session or, with pytest-xdist, of this worker."""
    from images import storage

    storage.ensure_bucket()


def look_for_static_files_once() -> None:
    """Each client of a test makes all middleware anew, of which WhiteNoise looks at each static
    file: that took half the time of a test."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = look_once


def allow_more_than_the_service(state: State) -> None:
    """Tests work as the service's plain role; they make databases, and fill some past triggers."""
    with closing(psycopg2.connect(state.superuser_url(DATABASE))) as connection, connection:
        connection.cursor().execute(f"ALTER ROLE {ROLE} CREATEDB")
        connection.cursor().execute(f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}")


def forget_power_failures(state: State) -> None:
    """Nobody waits for the disk: processes are killed in tests, and no machine loses its power."""
    with closing(psycopg2.connect(state.superuser_url(DATABASE))) as connection:
        connection.autocommit = True
        for setting in ("fsync", "full_page_writes"):
            connection.cursor().execute(f"ALTER SYSTEM SET {setting} = off")
        connection.cursor().execute("SELECT pg_reload_conf()")


def use(folder: Path, state: State) -> None:
    """Point the settings at these engines, whatever was set outside."""
    for name in [name for name in os.environ if name.startswith(OUTER)]:
        del os.environ[name]
    os.environ |= {
        "TAGGEDIMAGES_DATA": str(folder),
        "DATABASE_URL": state.database_url,
        "S3_BUCKET": state.bucket,
        "AWS_ENDPOINT_URL_S3": state.s3_endpoint_url,
        "AWS_ACCESS_KEY_ID": state.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": state.s3_secret_key,
        "AWS_REGION": state.region,
        "SECRET_KEY": state.secret_key,
        "TAGGEDIMAGES_HOOK_SECRET": state.hook_secret,
        "TAGGEDIMAGES_ANONYMOUS": "open",
        "TAGGEDIMAGES_HTTPS": "false",
    }
