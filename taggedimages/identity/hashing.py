"""Checks of passwords, each of which costs a second of processor: few at a time, few wrong ones."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import BoundedSemaphore

from taggedimages.identity import attempts
from taggedimages.identity.rate_limits import Kind

# Hashes that a process computes at a time, and how long others wait for their turn.
AT_A_TIME = 2
WAIT_SECONDS = 1.0

turns = BoundedSemaphore(AT_A_TIME)


class Busy(Exception):
    """This process computes as many hashes as it may; soon it may be tried again."""


def checked(is_right: Callable[[], bool], *callers: str) -> bool:
    """Whether a password is right, where none of the callers has had too many wrong ones.

    Each counts as wrong from before its hash is computed until it has been found right, so that of
    many at once no more are computed than are allowed one after another. Only who has a turn
    counts: right ones that wait for theirs keep nobody out. Raises RateExceeded, Busy.
    """
    for caller in callers:
        attempts.check(Kind.WRONG_PASSWORDS, caller)
    if not turns.acquire(timeout=WAIT_SECONDS):
        raise Busy("Too many passwords are being checked; try again soon.")
    try:
        # If one caller may not, the others have not tried.
        with ExitStack() as forgiven:
            for caller in callers:
                at = attempts.take(Kind.WRONG_PASSWORDS, caller)
                forgiven.callback(attempts.give_back, Kind.WRONG_PASSWORDS, caller, at)
            counted = forgiven.pop_all()
        right = is_right()
        if right:
            counted.close()
        return right
    finally:
        turns.release()
