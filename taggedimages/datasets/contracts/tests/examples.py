"""Contracts for tests."""

import itertools
from typing import Any

from search.v1.json_conditions import JsonConditions, json_query
from taggedimages.datasets.contracts.keeping import Content, put
from taggedimages.datasets.contracts.models import ContractVersion
from taggedimages.datasets.contracts.rights import Asker
from taggedimages.http.reading import read
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User

numbers = itertools.count(1)


def keep(
    *rules: dict[str, Any],
    name: str = "",
    when: dict[str, Any] | None = None,
    by: User | None = None,
    **more: Any,
) -> ContractVersion:
    """A contract of the project of a user, or of the default one: for all images, unless `when`
    says for which."""
    asked = when or {"everything": True}
    content = Content(asked, json_query(read(JsonConditions, asked)), list(rules), **more)
    author = Author(by, "tests")
    name = name or f"contract{next(numbers)}"
    return put(name, author.project_id, content, author, Asker(None, sees_all=True)).version
