"""Damage done by hand, which each check must find: else its silence would say nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.torture import audits
from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import FEW_IMAGES, Client
from benchmarks.torture.expectations import expectations
from benchmarks.torture.ledger import read, unexpected
from benchmarks.torture.service import Service
from benchmarks.torture.tagging import SHARED

# A row once more, as another.
COPY = """
INSERT INTO images_image SELECT (jsonb_populate_record(i, jsonb_build_object(
    'id', (SELECT max(id) + 1 FROM images_image), 'uuid', gen_random_uuid(), 'key', 'copy'))).*
FROM images_image i WHERE id = %s
"""
COPY_TAG = """
INSERT INTO tags_tag SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', %s, 'uuid', gen_random_uuid(), 'name', 'copy'))).*
FROM tags_tag t WHERE name = %s
"""
LINK = """
INSERT INTO tags_imagetag (image_id, tag_id, uuid, value, image_created_at, audience)
SELECT %s, id, gen_random_uuid(), 'damage', now(), 0 FROM tags_tag WHERE name = %s
ON CONFLICT (image_id, tag_id) DO UPDATE SET value = 'damage'
"""
HAS_TAG = """
SELECT EXISTS (SELECT FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id
               WHERE l.image_id = %s AND t.name = ANY(%s))
"""
PAGE_BYTES = 8192


@dataclass(frozen=True)
class Damage:
    """What was done, and the words of a report that tell of it."""

    what: str
    told: tuple[str, ...]

    def is_in(self, lines: list[str]) -> bool:
        """Whether a line of a report has all of the words."""
        return any(all(word in line for word in self.told) for line in lines)


def prove(service: Service, checker: Checker, prover: Client) -> list[str]:
    """Damage everything that is checked and check again; what of it was missed."""
    doors, ledger = prover.doors, prover.asker.ledger
    # Enough to be damaged, however short the run was.
    for _ in range(2 * FEW_IMAGES):
        prover.upload()
    prover.end()
    prover.tagger.delete_tag()
    checker.expected = expectations(read(ledger.path))
    checker.settle()
    done = [*damage_files(service, checker), *damage_rows(service, checker)]
    prover.ask(doors.tim("look", "GET", "/v1/images/0", 200))
    done.append(Damage("an answer that may not be", ("look", "404")))
    lines = [*checker.losses(), *audits.replay(service), *audits.totals(service, doors)]
    lines += [*audits.tag_index(service), *unexpected(read(ledger.path))]
    before = audits.digests(service)
    service.sql("UPDATE images_facts SET width = width + 1")
    done.append(Damage("rows that change across a restart", ("restart: images_facts",)))
    page = service.sql("SELECT pg_relation_filepath('image_by_size')")[0][0]
    service.stop()
    done.append(damage_page(service.database_folder / page))
    service.start_again()
    lines += [*audits.changed(before, audits.digests(service)), *audits.pages(service)]
    for damage in done:
        print(f"{'found' if damage.is_in(lines) else 'MISSED':22} {damage.what}")
    return [damage.what for damage in done if not damage.is_in(lines)]


def damage_files(service: Service, checker: Checker) -> list[Damage]:
    """What is wrong with the objects of single files."""
    store, bucket = service.store(), service.bucket
    lost, other, without_preview = checker.expected.current[:3]
    key = "SELECT key FROM images_image WHERE id = %s"
    store.delete_object(Bucket=bucket, Key=service.sql(key, lost.id)[0][0])
    store.put_object(Bucket=bucket, Key=service.sql(key, other.id)[0][0], Body=b"other")
    store.delete_object(Bucket=bucket, Key=f"previews/{without_preview.uuid}/mini.webp")
    store.put_object(Bucket=bucket, Key="2020/01/01/00-00-nobody/orphan.png", Body=b"orphan")
    return [
        Damage("an object is lost", (lost.filename, "bytes are lost")),
        Damage("an object is lost, as reconcile sees it", ("reconcile", '"lost"')),
        Damage("an object has other bytes", (other.filename, "other bytes")),
        Damage("a preview is lost", (without_preview.filename, "a preview is lost")),
        Damage("an object is nobody's", ("reconcile", '"orphan"')),
    ]


def damage_rows(service: Service, checker: Checker) -> list[Damage]:
    """What is wrong with single rows."""
    expected = checker.expected
    lost, resized, doubled, misread, waiting = expected.current[3:8]
    others = expected.current[8:]
    # Totals by links still count it, where it has any that are counted: SQL does not.
    gone = next(f for f in others if service.sql(HAS_TAG, f.id, SHARED[1:])[0][0])
    # So that it has one more, which totals by the tag index do not know of.
    tagged = next(
        f for f in others if f != gone and not service.sql(HAS_TAG, f.id, SHARED[:1])[0][0]
    )
    back = next(f for f in expected.files.values() if f.gone == "sure" and f.id and not f.deleted)
    tag = min(expected.gone_tags)
    service.sql("DELETE FROM images_facts WHERE image_id = %s", lost.id)
    service.sql("DELETE FROM images_image WHERE id = %s", lost.id)
    service.sql("UPDATE images_image SET size = size + 1 WHERE id = %s", resized.id)
    service.sql_unheard(COPY, doubled.id)
    service.sql_unheard("UPDATE images_image SET ended_at = now() WHERE id = %s", gone.id)
    service.sql("UPDATE images_facts SET sha256 = '\\x0102' WHERE image_id = %s", misread.id)
    service.sql(
        "UPDATE images_image SET processed_at = NULL, check_at = NULL WHERE id = %s", waiting.id
    )
    service.sql_unheard(LINK, tagged.id, SHARED[0])
    service.sql("UPDATE images_image SET ended_at = NULL, trashed_at = NULL WHERE id = %s", back.id)
    service.sql(COPY_TAG, tag, SHARED[0])
    return [
        Damage("a record is lost", (lost.filename, "its record is lost")),
        Damage("a record has another size", (resized.filename, "other fields")),
        Damage("a record is there twice", (doubled.filename, "2 records")),
        Damage("an image went by itself", (gone.filename, "nobody did that")),
        Damage("facts are wrong", (misread.filename, "0102")),
        Damage("a file is never inspected", ("not final", waiting.filename)),
        Damage("a link that nobody made", (tagged.filename, "'damage'")),
        Damage("a link that is in no ledger", ("ledger: replayed",)),
        Damage("what was made to go is there", (back.filename, "is shown")),
        Damage("a deleted tag is there", (f"tag {tag} was deleted",)),
        Damage("a total is wrong", ("totals:",)),
        Damage("the tag index is wrong", ("tagindex:",)),
    ]


def damage_page(index: Path) -> Damage:
    """Write into the middle of a B-tree, while PostgreSQL is away."""
    with index.open("r+b") as file:
        file.seek(PAGE_BYTES + PAGE_BYTES // 2)
        file.write(b"damage" * 100)
        file.flush()
        os.fsync(file.fileno())
    return Damage("a page of a B-tree is damaged", ("pg_amcheck:", "image_by_size"))
