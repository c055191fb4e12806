"""The colour of a tag: chosen once, from the palette of contract SharinPix, tag."""

import secrets

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


def contrast(colour: str) -> str:
    """Black or white, whichever reads better on a `#RRGGBB` colour.

    >>> contrast("#FFEB3B"), contrast("#009688")
    ('#000000', '#ffffff')
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#000000" if (299 * red + 587 * green + 114 * blue) / 1000 >= 127 else "#ffffff"
