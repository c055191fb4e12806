"""Images in the admin: found, looked at, tagged, described and ended."""

from images.admin.records import ImageAdmin

__all__ = ["ImageAdmin"]
