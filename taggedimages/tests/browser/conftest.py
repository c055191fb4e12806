"""A real Chromium, the service and a worker as processes, and pages on origins of their own, all
of which the modules here share."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from images.storage import client
from taggedimages.engines.state import CHECKOUT
from taggedimages.identity.models import User
from taggedimages.serving.tests.conftest import Front, opened_gates, running, through
from taggedimages.tests.gates import Gate

PAGES = Path(__file__).parent / "pages"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line on the terminal for each."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def pages() -> Iterator[str]:
    """The origin of a server that has the pages of this folder."""
    handler = partial(Quiet, directory=str(PAGES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def found_chromium() -> str | None:
    """The path of the system's Chromium, where there is one."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def launched(chromium: str) -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    # As root it does not start in a sandbox; in containers /dev/shm is small.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with pytest.MonkeyPatch.context() as patch:
        # Its loop runs in this thread, which Django takes for a reason not to use the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as driver:
            arguments = [*alone, "--disable-dev-shm-usage"]
            browser = driver.chromium.launch(executable_path=chromium, args=arguments)
            yield browser
            browser.close()


def signed_in_to(browser: Any, base: str, user: User, **options: Any) -> Any:
    """A window of somebody's own (a context of Playwright's), logged in to the admin at `base`."""
    browsing = Client()
    browsing.force_login(user)
    cookie = browsing.cookies[settings.SESSION_COOKIE_NAME]
    # Colours that are on their way to others would be judged by axe.
    context = browser.new_context(**{"base_url": base, "reduced_motion": "reduce"} | options)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base}])
    return context


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; without one, tests that want it are skipped."""
    found = found_chromium()
    if found is None:
        pytest.skip(f"No Chromium is installed: looked for {', '.join(PROGRAMS)}.")
    return found


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Any]:
    """A headless Chromium."""
    pytest.importorskip("playwright.sync_api")
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="package")
def allowed() -> Iterator[str]:
    """The origin of a page that may use the service."""
    with pages() as origin:
        yield origin


@pytest.fixture(scope="package")
def stranger() -> Iterator[str]:
    """The origin of a page that may not."""
    with pages() as origin:
        yield origin


@pytest.fixture(scope="package")
def gates(django_db_setup: None) -> Iterator[tuple[Gate, Gate]]:
    """Before database and store, as the service reaches them."""
    with opened_gates() as both:
        yield both


@pytest.fixture(scope="package")
def environment(gates: tuple[Gate, Gate]) -> dict[str, str]:
    """What a process needs to reach database and store, as others do."""
    return through(gates)


@pytest.fixture(scope="package")
def service(
    chromium: str,
    allowed: str,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """The web front with its bucket prepared, and a worker, of all these modules; the worker has to
    last."""
    env = environment | {
        "TAGGEDIMAGES_CORS_ORIGINS": allowed,
        "TAGGEDIMAGES_ANONYMOUS": "none",
        "TAGGEDIMAGES_SWEEP_SECONDS": "0.2",
    }
    manage = [sys.executable, str(CHECKOUT / "manage.py")]
    subprocess.run([*manage, "prepare"], env=env, check=True, stdout=subprocess.DEVNULL)
    said = tmp_path_factory.mktemp("worker") / "stderr"
    with said.open("wb") as stderr:
        worker = subprocess.Popen(
            [*manage, "work"], env=env, stdout=subprocess.DEVNULL, stderr=stderr
        )
    try:
        with running(env) as front:
            yield front
        assert worker.poll() is None, said.read_text()[-5000:]
    finally:
        worker.terminate()
        worker.wait(30)
        client.store().delete_bucket_cors(Bucket=env["S3_BUCKET"])


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens the page of an origin, once its module is loaded."""
    contexts = []

    def open_page(origin: str) -> Any:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{origin}/index.html")
        page.wait_for_function("window.categorizer")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What went wrong in pages of `signed_in`, which fails the test at its end: errors on the
    console, such as of the Content-Security-Policy, errors of scripts, and what a page asked for in
    vain. A test that expects one takes it out.
    """
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def signed_in(browser: Any, service: Front, faults: list[str]) -> Iterator[Callable[..., Any]]:
    """`signed_in(user)`: a page of somebody's own browser, logged in to the admin.

    Addresses are relative to the service: `page.goto("/admin/")`. Options are those of Playwright's
    `new_context`, such as `color_scheme="dark"` and `java_script_enabled=False`.
    """
    contexts = []

    def sign_in(user: User, **options: Any) -> Any:
        context = signed_in_to(browser, service.url, user, **options)
        contexts.append(context)
        context.on("page", lambda page: watch(page, faults))
        return context.new_page()

    yield sign_in
    for context in contexts:
        context.close()


def watch(page: Any, faults: list[str]) -> None:
    """Put down what goes wrong in a page."""

    def console(message: Any) -> None:
        if message.type == "error":
            faults.append(f"console of {page.url}: {message.text}")

    def answered(response: Any) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            faults.append(f"{response.status} for {response.url}, which {page.url} asks for")

    page.on("console", console)
    page.on("pageerror", lambda error: faults.append(f"script of {page.url}: {error}"))
    page.on("response", answered)


@pytest.fixture
def axe() -> Callable[..., None]:
    """`axe(page)` fails where axe-core finds what is serious or critical, and says where; with
    `only`, by some of its rules."""
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

    def examine(page: Any, only: Sequence[str] = ()) -> None:
        # Preloading styles, it would ask for what they import at addresses that are wrong.
        options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
        if only:
            options["runOnly"] = list(only)
        found = sync_playwright.Axe().run(page, options=options).response["violations"]
        bad = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not bad, f"{page.url}\n" + "\n".join(map(described, bad))

    return examine


def described(violation: dict[str, Any]) -> str:
    """A finding of axe's in some lines: the rule, then each element with what is wrong with it."""
    lines = [f"{violation['impact']}: {violation['id']}: {violation['help']}"]
    for node in violation["nodes"]:
        lines += [f"  {node['html'][:200]}", f"    {node['failureSummary']}"]
    return "\n".join(lines)
