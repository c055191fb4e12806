#!/usr/bin/env python3
"""Runs the commands of taggedimages; `manage.py up` starts the whole service."""

import os
import sys


def main() -> None:
    """Hand the command line to Django; a database that is away, or a wrong setting, is told."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database does not answer. Is `manage.py up` running?\n{error}".strip())


if __name__ == "__main__":
    main()
