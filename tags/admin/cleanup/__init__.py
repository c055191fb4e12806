"""The clean-up list in the admin: what was found in the vocabulary, and what is done about it."""

from tags.admin.cleanup.lists import FindingAdmin

__all__ = ["FindingAdmin"]
