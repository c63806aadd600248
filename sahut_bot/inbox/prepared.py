"""Statements of the hot path, written once in SQLAlchemy's words and kept as text for each dialect.

Building an expression and looking at every value of every row costs more there than the database does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


class Words:
    """What the two dialects say differently."""

    def __init__(self, dialect: str) -> None:
        self.postgres = dialect == "postgresql"

    def insert(self, table: sa.Table) -> Any:
        return postgresql.insert(table) if self.postgres else sqlite.insert(table)

    def among(self, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        """`column` is one of the list given as `name`, however long that is."""
        if self.postgres:
            return column == sa.func.any(sa.bindparam(name, type_=postgresql.ARRAY(column.type)))
        each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
        return column.in_(sa.select(each.c.value))

    def rows(self, columns: Sequence[sa.Column[Any]]) -> sa.Select[Any]:
        """The rows given as one list a column (PostgreSQL, `c0`, `c1`, …) or as one list of rows (SQLite, `rows`)."""
        if self.postgres:
            arrays = [sa.bindparam(f"c{n}", type_=postgresql.ARRAY(column.type)) for n, column in enumerate(columns)]
            given = sa.func.unnest(*arrays).table_valued(*(column.name for column in columns)).render_derived()
            return sa.select(*given.c)
        each = sa.func.json_each(sa.bindparam("rows", type_=sa.Text)).table_valued("value")
        values = (sa.func.json_extract(each.c.value, sa.text(f"'$[{n}]'")) for n in range(len(columns)))
        return sa.select(*values).where(sa.text("true"))  # else SQLite reads ON CONFLICT as a part of a join


class Prepared:
    """`make` builds the statement from the dialect's words; `names` are its parameters where rows come as tuples."""

    def __init__(self, make: Callable[[Words], Any], names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        self._make = make
        self._kept: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def _compiled(self, dialect: sa.Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        if dialect.name not in self._kept:
            made = self._make(Words(dialect.name)).compile(dialect=dialect, column_keys=list(self.names) or None)
            self._kept[dialect.name] = (str(made), tuple(made.positiontup), dict(made.params))
        return self._kept[dialect.name]

    def run_many(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Once for each row, whose values stand in the order of `names`."""
        text, order, _ = self._compiled(connection.dialect)
        if order != self.names:
            raise ValueError(f"the statement takes {order}")
        connection.exec_driver_sql(text, list(rows))

    def run(self, connection: sa.Connection, **values: Any) -> sa.CursorResult[Any]:
        """Once. A collection among `values` is a list for `Words.among`."""
        text, order, given = self._compiled(connection.dialect)
        postgres = connection.dialect.name == "postgresql"
        given = {**given, **{name: _listed(value, postgres=postgres) for name, value in values.items()}}
        return connection.exec_driver_sql(text, tuple(given[name] for name in order))

    def run_rows(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> sa.CursorResult[Any]:
        """Once, for all rows together, which the statement reads with `Words.rows`."""
        if connection.dialect.name == "postgresql":
            return self.run(connection, **{f"c{n}": column for n, column in enumerate(zip(*rows, strict=True))})
        return self.run(connection, rows=rows)


def _listed(value: Any, *, postgres: bool) -> Any:
    if not isinstance(value, Collection) or isinstance(value, str):
        return value
    return list(value) if postgres else orjson.dumps(list(value)).decode()


def inserting(table: sa.Table, *names: str) -> Prepared:
    """A plain insert of these columns, for `many`."""
    return Prepared(lambda words: words.insert(table), names)
