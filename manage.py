#!/usr/bin/env python3
"""Runs the commands of taggedimages; `manage.py up` starts the whole service."""

import json
import os
import sys

from taggedimages import platforms


def main() -> None:
    """Hand the command line to Django; a database that is away, or a wrong setting, is told."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
    why = platforms.too_old() or ("up" in sys.argv[1:2] and platforms.unsupported())
    if why:
        # Before anything is imported that such a Python cannot read, or that is not installed.
        sys.exit(why)
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: run it by .venv/bin/python, after pip install -r requirements.txt.")

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if sys.argv[1:2] == ["doctor"] and "--json" in sys.argv:
            do = "docs/operating/settings.md says what it has to be."
            line = {"check": "settings", "status": "fail", "says": str(error), "do": do}
            sys.stdout.write(f"{json.dumps(line)}\n")
        sys.exit(str(error))
    except OperationalError as error:
        # Of Django's own commands; ours say it themselves (taggedimages.management.base).
        sys.exit(f"The database does not answer. Is `manage.py up` running?\n{error}".strip())
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
