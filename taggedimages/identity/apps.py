"""Who calls: projects, users and their credentials."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "taggedimages.identity"
    label = "identity"
