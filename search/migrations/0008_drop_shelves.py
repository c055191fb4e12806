"""Pages of tags no longer begin at shelves: what was kept for them goes.

Takes as long as catalogues are written, whatever the tables hold; it waits for transactions that
write tags. Processes of before ask for the table, and their workers write it: they have to end
first. Taken back, there is an empty table with its triggers, as 0004 leaves them, from which the
code of before goes on.
"""

from importlib import import_module

from django.db import migrations

FORGET = """
DROP TRIGGER IF EXISTS shelf_changed ON tags_tag;
DROP TRIGGER IF EXISTS shelf_removed ON tags_tag;
DROP TRIGGER IF EXISTS shelf_added ON tags_tag;
DROP FUNCTION IF EXISTS search_tag_moved();
DROP FUNCTION IF EXISTS search_tags_shelved();
"""
KEEP = import_module("search.migrations.0004_shelves").KEEP


class Migration(migrations.Migration):
    dependencies = [("search", "0007_counters")]

    operations = [migrations.RunSQL(FORGET, KEEP), migrations.DeleteModel("Shelf")]
