"""The reckoning as a whole: ledger of tags, totals of all lists, indexes, pages of the database."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import requests
from psycopg2.extensions import parse_dsn

from benchmarks.torture.doors import PROJECT, Door, Doors
from benchmarks.torture.service import Service
from benchmarks.torture.tagging import SHARED
from taggedimages.engines import postgres

CURRENT = "SELECT id FROM images_image WHERE ended_at IS NULL AND deleted_at IS NULL"
TAGGED = f"""
SELECT count(*) FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id
WHERE t.name = %s AND l.image_id IN ({CURRENT})
"""  # noqa: S608
LINES = "SELECT id, image_id, tag_id, old_value, new_value FROM tags_tagchange ORDER BY id"
# What a restart must not change.
KEPT = (
    "images_image",
    "images_facts",
    "tags_tag",
    "tags_imagetag",
    "tags_tagchange",
    "tags_vocabularychange",
)
# How `pg_amcheck` calls what a connection string has.
LOGIN = {"host": "host", "port": "port", "username": "user"}
# Columns that the worker goes on writing while nothing is to be done.
OWN_OF_WORKER = ("check_at", "checks", "attempts", "held_at")


def audits(service: Service, doors: Doors) -> list[str]:
    """Every difference that is of no single file."""
    return [
        *replay(service),
        *totals(service, doors),
        *tag_index(service),
        *restart(service),
        *pages(service),
    ]


def replay(service: Service) -> list[str]:
    """The tag ledger, replayed line by line, against the links."""
    links: dict[tuple[int, int], str] = {}
    problems = []
    for line, image, tag, old, new in service.sql(LINES):
        if links.pop((image, tag), None) != old:
            problems.append(f"ledger: line {line} does not fit those before it")
        if new is not None:
            links[image, tag] = new
    present = service.sql("SELECT image_id, tag_id, value FROM tags_imagetag")
    if {(image, tag): value for image, tag, value in present} != links:
        problems.append("ledger: replayed, it is not what the links are")
    return problems


def totals(service: Service, doors: Doors) -> list[str]:
    """What each API counts, of all images and by each shared tag, against SQL."""
    instances = f"/v2/{PROJECT}/images/resource_instances/action"

    def asked(door: Door, method: str, path: str, body: Any = None) -> Any:
        return requests.request(
            method, service.url + path, headers=door.headers, json=body, timeout=20
        ).json()

    def ims(name: str) -> int:
        body = {"action": "count", "tags": [{"key": name, "values": []}]}
        return int(asked(doors.ims, "POST", instances, body)["total_count"])

    counts: dict[str, Callable[[str], int]] = {
        "/v1": lambda name: asked(doors.tim, "GET", f"/v1/search/images?exact_tags={name}")["meta"][
            "total_results"
        ],
        "Atmosphere": lambda name: asked(
            doors.atmosphere, "GET", f"/api/v2/images?tag_name={name}&page_size=1"
        )["count"],
        "SharinPix": lambda name: len(
            asked(doors.sharinpix, "GET", f"/api/v1/tag_images?tag_name={name}")
        ),
        "IMS": ims,
    }
    wrong = []
    for name in SHARED:
        right = service.sql(TAGGED, name)[0][0]
        for api, count in counts.items():
            # SharinPix lists a thousand links at most.
            most = min(right, 1_000) if api == "SharinPix" else right
            if (told := count(name)) != most:
                wrong.append(f"totals: {api} counts {told} of {name}, SQL {most}")
    right = len(service.sql(CURRENT))
    told = asked(doors.tim, "GET", "/v1/images?limit=1")["meta"]["total_results"]
    return wrong + [f"totals: /v1 counts {told} images, SQL {right}"] * (told != right)


def tag_index(service: Service) -> list[str]:
    """What `tagindex` says against the index that searches count by."""
    ran = service.manage("tagindex")
    return [] if ran.returncode == 0 else [f"tagindex: {(ran.stdout + ran.stderr).strip()}"]


def restart(service: Service) -> list[str]:
    """What a stop and a start change."""
    before = digests(service)
    service.stop()
    service.start_again()
    return changed(before, digests(service))


def digests(service: Service) -> dict[str, str]:
    """What each table holds that a restart must not change."""
    return {table: _digest(service, table) for table in KEPT}


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables that hold other rows."""
    return [f"restart: {table} is another" for table in before if before[table] != after[table]]


def pages(service: Service) -> list[str]:
    """What `pg_amcheck` says against tables and B-trees, with what each index must hold."""
    login = parse_dsn(service.superuser_url)
    ran = subprocess.run(
        [
            str(postgres.binaries() / "pg_amcheck"),
            *("--install-missing", "--heapallindexed", "--rootdescend"),
            *(f"--{option}={login[name]}" for option, name in LOGIN.items()),
            login["dbname"],
        ],
        env=os.environ | {"PGPASSWORD": login["password"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return []
    return [f"pg_amcheck: {line}" for line in (ran.stdout + ran.stderr).splitlines()[:20]]


def _digest(service: Service, table: str) -> str:
    columns = service.sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attname <> ALL(%s) ORDER BY attnum",
        table,
        list(OWN_OF_WORKER),
    )
    row = ", ".join(name for (name,) in columns)
    statement = f"SELECT md5(string_agg(t::text, '' ORDER BY t)) FROM (SELECT {row} FROM {table}) t"  # noqa: S608
    return str(service.sql(statement)[0][0])
