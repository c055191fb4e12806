"""Callers who are known: what `manage.py credentials` printed, as headers of each dialect."""

import json
from dataclasses import dataclass
from pathlib import Path

import jwt


@dataclass(frozen=True)
class Caller:
    """One user's credentials."""

    username: str
    project: str
    token: str
    secret_id: str
    secret: str

    def headers(self) -> dict[str, dict[str, str]]:
        """Of a login, by dialect."""
        return {
            "v1": {"Authorization": f"Bearer {self.token}"},
            "atmosphere": {"Authorization": f"TOKEN {self.token}"},
            "sharinpix": {"Authorization": f'Token token="{self.signed()}"'},
            "ims": {"X-Auth-Token": self.token},
        }

    def signed(self, **claims: object) -> str:
        """A token of SharinPix for everything in the project, or with the given claims."""
        said = {"iss": self.secret_id} | (claims or {"admin": True})
        return jwt.encode(said, self.secret, "HS256")


def read(path: str) -> Caller:
    """From a file."""
    found = json.loads(Path(path).read_text())
    return Caller(
        found["username"], found["project_id"], found["token"], found["secret_id"], found["secret"]
    )
