"""How far the worker has looked for objects without a record (images.orphans)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("images", "0012_bounds")]

    operations = [
        migrations.CreateModel(
            name="OrphanSweep",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("swept_until", models.DateTimeField()),
            ],
        ),
    ]
