"""Backups: what makes them, looks at them and restores them."""

from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = "taggedimages.backup"
    label = "backup"
