"""The index's models take the field's words; tables and columns stay as they are."""

import django.contrib.postgres.fields
from django.db import migrations, models

import search.models


class Migration(migrations.Migration):
    dependencies = [("search", "0008_drop_shelves")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *(
                    migrations.DeleteModel(name)
                    for name in ("Bitmap", "ProjectSet", "SetSize", "Unindexed", "Fold")
                ),
                migrations.CreateModel(
                    "Bitmap",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "term",
                                "block",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("term", models.BigIntegerField(db_column="set")),
                        ("block", models.IntegerField()),
                        ("bits", search.models.BitField()),
                    ],
                    options={"db_table": "search_bitmap"},
                ),
                migrations.CreateModel(
                    "ProjectTerm",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("project_id", models.CharField(max_length=64, unique=True)),
                    ],
                    options={"db_table": "search_projectset"},
                ),
                migrations.CreateModel(
                    "TermStats",
                    fields=[
                        (
                            "term",
                            models.BigIntegerField(
                                db_column="set", primary_key=True, serialize=False
                            ),
                        ),
                        ("link_count", models.BigIntegerField(db_column="links", default=0)),
                        ("public_count", models.BigIntegerField(db_column="shown", default=0)),
                        ("has_bitmap", models.BooleanField(db_column="heavy", default=False)),
                    ],
                    options={"db_table": "search_setsize"},
                ),
                migrations.CreateModel(
                    "PendingChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("image_id", models.BigIntegerField()),
                        (
                            "added",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), default=list, size=None
                            ),
                        ),
                        (
                            "removed",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), default=list, size=None
                            ),
                        ),
                    ],
                    options={"db_table": "search_unindexed"},
                ),
                migrations.CreateModel(
                    "MergeLog",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        (
                            "blocks",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(), size=None
                            ),
                        ),
                    ],
                    options={"db_table": "search_fold"},
                ),
            ]
        )
    ]
