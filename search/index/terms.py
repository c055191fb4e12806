"""The sets of images that the tag index keeps as bitmaps, by number.

A positive number is the tag of this id. The others say what is so of an image itself; every image
is in one project and one audience at most, and only images without an end are in any.
"""

UPLOADED, TAGGED, UNENDED = -1, -2, -3
# No set of images: the vocabulary, which is only counted (tags.counters).
TAGS = -4
AUDIENCES = -10


# What everybody is shown; what staff alone are: no audience has a number above this.
SHOWN, STAFFS = AUDIENCES, AUDIENCES + 1

# Below all audiences.
PROJECTS = -(10**15)


def of_audience(audience: int) -> int:
    """The set of the images that this audience is shown (images.audience)."""
    return AUDIENCES - audience


def of_project(number: int) -> int:
    """The set of the images without an end of the project with this number (search.projects)."""
    return PROJECTS - number
