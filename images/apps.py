"""Image records and their files."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "images"
