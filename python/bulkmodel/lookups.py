"""A queryset of many keys: they are one parameter."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import lookups


class InKeys(lookups.In):  # type: ignore[type-arg]
    """The column is one of these values, which travel as one parameter."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self._values(connection))

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        values = json.dumps([v if isinstance(v, int) else str(v) for v in self._values(connection)])
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, values)

    def _values(self, connection: Any) -> list[Any]:
        field = self.lhs.output_field
        return [field.get_db_prep_value(value, connection, prepared=True) for value in self.rhs]
