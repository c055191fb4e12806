"""How much each tag is used, which the worker fills in and keeps."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# New lines are followed from the moment of the migration on; a first pass reads what there is.
BEGIN = """
INSERT INTO tags_statisticsprogress
    (id, line, seen, vocabulary_line, vocabulary_seen, step, position)
SELECT 1, line, line, vocabulary_line, vocabulary_line, 0, 0
FROM (SELECT coalesce(max(id), 0) AS line FROM tags_tagchange) links,
     (SELECT coalesce(max(id), 0) AS vocabulary_line FROM tags_vocabularychange) names
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0022_findings"), ("search", "0010_audience_of_projects")]

    operations = [
        migrations.CreateModel(
            name="TagStatistics",
            fields=[
                (
                    "tag",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="statistics",
                        serialize=False,
                        to="tags.tag",
                    ),
                ),
                ("links", models.BigIntegerField(db_default=0, default=0)),
                ("last_used_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "tags_statistics",
                "indexes": [
                    models.Index(fields=["links", "tag"], name="statistics_by_links"),
                    models.Index(
                        condition=Q(last_used_at__isnull=False),
                        fields=["last_used_at", "tag"],
                        name="statistics_by_last_use",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatisticsProgress",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("line", models.BigIntegerField(default=0)),
                ("seen", models.BigIntegerField(default=0)),
                ("vocabulary_line", models.BigIntegerField(default=0)),
                ("vocabulary_seen", models.BigIntegerField(default=0)),
                ("step", models.SmallIntegerField(default=0, null=True)),
                ("position", models.BigIntegerField(default=0)),
                ("checked_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "tags_statisticsprogress"},
        ),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
