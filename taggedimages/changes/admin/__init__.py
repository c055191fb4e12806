"""Bulk changes in the admin: their plans, their progress, what became of them."""

from taggedimages.changes.admin.lists import ChangeAdmin

__all__ = ["ChangeAdmin"]
