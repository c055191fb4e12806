"""Whether an installation is well, what is wrong with it, and what to do."""

from django.apps import AppConfig


class DoctorConfig(AppConfig):
    name = "taggedimages.doctor"
    label = "doctor"
