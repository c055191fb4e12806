"""Whether all that this service keeps still fits together: what `manage.py verify` looks at."""
