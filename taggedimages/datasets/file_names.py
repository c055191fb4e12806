"""Under what names the files of a release are saved in one folder, whoever saves them."""

import re

# What separates folders, what a system or a list of checksums gives a meaning to, and controls.
UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')
# With the id before it and a suffix behind it, short enough for every file system.
MAX_BYTES = 150


def saved_as(image: int, name: str) -> str:
    r"""The id, which no two members share, and the end of the file's own name: never another
    folder, and nothing that would have to be escaped in a list of names.

    >>> saved_as(7, "../knee.png"), saved_as(8, "a\nb "), saved_as(9, "...")
    ('7-.._knee.png', '8-a_b', '9-')
    """
    kept = UNFIT.sub("_", name).encode()[-MAX_BYTES:].decode(errors="ignore")
    # Windows drops dots and spaces at the end.
    return f"{image}-{kept}".rstrip(". ")
