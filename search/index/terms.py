"""The terms of the index, by number: what an image can have that is kept as bitmaps.

A positive number is the tag of this id. The others say what is so of an image itself; every image
is in one project and one audience at most, and only images without an end are in any.
"""

UPLOADED, TAGGED, UNENDED = -1, -2, -3

# Audiences count down from here (images.visibility): what everybody is shown comes first.
AUDIENCES = SHOWN = -10

# Below all audiences.
PROJECTS = -(10**15)
# Below all projects: what the fields of images say (search.index.fields).
VALUES, SLICES, CHARACTERS = -2 * 10**15, -3 * 10**15, -4 * 10**15
# Slices of a field that a number may have.
SLICES_MAX = 64


def of_audience(audience: int) -> int:
    """The term of the images that this audience is shown (images.visibility)."""
    return AUDIENCES - audience


def of_project(number: int) -> int:
    """The term of the images without an end of a project, by the number that the index gave it."""
    return PROJECTS - number


def of_value(number: int) -> int:
    """The term of the images whose field has a value, by the number that the index gave it."""
    return VALUES - number


def of_slice(field: int, bit: int) -> int:
    """The term of the images whose number in a field has this bit, counted from the lowest."""
    return SLICES - (field * SLICES_MAX + bit)


def of_character(character: str) -> int:
    """The term of the images whose folded filename has a character."""
    return CHARACTERS - ord(character)
