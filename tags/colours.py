"""The colour of a tag: chosen once, from the palette of contract SharinPix, tag."""

import re
import secrets

from django.core.validators import RegexValidator

# Python's and PostgreSQL's.
PATTERN = "^#[0-9A-Fa-f]{6}$"
COLOUR = re.compile("#[0-9A-Fa-f]{6}")
# For what else may be found in a database of before.
UNKNOWN = "#7D7D7D"
validate = RegexValidator(r"\A#[0-9A-Fa-f]{6}\Z", "Give # and six hexadecimal digits.")

PALETTE = [
    "#2196F3",
    "#9C27B0",
    "#00BCD4",
    "#FF5722",
    "#03A9F4",
    "#FFC107",
    "#FF9800",
    "#3F51B5",
    "#795548",
    "#009688",
    "#673AB7",
    "#CDDC39",
    "#8BC34A",
    "#FFEB3B",
]


def pick() -> str:
    """Any colour of the palette."""
    return secrets.choice(PALETTE)


def shown(colour: str) -> str:
    """The colour as lists show it, which can be read whatever is stored.

    >>> shown("#FFEB3B"), shown("red")
    ('#FFEB3B', '#7D7D7D')
    """
    return colour if COLOUR.fullmatch(colour) else UNKNOWN


def contrast(colour: str) -> str:
    """Black or white, whichever reads better on a colour as it is shown.

    >>> contrast("#FFEB3B"), contrast("#009688"), contrast("red")
    ('#000000', '#ffffff', '#ffffff')
    """
    colour = shown(colour)
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#000000" if (299 * red + 587 * green + 114 * blue) / 1000 >= 127 else "#ffffff"
