"""New keys and passwords for a data folder, which its `up` takes into use by starting again.

They are in the state file as a whole or not at all, so nothing is lost whenever somebody is killed.
`up` notices them, or finds them when it starts next: the store takes its keys from there, the
server's roles get their passwords (`postgres.part`), and what is encrypted is encrypted anew before
anybody serves. Until all of that is done, the state says what was renewed.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from taggedimages.engines import state
from taggedimages.engines.state import State

# What can be made anew, by what it is of.
SECRET_KEY, HOOK_SECRET, POSTGRES, S3 = "secret_key", "hook_secret", "postgres", "s3"
PARTS = (SECRET_KEY, HOOK_SECRET, POSTGRES, S3)


def renew(folder: Path, parts: Collection[str]) -> State:
    """Put new ones of these into the state of `folder`, for its `up` to take into use.

    Those that it has not yet taken stay: nobody knows whether it is about to.
    """
    known = _known(folder)
    parts, fresh = set(parts).difference(known.renewed), state.fresh()
    made: dict[str, Any] = {}
    if SECRET_KEY in parts:
        made |= {
            "secret_key": fresh.secret_key,
            "secret_key_fallbacks": (known.secret_key, *known.secret_key_fallbacks),
        }
    if HOOK_SECRET in parts:
        made["hook_secret"] = fresh.hook_secret
    if POSTGRES in parts:
        made |= {
            "postgres_password": fresh.postgres_password,
            "service_password": fresh.service_password,
            "former_postgres_password": known.postgres_password,
        }
    if S3 in parts:
        made |= {
            "s3_access_key": fresh.s3_access_key,
            "s3_secret_key": fresh.s3_secret_key,
            "s3_internal_key": fresh.s3_internal_key,
        }
    new = replace(known, **made, renewed=tuple(sorted({*known.renewed, *parts})))
    state.save(folder, new)
    return new


def is_asked_for(folder: Path) -> bool:
    """Whether there are new ones that are not in use yet."""
    known = state.load(folder)
    return bool(known and known.renewed)


def finish(folder: Path, used: State) -> None:
    """Say that all are in use: everything was started with this state.

    Where others were made meanwhile, these are still to come.
    """
    if _known(folder) == used:
        state.save(folder, replace(used, renewed=(), former_postgres_password=""))


def forget(folder: Path) -> None:
    """Let nothing hold any more that keys of before have signed, from the next start of `up` on.

    Nothing may be renewed that is not in use yet, for it may still be encrypted by such a key.
    """
    known = _known(folder)
    assert not known.renewed, known.renewed
    state.save(folder, replace(known, secret_key_fallbacks=(), renewed=(SECRET_KEY,)))


def _known(folder: Path) -> State:
    known = state.load(folder)
    assert known, folder
    return known
