"""Images in the admin: looked at, described and ended, never made or moved there."""
