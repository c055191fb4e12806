"""The databases of floors: one for a corpus, dropped at the end unless it is to be kept.

A run that was killed leaves its own behind, which the next run finds: it has no note that it is
whole and to be kept, and nobody is connected to it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

from benchmarks.corpus import Corpus
from benchmarks.floor import Floor

OPTIONS = {"options": "-c max_parallel_workers_per_gather=0 -c jit=off"}
KEPT = "A floor of benchmarks, kept for the next run"
STRAY = r"""
SELECT datname FROM pg_database d
WHERE datname ~ '^floor_\d+_\d+$'
  AND shobj_description(d.oid, 'pg_database') IS DISTINCT FROM %s
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)
"""


@contextmanager
def throw_away(server: dict[str, Any], corpus: Corpus, *, keep: bool = False) -> Iterator[Floor]:
    """The floor of a corpus in a database of its own on this server, dropped at the end.

    `server` are the parameters of a connection that may create databases. With `keep` it stays,
    and a later run finds it by the number of images and the time of the files.
    """
    name = f"floor_{corpus.size}_{int(corpus.links.stat().st_mtime)}"
    with closing(psycopg2.connect(**server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            _drop_strays(cursor)
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            is_new = cursor.fetchone() is None
            if is_new:
                _run(cursor, "CREATE DATABASE {}", name)
            is_whole = not is_new
            try:
                with closing(psycopg2.connect(**server | {"dbname": name} | OPTIONS)) as connected:
                    floor = Floor(connected)
                    floor.build(corpus) if is_new else floor.open()
                    is_whole = True
                    yield floor
            finally:
                if keep and is_whole:
                    _run(cursor, "COMMENT ON DATABASE {} IS %s", name, KEPT)
                else:
                    _run(cursor, "DROP DATABASE {} WITH (FORCE)", name)


def _drop_strays(cursor: Any) -> None:
    cursor.execute(STRAY, [KEPT])
    for (name,) in cursor.fetchall():
        _run(cursor, "DROP DATABASE {}", name)


def _run(cursor: Any, statement: str, name: str, *values: str) -> None:
    cursor.execute(sql.SQL(statement).format(sql.Identifier(name)), values)
