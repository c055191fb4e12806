"""How common the parts of names are, for whoever plans how to find them.

By the hundred examples that are kept otherwise, three letters are rare, though ten thousand of a
million names may have them.
"""

from django.db import migrations


class Migration(migrations.Migration):
    # Analyzing a large table takes seconds.
    atomic = False
    dependencies = [("tags", "0009_ids_by_name")]

    operations = [
        migrations.RunSQL(
            ["ALTER TABLE tags_tag ALTER folded SET STATISTICS 1000", "ANALYZE tags_tag (folded)"],
            ["ALTER TABLE tags_tag ALTER folded SET STATISTICS -1", "ANALYZE tags_tag (folded)"],
        )
    ]
