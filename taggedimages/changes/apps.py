"""Change many images at once, see it beforehand, and take it back."""

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "taggedimages.changes"
    label = "changes"

    def ready(self) -> None:
        from taggedimages.changes import redacting

        redacting.register_places()
