"""Counts what there was before tallies were kept.

In one statement and so in one state of the database, in which each tag and link either has an
entry already, which is replaced, or will get one after this.
"""

from django.db import migrations

COUNT = """
WITH replaced AS (DELETE FROM search_tally)
INSERT INTO search_tally (of, change)
SELECT -4, count(*) FROM tags_tag
UNION ALL
SELECT -10 - audience, count(*) FROM tags_imagetag WHERE audience IS NOT NULL GROUP BY audience
"""


class Migration(migrations.Migration):
    # Apart from 0002, whose triggers must have been seen by every writer before.
    dependencies = [("search", "0002_tallies")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
