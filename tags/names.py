"""How tag names are compared: exactly, or folded so that case does not count."""

MAX_LENGTH = 255


def folded(name: str) -> str:
    """The name as case-insensitive search and alphabetical order see it.

    >>> folded("Straße") == folded("STRASSE")
    True
    """
    return name.casefold()


def like_pattern(pattern: str) -> str:
    r"""A client's pattern as a LIKE pattern for folded names: only `%` is a wildcard.

    >>> like_pattern("Sun_%")
    'sun\\_%'
    """
    return folded(pattern).replace("\\", "\\\\").replace("_", "\\_")


def part_pattern(text: str) -> str:
    r"""A text as a LIKE pattern for folded names that have it anywhere; nothing is a wildcard.

    >>> part_pattern("5%_")
    '%5\\%\\_%'
    """
    literal = like_pattern(text).replace("%", r"\%")
    return f"%{literal}%"


def distinct(names: list[str]) -> list[str]:
    """Each name once, at its first place."""
    return list(dict.fromkeys(names))
