"""Names of tags are brought to form NFC, and folded so that what looks the same folds the same.

A name that another tag has in that form stays as it is: `manage.py tagnames` tells of it. Each tag
is a transaction of its own, so that nobody waits long.
"""

from typing import Any

from django.db import IntegrityError, migrations, transaction

from taggedimages.postgresql.folding import folded, normal

CHUNK = 2_000


def bring_to_nfc(apps: Any, schema_editor: Any) -> None:
    tags = apps.get_model("tags", "Tag").objects
    last = 0
    while found := list(
        tags.filter(name__regex=r"[^ -~]", pk__gt=last)
        .order_by("pk")
        .values_list("pk", "name", "folded")[:CHUNK]
    ):
        for pk, name, fold in found:
            if name != normal(name):
                _update(tags.filter(pk=pk, name=name), name=normal(name))
            if fold != folded(name):
                _update(tags.filter(pk=pk), folded=folded(name))
        last = found[-1][0]


def _update(tag: Any, **changes: str) -> None:
    try:
        with transaction.atomic():
            tag.update(**changes)
    except IntegrityError:
        # Another tag has that name.
        pass


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0016_versions_of_no_other_history")]

    operations = [migrations.RunPython(bring_to_nfc, migrations.RunPython.noop, elidable=True)]
