"""The sets of images that the tag index keeps as bitmaps, by number.

A positive number is the tag of this id. The others say what is so of an image itself; every image
is in one audience at most, and only images without an end are in any.
"""

UPLOADED, TAGGED, UNENDED = -1, -2, -3
# No set of images: the vocabulary, which is only counted (search.tallies).
TAGS = -4
AUDIENCES = -10


# What everybody is shown; what staff alone are: no audience has a number above this.
SHOWN, STAFFS = AUDIENCES, AUDIENCES + 1


def of_audience(audience: int) -> int:
    """The set of the images that this audience is shown (images.audience)."""
    return AUDIENCES - audience
