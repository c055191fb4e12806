"""The clean-up list: what was found in the vocabulary, what is no problem, and the sweep."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

FOLLOWING = [
    ("tags_finding", "tag_id"),
    ("tags_finding", "other_id"),
    ("tags_setaside", "low_id"),
    ("tags_setaside", "high_id"),
]
# In the state these keys have no constraint: the database deletes rows with their tag.
GO_WITH_TAGS = "".join(
    f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column} FOREIGN KEY ({column})"
    " REFERENCES tags_tag (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;"
    for table, column in FOLLOWING
)
STAY = "".join(
    f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column};" for table, column in FOLLOWING
)


def _id() -> models.Field:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _tag(**more: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="tags.tag",
        **more,
    )


class Migration(migrations.Migration):
    dependencies = [("tags", "0021_ledger_of_rules")]

    operations = [
        migrations.CreateModel(
            "CleanupSweep",
            [
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
                ("asked_at", models.DateTimeField(null=True)),
                ("began_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("parts", models.SmallIntegerField(default=1)),
                ("step", models.SmallIntegerField(default=0)),
                ("position", models.BigIntegerField(default=0)),
                ("counted", models.JSONField(default=dict)),
                ("found", models.JSONField(default=dict)),
                ("lease_owner", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=Q(id=1), name="cleanupsweep_is_one")
                ],
            },
        ),
        migrations.CreateModel(
            "Finding",
            [
                ("id", _id()),
                ("kind", models.CharField(max_length=16)),
                ("tag", _tag()),
                ("other", _tag(null=True)),
                ("tag_name", models.CharField(db_collation="C", max_length=255)),
                ("other_name", models.CharField(db_collation="C", default="", max_length=255)),
                ("images", models.BigIntegerField(default=0)),
                ("other_images", models.BigIntegerField(default=0)),
                ("shared", models.BigIntegerField(default=0)),
                (
                    "examples",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("projects", models.JSONField(default=dict)),
                ("sweep", models.BigIntegerField()),
                ("found_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            options={
                "verbose_name": "clean-up row",
                "verbose_name_plural": "clean-up list",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        F("kind"),
                        F("images").desc(),
                        F("id").desc(),
                        name="finding_largest_first",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        F("kind"), F("tag"), Coalesce("other", 0), name="finding_once"
                    ),
                    models.CheckConstraint(condition=~Q(tag=F("other")), name="finding_of_two"),
                ],
            },
        ),
        migrations.CreateModel(
            "SetAside",
            [
                ("id", _id()),
                ("family", models.CharField(max_length=16)),
                ("low", _tag()),
                ("high", _tag(null=True)),
                ("user_name", models.CharField(max_length=150)),
                ("at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        F("family"), F("low"), Coalesce("high", 0), name="setaside_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(GO_WITH_TAGS, STAY),
    ]
