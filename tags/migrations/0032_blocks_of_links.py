"""Counters of what everybody is shown are kept for each block of link ids, in the rows that are
written anyway, so that a page far on is found without reading the links before it.

What was counted before has no block; the worker counts that once, as it compacts the deltas
(tags.counters). Functions of before, in transactions that go on, and workers of before write such
rows as well, and are seen to likewise.
"""

from django.db import migrations, models

from taggedimages.postgresql.operations import RunBriefly

# Numbers as in tags.counters: audience n at -10 - n, and 2 to the power of 14 ids in a block.
COUNT_BLOCKS = """
ALTER TABLE search_tally ADD COLUMN IF NOT EXISTS block bigint;
CREATE OR REPLACE FUNCTION search_links_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_tally (of, block, change)
        SELECT -10 - audience, CASE WHEN audience = 0 THEN id >> 14 END, count(*) FROM new_links
        WHERE audience IS NOT NULL GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO search_tally (of, block, change)
        SELECT -10 - audience, CASE WHEN audience = 0 THEN id >> 14 END, -count(*) FROM old_links
        WHERE audience IS NOT NULL GROUP BY 1, 2;
    ELSE
        INSERT INTO search_tally (of, block, change)
        SELECT -10 - audience, CASE WHEN audience = 0 THEN id >> 14 END, sum(change) FROM (
            SELECT id, audience, 1 AS change FROM new_links
            UNION ALL SELECT id, audience, -1 FROM old_links
        ) changes WHERE audience IS NOT NULL GROUP BY 1, 2 HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;
"""

# Migration search/0002's; the column goes with the state's.
COUNT = """
CREATE OR REPLACE FUNCTION search_links_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, count(*) FROM new_links
        WHERE audience IS NOT NULL GROUP BY audience;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, -count(*) FROM old_links
        WHERE audience IS NOT NULL GROUP BY audience;
    ELSE
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, sum(change) FROM (
            SELECT audience, 1 AS change FROM new_links
            UNION ALL SELECT audience, -1 FROM old_links
        ) changes WHERE audience IS NOT NULL GROUP BY audience HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE search_tally DROP COLUMN IF EXISTS block;
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0031_described_tags"), ("search", "0007_counters")]

    operations = [
        RunBriefly(
            COUNT_BLOCKS,
            COUNT,
            state_operations=[
                migrations.AddField(
                    "counterdelta", "block", models.BigIntegerField(null=True, editable=False)
                )
            ],
        )
    ]
