"""The service as a whole: its settings are checked before anything else is."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ServiceConfig(AppConfig):
    name = "taggedimages"

    def ready(self) -> None:
        from django.contrib.contenttypes.models import ContentType

        # Registers the checks.
        from taggedimages import checks

        checks.refuse_to_serve()
        # Django remembers their numbers for good, and another database has others.
        connection_created.connect(lambda **_: ContentType.objects.clear_cache(), weak=False)
