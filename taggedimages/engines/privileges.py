"""Which account PostgreSQL runs under: never root, which it refuses.

As root the child becomes a service account. Where that account cannot reach the programs or the
data (a checkout under a private home), it keeps one Linux capability that lets it pass, instead
of anybody's folders being opened.
"""

import ctypes
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from taggedimages.engines.process import LIBC

# man 7 capabilities, man 2 prctl, linux/capability.h
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 28, 47, 2
# Without it access(2), by which PostgreSQL looks for its own files, would ignore the capability.
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class NoAccount(Exception):
    """PostgreSQL cannot run here under any account; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """An unprivileged user and the one capability it keeps, if any."""

    uid: int
    gid: int
    capability: int | None = None

    def become(self) -> None:
        """In a child process of root: be this user from here on."""
        if self.capability is not None:
            check(LIBC and LIBC.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.capability is not None:
            keep_only(self.capability)


def service_account(owned: Path) -> Account | None:
    """The owner of `owned` where that is not root, else a service user; None if not root."""
    if os.geteuid() != 0:
        return None
    if owned.exists() and (owner := owned.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid)
    raise NoAccount("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def able_to_run(account: Account, program: Path, folder: Path) -> Account:
    """The account with as little as it needs to run `program` and work in `folder`."""
    for capability in (None, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        able = Account(account.uid, account.gid, capability)
        if _can_run(able, program, folder):
            return able
    user = pwd.getpwuid(account.uid).pw_name
    raise NoAccount(
        f"PostgreSQL does not run as root, and the user {user} cannot reach {program} and "
        f"{folder}. Run this as an ordinary user, or put the checkout and TAGGEDIMAGES_DATA "
        "where other users may enter, such as /srv."
    )


def _can_run(account: Account, program: Path, folder: Path) -> bool:
    def before_exec() -> None:
        account.become()
        os.chdir(folder)

    try:
        tried = subprocess.run(
            [program, "--version"],
            preexec_fn=before_exec,
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    # It complains on stderr where it cannot find itself.
    return tried.returncode == 0 and not tried.stderr.strip()


def keep_only(capability: int) -> None:
    """Drop every other capability, and let this one pass on to the programs run next."""
    assert LIBC is not None
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    check(LIBC.capset(header, effective_permitted_inheritable))
    check(LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def check(result: object) -> None:
    """Raise OSError unless a C call returned 0."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
