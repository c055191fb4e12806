"""The vocabulary and its ledger in the admin."""

from tags.admin.ledger import TagChangeAdmin
from tags.admin.vocabulary import TagAdmin

__all__ = ["TagAdmin", "TagChangeAdmin"]
