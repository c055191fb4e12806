"""Trigrams, by which an index finds parts of texts.

The extension is a trusted one: it takes no superuser, only the right to create in the database, and
nothing at all where somebody has made it already. It stays when this is undone: others may use it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("images", "0002_audience")]

    operations = [
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm", migrations.RunSQL.noop)
    ]
