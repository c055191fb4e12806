"""The project of everybody who names none, so that the first user can be made."""

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("identity", "Project").objects.get_or_create(id=settings.DEFAULT_PROJECT)


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
