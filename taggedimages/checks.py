"""What `manage.py check` says of the settings; `up`, `work` and `prepare` ask before they begin."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

# What commands name that want these checks alone (requires_system_checks).
SETTINGS = "taggedimages"


@register(SETTINGS)
def settings_can_be(**options: Any) -> list[CheckMessage]:
    """Each setting is what its other side takes (taggedimages.environment), and fits the others."""
    return [Error(fault, id="taggedimages.E001") for fault in faults()]


def faults() -> list[str]:
    """All that is wrong with the settings, in sentences."""
    found = list(settings.FAULTS)
    if settings.PRESIGNED_STABLE_SECONDS >= settings.PRESIGNED_SECONDS:
        found.append(
            "TAGGEDIMAGES_PRESIGNED_STABLE_SECONDS is less than TAGGEDIMAGES_PRESIGNED_SECONDS: a "
            "URL that stays the same for so long would have expired."
        )
    return found


def refuse_to_serve() -> None:
    """Raise ImproperlyConfigured where requests would be served with a setting that cannot be."""
    if settings.SERVES_REQUESTS and (wrong := faults()):
        raise ImproperlyConfigured(" ".join(wrong))
