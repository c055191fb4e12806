"""Where the service runs: for which Pythons and machines its pins have wheels.

`requirements/platforms` asks the package index. It is read by Pythons that are too old for all else
(3.6 and newer), and imports nothing that has to be installed.
"""

import platform
import sys

# The newest that was looked at: a newer one is not refused, and doctor says so.
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
SYSTEMS = ("Linux", "Darwin")
MACHINES = ("x86_64", "aarch64", "arm64")
PAGE = "docs/operating/platforms.md"


def too_old(version: "tuple[int, ...]" = tuple(sys.version_info[:2])) -> str:
    """Why this Python cannot run the service at all; empty where it can."""
    if version[:2] >= OLDEST_PYTHON:
        return ""
    needed = dotted(OLDEST_PYTHON)
    return (
        f"This is Python {dotted(version[:2])}, and the service needs {needed} or newer. "
        f"Make the environment anew with one: python{needed} -m venv .venv ({PAGE})"
    )


def unsupported(system: str = "", machine: str = "", libc: str = "") -> str:
    """Why the engines that the pins bring are not held to run here; empty where they are."""
    system, machine = system or platform.system(), machine or platform.machine()
    libc = libc or platform.libc_ver()[0]
    if system not in SYSTEMS:
        why = f"The embedded engines run on Linux and macOS, and this is {system}."
    elif machine not in MACHINES:
        why = f"The embedded engines are there for x86-64 and arm64, and this is {machine}."
    elif system == "Linux" and libc != "glibc":
        why = "The pins have wheels for Linux with glibc, and this has another library (musl?)."
    else:
        return ""
    return f"{why} See {PAGE}."


def dotted(version: "tuple[int, ...]") -> str:
    """As it is usually written."""
    return ".".join(map(str, version))
