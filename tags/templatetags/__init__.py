"""Pieces of pages that have to do with tags."""
