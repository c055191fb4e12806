"""The lines of a tag since an instant are read in the index alone (search.executor.past), which takes
that pages of the ledger are known to be seen by all. So vacuum looks at what is new after every
50,000 lines, and not only once there is a fifth more."""

from django.db import migrations

from taggedimages.postgresql.operations import RunBriefly

SOON = """
ALTER TABLE tags_tagchange SET (
    autovacuum_vacuum_insert_threshold = 50000, autovacuum_vacuum_insert_scale_factor = 0
)
"""
AS_ALL = """
ALTER TABLE tags_tagchange RESET (
    autovacuum_vacuum_insert_threshold, autovacuum_vacuum_insert_scale_factor
)
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0027_lines_of_tags")]

    operations = [RunBriefly(SOON, AS_ALL)]
