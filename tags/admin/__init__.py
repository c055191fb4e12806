"""The vocabulary and its ledger in the admin."""

from tags.admin.cleanup import FindingAdmin
from tags.admin.ledger import TagChangeAdmin
from tags.admin.vocabulary import TagAdmin

__all__ = ["FindingAdmin", "TagAdmin", "TagChangeAdmin"]
