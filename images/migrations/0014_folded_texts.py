"""One folding for every search in any case: indexes of parts of texts stand on `text_folded`.

It is `taggedimages.postgresql.folding.folded`, in SQL. PostgreSQL knows full case folding from 18
on; before, it is told by a table of Python's.
"""

import sys
import unicodedata
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Q

from taggedimages.postgresql.folding import Folded
from taggedimages.postgresql.operations import BuildIndex

# Without STRICT, so that it becomes a part of the statement that calls it. What is ASCII alone,
# which is most, has as many bytes as characters.
FUNCTION = """
CREATE OR REPLACE FUNCTION {name}(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length($1) = length($1) THEN lower($1 COLLATE "C") COLLATE "C"
       ELSE {other} COLLATE "C" END
"""
BY_POSTGRESQL = "normalize(casefold(normalize($1, NFC) COLLATE pg_unicode_fast), NFC)"
KNOWS_FOLDING = 180000


def definition(server_version: int, name: str = "text_folded") -> str:
    """The statement that makes the function on a server of this version."""
    other = BY_POSTGRESQL if server_version >= KNOWS_FOLDING else f"normalize({_by_table()}, NFC)"
    return FUNCTION.format(name=name, other=other)


def _by_table() -> str:
    """Letters that fold to one are translated; those that fold to several, which are rare, are
    replaced where there is one."""
    one, several = [], []
    for letter in map(chr, range(sys.maxunicode + 1)):
        # Others do not occur in form NFC.
        if unicodedata.category(letter) not in ("Cn", "Co", "Cs") and letter != letter.casefold():
            (one if len(letter.casefold()) == 1 else several).append(letter)
    text = "normalize($1, NFC)"
    replaced = text
    for letter in several:
        replaced = f"replace({replaced}, '{letter}', '{letter.casefold()}')"
    source, target = "".join(one), "".join(letter.casefold() for letter in one)
    rare = f"CASE WHEN {text} ~ '[{''.join(several)}]' THEN {replaced} ELSE {text} END"
    return f"translate({rare}, '{source}', '{target}')"


def make(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(definition(schema_editor.connection.pg_version))


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0013_orphan_sweep")]

    operations = [
        migrations.RunPython(make, migrations.RunPython.noop),
        BuildIndex(
            "image",
            GinIndex(OpClass(Folded("filename"), "gin_trgm_ops"), name="image_filename_folded"),
        ),
        BuildIndex(
            "image", GinIndex(OpClass(Folded("name"), "gin_trgm_ops"), name="image_name_folded")
        ),
        BuildIndex(
            "image",
            GinIndex(
                OpClass(Folded("description"), "gin_trgm_ops"),
                name="image_description_folded",
                condition=~Q(description=""),
            ),
        ),
        RemoveIndexConcurrently("image", "image_filename_part"),
        RemoveIndexConcurrently("image", "image_name_part"),
        RemoveIndexConcurrently("image", "image_description_part"),
    ]
