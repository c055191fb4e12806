"""Backups of database and bucket in one folder, and what is restored from them (docs/operating)."""
