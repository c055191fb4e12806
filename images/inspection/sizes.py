"""The previews that are made of each picture; what makes them is loaded by workers alone."""

MEDIA_TYPE = "image/webp"

# name: side in pixels, and whether the picture fills a square of it or fits into it.
SIZES = {"mini": (100, True), "large": (200, True), "full": (1920, False)}
