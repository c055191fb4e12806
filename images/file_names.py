"""What a file's name may be, and which files a system or a program keeps beside pictures."""

import re
from posixpath import basename

CONTROLS = re.compile("[\0-\x1f\x7f-\x9f]")
CONTROL_FAULT = "Control characters are not allowed."
# Of macOS, Windows, Synology and QNAP; hidden ones are told by their dot.
SYSTEM_FOLDERS = frozenset(
    {
        *("__macosx", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
        *("$recycle.bin", "system volume information", "lost+found"),
    }
)
SYSTEM_FILES = frozenset(
    {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"}
)
# What a program notes of the picture of the same name.
SIDE_CARS = (".xmp", ".thm", ".aae", ".pp3", ".dop")


def fault(name: str) -> str:
    r"""Why a file cannot have this name; empty where it can.

    >>> fault("knee.png"), fault("kn\tee.png")
    ('', 'Control characters are not allowed.')
    """
    return CONTROL_FAULT if CONTROLS.search(name) else ""


def is_of_a_system(path: str) -> bool:
    """Whether a file or a folder that it is in is hidden, or kept by a system for itself.

    >>> is_of_a_system("a/.DS_Store"), is_of_a_system("@eaDir/a.png"), is_of_a_system("a/b.png")
    (True, True, False)
    """
    *folders, name = path.casefold().split("/")
    is_hidden = any(part.startswith(".") for part in (*folders, name) if part not in (".", ".."))
    return is_hidden or name in SYSTEM_FILES or not SYSTEM_FOLDERS.isdisjoint((*folders, name))


def is_side_car(path: str) -> bool:
    """Whether a file holds what a program notes of a picture beside it.

    >>> is_side_car("a/IMG_1.JPG.xmp")
    True
    """
    return basename(path).casefold().endswith(SIDE_CARS)
