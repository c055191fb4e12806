"""The clean-up list in words: what each kind is, and why a row is in it."""

from typing import NamedTuple

from tags.cleanup.models import TWINS, Finding, Kind
from tags.cleanup.twins import likeness


class Explained(NamedTuple):
    """What a kind is, and what is done about it."""

    what: str
    done: str


EXPLAINED = {
    Kind.CASE: Explained("Names that differ by capital letters alone.", "Merge them."),
    Kind.SPACING: Explained(
        "Names that differ by spaces, hyphens, underscores or other signs alone.", "Merge them."
    ),
    Kind.ACCENTS: Explained("Names that differ by accents.", "Merge them."),
    Kind.PLURAL: Explained("Names of which one is the plural of the other.", "Merge them."),
    Kind.SPELLING: Explained(
        "Names that differ by one slip of the hand, of which one is much rarer, or which nobody"
        " would write on purpose.",
        "Merge them.",
    ),
    Kind.CONTRADICTION: Explained(
        "Tags on one image that exclude each other, and deprecated tags that images still have.",
        "Look at the images, and take one of the tags away.",
    ),
    Kind.LEFT_OVER: Explained(
        "Images that still have an alias itself, such as through an API that writes exact names."
        " They are found by the tag that it stands for all the same.",
        "Merging moves them to that tag; a client that goes on writing the alias puts it back.",
    ),
    Kind.NEVER: Explained("Tags that no image has and no rule names.", "Delete them."),
    Kind.ONCE: Explained("Tags that one image has.", "Look at it; merge the tag, or delete it."),
}


def why(row: Finding, *, counted: bool) -> str:
    """Why a row was found, in a sentence; `counted`: with how many images both have."""
    kind = Kind(row.kind)
    if kind in TWINS:
        like = likeness(row.tag_name, row.other_name)
        return like.why if like else EXPLAINED[kind].what
    if kind == Kind.CONTRADICTION:
        if row.other_id is None:
            return "It is deprecated, and images still have it."
        both = count(row.shared) if counted else "images"
        return f"Each excludes the other, and {both} {'has' if both == '1 image' else 'have'} both."
    if kind == Kind.LEFT_OVER:
        return f"{row.tag_name} is an alias of {row.other_name}, and images still have it itself."
    return "No image has it." if kind == Kind.NEVER else "One image has it."


def count(number: int, one: str = "image", many: str = "images") -> str:
    """A number of things, such as `1,234 images`."""
    return f"{number:,} {one if number == 1 else many}"
