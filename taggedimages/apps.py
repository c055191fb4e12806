"""The service as a whole: its settings are checked before anything else is."""

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    name = "taggedimages"

    def ready(self) -> None:
        # Registers the checks.
        from taggedimages import checks

        checks.refuse_to_serve()
