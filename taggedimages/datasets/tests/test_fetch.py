"""fetch.py, the program that downloads a release and verifies it, at a server and a real store."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from images import storage
from images.models import Image
from images.visibility import Visibility
from taggedimages.datasets import erasing, fetch
from taggedimages.datasets.tests.listed import path_of
from taggedimages.datasets.tests.releases import make_dataset, ready_images, released
from taggedimages.factories import make_credentials, make_user

pytestmark = pytest.mark.django_db(transaction=True)
PROGRAM = Path(fetch.__file__)


@pytest.fixture
def images():
    return ready_images(5, "knee", "größe", stored=True)


@pytest.fixture
def release(images):
    return released()


@pytest.fixture
def run(live_server, release, folder, monkeypatch, capsys):
    """Runs the program; returns how it ends and what it prints."""
    monkeypatch.setattr(fetch, "pause", lambda attempt, error: None)

    def run_it(*options, quoted=None):
        quoted = quoted or f"{release.dataset.name}@{release.number}"
        words = ["fetch.py", live_server.url, quoted, str(folder), *options]
        monkeypatch.setattr(sys, "argv", words)
        status: Any
        try:
            status = fetch.main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return run_it


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "files"


def file_of(folder, image):
    return folder / f"{image.pk}-{image.filename}"


def rewritten(monkeypatch, rewrite):
    """Have the service tell something else of each member."""
    members = fetch.Release.members
    monkeypatch.setattr(fetch.Release, "members", lambda *asked: map(rewrite, members(*asked)))


@pytest.fixture
def asked(monkeypatch):
    """Each request that is sent."""
    requests, opened = [], fetch.opened

    def noted(request):
        requests.append(request)
        return opened(request)

    monkeypatch.setattr(fetch, "opened", noted)
    return requests


def test_as_a_program_it_needs_nothing_but_an_address(api, live_server, release, images, tmp_path):
    """As somebody gets it and runs it: `sha256sum -c` agrees with what comes of it."""
    program = tmp_path / "fetch.py"
    program.write_bytes(api.get("/v1/datasets/fetch.py").content)
    quoted = f"{release.dataset.name}@{release.number}"
    words = [sys.executable, "-I", program, live_server.url, quoted, "files"]
    done = subprocess.run(
        [*words, "--digest", release.digest], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done
    assert "5 members, 0 withheld, 0 problems" in done.stderr
    sums = api.get(f"{path_of(release)}?format=sha256sum").getvalue()
    subprocess.run(["sha256sum", "-c", "-"], input=sums, cwd=tmp_path / "files", check=True)
    lines = (tmp_path / "files/members.ndjson").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [image.pk for image in images]
    assert not any("url" in json.loads(line) for line in lines)


def test_it_is_of_the_standard_library_and_of_python_3_8():
    tree = ast.parse(PROGRAM.read_text(), feature_version=(3, 8))
    imported = {str(one.module) for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    plain = [one for one in ast.walk(tree) if isinstance(one, ast.Import)]
    imported |= {alias.name for one in plain for alias in one.names}
    imported = {name.split(".")[0] for name in imported}
    assert imported <= sys.stdlib_module_names
    assert not imported & {"tomllib", "graphlib", "zoneinfo"}


def test_what_is_there_and_right_is_not_asked_for_again(run, images, asked, folder):
    assert run() == (0, "")
    times = [file_of(folder, image).stat().st_mtime_ns for image in images]
    asked.clear()
    assert run() == (0, "")
    assert [file_of(folder, image).stat().st_mtime_ns for image in images] == times
    assert not any("X-Amz-Signature" in request.full_url for request in asked)


def test_what_is_there_in_part_is_gone_on_with(run, images, asked, folder):
    run()
    whole = file_of(folder, images[0]).read_bytes()
    file_of(folder, images[0]).rename(str(file_of(folder, images[0])) + ".part")
    with open(str(file_of(folder, images[0])) + ".part", "r+b") as part:
        part.truncate(20)
    asked.clear()
    assert run() == (0, "")
    assert file_of(folder, images[0]).read_bytes() == whole
    assert [request.get_header("Range") for request in asked if request.has_header("Range")] == [
        "bytes=20-"
    ]
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", [b"other bytes", b""])
@pytest.mark.parametrize("suffix", ["", ".part"])
def test_what_is_there_and_wrong_is_replaced(run, images, damage, suffix, folder):
    run()
    right = file_of(folder, images[0]).read_bytes()
    path = Path(str(file_of(folder, images[0])) + suffix)
    for wrong in (damage, right[:-1] + b"x", right + b"x", b"x" * len(right)):
        file_of(folder, images[0]).unlink(missing_ok=True)
        path.write_bytes(wrong)
        assert run() == (0, "")
        assert file_of(folder, images[0]).read_bytes() == right


def test_a_url_that_was_refused_is_renewed(run, images, asked, monkeypatch):
    rewritten(monkeypatch, lambda one: {**one, "url": one["url"][:-4] + "0000"})
    assert run() == (0, "")
    assert sum(request.full_url.endswith("/urls") for request in asked) == len(images)


def test_a_url_that_is_about_to_expire_is_renewed_first(run, images, asked, monkeypatch):
    rewritten(monkeypatch, lambda one: {**one, "url": "http://127.0.0.1:1/", "expires": 1})
    assert run() == (0, "")
    assert not any(":1/" in request.full_url for request in asked)


@pytest.mark.parametrize("change", [lambda body: b"x" * len(body), lambda body: body + b"x"])
def test_other_bytes_in_the_store_end_with_1_and_are_named(run, images, change, folder):
    storage.put(images[2].key, change(storage.read(images[2].key)))
    status, told = run()
    assert status == 1
    assert told.splitlines() == [
        f"{images[2].pk}-{images[2].filename}: other bytes than were released"
    ]
    assert not file_of(folder, images[2]).exists()
    assert file_of(folder, images[3]).exists()


def test_a_file_that_is_not_there_ends_with_1_and_is_named(run, images):
    storage.delete(images[2].key)
    assert run() == (1, f"{images[2].pk}-{images[2].filename}: the store answers 404\n")


def test_withheld_members_have_no_file_and_the_digest_is_proved(run, release, images, folder):
    Image.objects.filter(pk=images[0].pk).update(visibility=Visibility.PRIVATE)
    erasing.erase(images[1].pk, "asked for", "tests")
    assert run("--digest", release.digest) == (0, "")
    assert [file_of(folder, image).exists() for image in images] == [False, False, True, True, True]


def test_another_line_than_was_released_shows_in_the_digest(run, release, monkeypatch):
    rewritten(monkeypatch, lambda one: {**one, "tags": ["hip"]})
    status, told = run()
    assert status == 1
    assert told.startswith("digest: of what came sha256:")
    assert told.endswith(f"the service says {release.digest}\n")


def test_another_digest_than_was_quoted_ends_with_1(run, release):
    status, told = run("--digest", "sha256:" + "0" * 64)
    assert (status, told) == (
        1,
        f"digest: of what came {release.digest}, quoted was sha256:{'0' * 64}\n",
    )


def test_a_member_that_is_left_out_shows(run, monkeypatch):
    members = fetch.Release.members
    monkeypatch.setattr(fetch.Release, "members", lambda *asked: list(members(*asked))[1:])
    status, told = run()
    assert status == 1
    assert told.splitlines()[1] == "members: 4 came of 5"


def test_a_list_that_breaks_off_is_gone_on_with(run, release, monkeypatch):
    """After the last id that came, as often as it takes."""
    ask, told = fetch.Release.ask, []

    def ask_in_parts(self, path="", body=None):
        answer = ask(self, path, body)
        if not path.startswith("/members"):
            return answer
        told.append(path)
        lines = answer.splitlines(keepends=True)
        return b"".join(lines[:2]) + (b'{"code":500,"message":"no"}\n' if lines[2:] else b"")

    monkeypatch.setattr(fetch.Release, "ask", ask_in_parts)
    assert run("--digest", release.digest) == (0, "")
    assert len(told) == 4


@pytest.mark.parametrize(
    "quoted", ["nothing@1", "knees", "knees@", "../knees@1", "knees@1/../2", "Knees@1"]
)
def test_what_is_no_release_ends_with_2(run, quoted, folder):
    assert run(quoted=quoted) == (2, "")
    assert not folder.exists()


def test_a_split_has_no_digest(run, folder):
    assert run("--split", "train", "--digest", "sha256:0")[0] == 2
    assert run("--split", "../x")[0] == 2
    assert run("--split", "train") == (0, "")
    assert [path.name for path in folder.iterdir()] == ["members-train.ndjson"]


def test_a_token_is_for_the_service_alone(run, asked, monkeypatch):
    mira = make_user("mira", project_id="lab")
    images = ready_images(2, by=mira, stored=True, visibility=Visibility.PROJECT)
    release = released(make_dataset(by=mira), {"ids": [one.pk for one in images]}, by=mira)
    quoted = f"{release.dataset.name}@{release.number}"
    assert run(quoted=quoted)[0] == 2
    asked.clear()
    monkeypatch.setenv("TAGGEDIMAGES_TOKEN", make_credentials("mira").token)
    assert run("--digest", release.digest, quoted=quoted) == (0, "")
    for request in asked:
        is_signed = "X-Amz-Signature" in request.full_url
        assert request.has_header("Authorization") is not is_signed
        # Not among those that go along where it is redirected.
        assert "Authorization" not in request.headers


def test_only_http_is_read(run, images, monkeypatch, tmp_path):
    rewritten(monkeypatch, lambda one: {**one, "url": Path("/etc/hostname").as_uri()})
    status, told = run()
    assert (status, told.count("No address of HTTP")) == (1, len(images))


def test_names_that_the_service_makes_up_stay_in_the_folder(run, images, monkeypatch, folder):
    rewritten(monkeypatch, lambda one: {**one, "name": "../../outside"})
    run()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["files"]
    assert (folder / f"{images[0].pk}-.._.._outside").exists()


def test_everybody_gets_it_and_may_keep_it(api):
    answer = api.get("/v1/datasets/fetch.py")
    assert answer.content == PROGRAM.read_bytes()
    assert answer["Content-Type"] == "text/x-python; charset=utf-8"
    again = api.get("/v1/datasets/fetch.py", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
