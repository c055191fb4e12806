"""Projects as sets of the tag index, and the trigger that tells of images that change theirs.

The worker takes the images of each project in when it next runs; until then, what is asked of one
project goes row by row. Workers of before do not keep these sets: they have to end first.
"""

from django.db import migrations, models

WATCH = """
CREATE TRIGGER index_moved AFTER UPDATE OF project_id ON images_image
    FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id)
    EXECUTE FUNCTION search_image_changed();
"""
UNWATCH = """
DROP TRIGGER index_moved ON images_image;
DELETE FROM search_bitmap WHERE set <= -1000000000000000;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0004_shelves"),
        ("images", "0008_parts_of_names"),
        ("identity", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("project_id", models.CharField(max_length=64, unique=True)),
            ],
        ),
        migrations.RunSQL(WATCH, UNWATCH),
    ]
