"""The lookup `column__like`: SQL's LIKE with a pattern that is already escaped."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler


@TextField.register_lookup
@CharField.register_lookup
class Like(Lookup):
    """`%` is any text, `_` any character, a backslash makes either literal."""

    lookup_name = "like"

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        column, column_params = self.process_lhs(compiler, connection)
        pattern, pattern_params = self.process_rhs(compiler, connection)
        return f"{column} LIKE {pattern}", (*column_params, *pattern_params)
