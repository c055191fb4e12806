"""The vocabulary, and what is tagged with it."""

from django.apps import AppConfig


class TagsConfig(AppConfig):
    name = "tags"

    def ready(self) -> None:
        from tags import lookups  # noqa: F401  registers them
