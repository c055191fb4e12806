"""The terms of the index, by number: what an image can have that is kept as bitmaps.

A positive number is the tag of this id. The others say what is so of an image itself; every image
is in one project and one audience at most, and only images without an end are in any.
"""

UPLOADED, TAGGED, UNENDED = -1, -2, -3

# Audiences count down from here (images.visibility): what everybody is shown comes first.
AUDIENCES = SHOWN = -10

# Below all audiences.
PROJECTS = -(10**15)


def of_audience(audience: int) -> int:
    """The term of the images that this audience is shown (images.visibility)."""
    return AUDIENCES - audience


def of_project(number: int) -> int:
    """The term of the images without an end of a project, by the number that the index gave it."""
    return PROJECTS - number
