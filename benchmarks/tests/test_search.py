"""A corpus is made, loaded and searched; what is found is right. No time is asserted."""

import csv
import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from benchmarks import callers, doors, loading
from benchmarks.__main__ import main
from benchmarks.client import Answer
from benchmarks.contents import digest_of
from benchmarks.corpus import Corpus, Question
from benchmarks.floor_database import throw_away
from benchmarks.generating import generate
from benchmarks.v1_requests import Wrong
from images import purging
from images.models import Image
from taggedimages.factories import make_image
from taggedimages.identity.models import User
from tags.models import ImageTag, Tag, TagChange

IMAGES = 500


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Its ids do not follow time."""
    return generate(IMAGES, tmp_path_factory.mktemp("corpus"), shuffled=True)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def load(corpus: Corpus) -> None:
    loading.load(corpus, say=lambda line: None)


def structure() -> list[tuple[str, ...]]:
    """Every index, constraint and trigger of the tables, as PostgreSQL tells them."""
    with connection.cursor() as cursor:
        cursor.execute(loading.INDEXES, [loading.LOADED])
        found = cursor.fetchall()
        cursor.execute(loading.CONSTRAINTS, [loading.LOADED])
        found += cursor.fetchall()
        cursor.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal")
        return sorted(found + cursor.fetchall())


def test_the_same_seed_gives_the_same_files(corpus, tmp_path):
    again = generate(IMAGES, tmp_path, shuffled=True)
    for file in ("images.csv", "tags.csv", "image_tags.csv", "queries.json", "questions.json"):
        assert (corpus.folder / file).read_bytes() == (again.folder / file).read_bytes()


@pytest.mark.django_db(transaction=True)
def test_every_row_is_loaded_as_it_is(corpus):
    load(corpus)
    loaded = Image.objects.order_by("id").values_list(
        "id", "filename", "size", "created_at", "uploaded_at"
    )
    assert [
        [str(image), name, str(size), f"{made:%s}", f"{taken:%s}" if taken else ""]
        for image, name, size, made, taken in loaded
    ] == rows(corpus.images)
    tags = Tag.objects.order_by("id").values_list("id", "name")
    assert [[str(tag), name] for tag, name in tags] == rows(corpus.tags)
    links = ImageTag.objects.order_by("image", "tag").values_list("image", "tag")
    assert [[str(image), str(tag)] for image, tag in links] == rows(corpus.links)
    assert TagChange.objects.count() == len(links)


@pytest.mark.django_db(transaction=True)
def test_beside_what_is_there_already_the_corpus_gets_other_ids(corpus):
    (_, known), *_ = rows(corpus.tags)
    image = make_image(known, "of others")
    load(corpus)
    assert Image.objects.count() == IMAGES + 1
    assert ImageTag.objects.count() == len(rows(corpus.links)) + 2
    assert Tag.objects.filter(name=known).count() == 1
    assert make_image().pk == image.pk + IMAGES + 1


@pytest.mark.django_db(transaction=True)
def test_indexes_constraints_and_triggers_are_there_again(corpus):
    before = structure()
    load(corpus)
    assert structure() == before


@pytest.mark.django_db(transaction=True)
def test_a_load_that_fails_leaves_nothing(corpus, tmp_path):
    before = structure()
    for file in corpus.folder.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    with (tmp_path / "image_tags.csv").open("a") as links:
        links.write("1,1\n1,1\n")
    with pytest.raises(Exception, match="imagetag_once"):
        load(Corpus(tmp_path))
    assert structure() == before
    assert not Image.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_service_leaves_loaded_records_alone(corpus):
    load(corpus)
    before = list(Image.objects.order_by("id").values())
    assert not any(purging.purge().values())
    assert not Image.objects.filter(check_at__isnull=False).exists()
    assert list(Image.objects.order_by("id").values()) == before


def found_by(words: list[str], base: str, capsys: Any) -> dict[str, Any]:
    """What `search` finds, which is right."""
    assert main(["search", *words, f"--base={base}", "--seconds=0.02", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {name: kind["wrong"] for name, kind in found["kinds"].items() if kind["wrong"]} == {}
    return found


def test_every_kind_is_answered_rightly_by_service_and_floor(tmp_path, live_server, capsys):
    corpus = generate(IMAGES, tmp_path)
    load(corpus)
    found = found_by([str(corpus.folder)], live_server.url, capsys)
    further = {kind for kind in corpus.further_kinds if "two projects" not in kind}
    by_id = {"common_tag by id", "rare_tag by id"}
    assert set(found["kinds"]) == {*corpus.kinds, *by_id, *further}
    assert found["throughput"]["errors"] == 0
    assert not User.objects.filter(username=callers.NAME).exists()


def test_images_whose_ids_do_not_follow_time_and_of_two_projects_are_answered_rightly(
    corpus, live_server, capsys
):
    loading.load(corpus, say=lambda line: None, projects=2)
    of_two = [kind for kind in corpus.further_kinds if "two projects" in kind]
    asked = [*corpus.kinds, *of_two, "largest of a tag", "format and tag", "untagged in a window"]
    found = found_by([str(corpus.folder), f"--kinds={','.join(asked)}"], live_server.url, capsys)
    assert set(found["kinds"]) == {*asked}


def test_wrong_answers_are_told(corpus, live_server, capsys):
    load(corpus)
    Image.objects.filter(pk=1).delete()
    asked = ["search", str(corpus.folder), f"--base={live_server.url}", "--kinds=first_page"]
    assert main([*asked, "--seconds=0.1"]) == 1
    assert f"WRONG first_page: /v1/images?limit=100&page=0: {IMAGES - 1} found" in (
        capsys.readouterr().out
    )


ASKED = Question(3, limit=2, digest=digest_of(["b.png", "a.png"]))


def page(names: list[str], total: int = 3, **more: Any) -> Answer:
    """Records with these names, the newest first."""
    records = [
        {"id": at, "filename": name, "created_timestamp": at, "tags": [], "url": "-"}
        | {"uploaded_timestamp": None}
        for at, name in zip(range(len(names), 0, -1), names, strict=True)
    ]
    body = {"results": records, "meta": {"total_results": total}} | more
    return Answer(200, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(503, b"busy"), "503"),
        (page(["b.png", "a.png"], total=4), "4 found, there are 3"),
        (page(["b.png"]), "1 records on a page of 2"),
        (page(["a.png", "b.png"]), "another page than the corpus has"),
        (page(["b.png", "a.png"], facets={"tags": [{"name": "x", "count": 1}]}), "other facets"),
    ],
)
def test_any_other_answer_is_wrong(answer, why):
    doors.check(ASKED, page(["b.png", "a.png"]))
    with pytest.raises(Wrong, match=why):
        doors.check(ASKED, answer)


def floors() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'floor%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def server() -> dict[str, Any]:
    return connection.get_connection_params()


@pytest.mark.django_db
def test_a_floor_is_dropped_however_the_run_ends(corpus, server):
    with pytest.raises(KeyboardInterrupt), throw_away(server, corpus, keep=False):
        raise KeyboardInterrupt
    assert floors() == set()


@pytest.mark.django_db
def test_a_floor_that_is_kept_is_found_again_and_not_built_anew(corpus, server):
    with throw_away(server, corpus, keep=True) as floor:
        floor.cursor.execute("CREATE TABLE mark ()")
    with throw_away(server, corpus) as floor:
        floor.cursor.execute("SELECT FROM mark")
    assert floors() == set()


@pytest.mark.django_db
def test_what_a_killed_run_has_left_is_dropped_by_the_next(corpus, server):
    begun = f"floor_{corpus.size}_{int(corpus.links.stat().st_mtime)}"
    connected = psycopg2.connect(**server)
    connected.autocommit = True
    for name in (begun, "floor_7_7", "floor_plan"):
        connected.cursor().execute(f"CREATE DATABASE {name}")
    with throw_away(server, corpus) as floor:
        asked = corpus.kinds["first_page"][0]
        assert floor.count(asked, floor.resolve(asked)) == IMAGES
    # Other tests may be making theirs.
    assert not {begun, "floor_7_7"} & floors()
    assert "floor_plan" in floors()
    connected.cursor().execute("DROP DATABASE floor_plan")
    connected.close()
