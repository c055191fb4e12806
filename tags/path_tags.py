"""Tags that the paths of files tell, by a pattern."""

import re
from collections.abc import Callable

from tags import names

# Raises names.BadName for a folder that is no name of a tag.
TagsOf = Callable[[str], dict[str, str]]

PIECES = {
    "{tag}": "([^/]+?)",
    "{tags}": "((?:[^/]+/)*)",
    "{filename}": "[^/]+",
    "*": "[^/]*",
}


def path_pattern(pattern: str) -> TagsOf:
    """A function that finds tags in paths.

    `{tag}` is a folder or a part of one, `{tags}` any number of folders, `{filename}` the file,
    `*` anything but a slash. A path that does not fit has no tags.

    >>> path_pattern("{tag}/*/{tag}-{filename}")("knee/2026/left-1.png")
    {'knee': '', 'left': ''}
    >>> path_pattern("{tags}/{filename}")("a /b/1.png")
    {'a': '', 'b': ''}
    """
    parts = re.split(r"(\{tags\}/?|\{tag\}|\{filename\}|\*)", pattern)
    fits = re.compile("".join(PIECES.get(part.rstrip("/"), re.escape(part)) for part in parts))

    def tags_of(path: str) -> dict[str, str]:
        found = fits.fullmatch(path)
        folders = [name for group in found.groups() for name in group.split("/")] if found else []
        return {names.entered(name): "" for name in folders if name}

    return tags_of
