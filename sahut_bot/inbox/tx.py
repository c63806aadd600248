"""What domain code sees of a transaction: statements, sorted locks, ids drawn first. It cannot end one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sahut_bot.inbox.prepared import Prepared

Rows: TypeAlias = Sequence[Mapping[str, Any]]


class Rx:
    """A snapshot to read from. Statements that write fail."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    def execute(self, statement: sa.Executable, params: Mapping[str, Any] | Rows | None = None) -> sa.CursorResult[Any]:
        """A list of parameters makes it an executemany; it must not be empty."""
        return self._connection.execute(statement, params)

    def ask(self, query: Prepared, **values: Any) -> Sequence[sa.Row[Any]]:
        """The rows of a prepared query, as the driver gives them."""
        return query.run(self._connection, **values).all()

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        """`column IN values`, as one and the same statement for any number of integers or texts."""
        if self.dialect == "postgresql":
            array = sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))
            return column == sa.func.any(array)
        each = sa.func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
        return column.in_(sa.select(each.c.value))


class Tx(Rx):
    """A transaction of the store's writer. Works must be repeatable and never catch database errors."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self.topics: set[str] = set()
        self._drawn: dict[str, int] = {}

    def signal(self, topic: str) -> None:
        """Wakes `topic`'s listeners once this has been committed."""
        self.topics.add(topic)

    def lock(self, table: sa.Table, ids: Collection[Any]) -> None:
        """Locks rows by primary key until the commit, in sorted order. Nothing to do on SQLite: one writer."""
        if self.dialect != "postgresql" or not ids:
            return
        self.ask(_lock(table), ids=set(ids))

    def new_ids(self, table: sa.Table, count: int) -> list[int]:
        """Draws ids in one statement, so that inserts are plain executemany. Draw after locking.

        A `rev` comes from the same sequence as the ids, so it is above every id and rev that there is.
        """
        if not count:
            return []
        if self.dialect == "postgresql":
            return [row[0] for row in self.ask(_drawn(table), count=count)]
        found = max(top or 0 for top in self.ask(_highest(table))[0])
        first = max(found, self._drawn.get(table.name, 0)) + 1
        self._drawn[table.name] = first + count - 1
        return list(range(first, first + count))

    def run(self, statement: Prepared, **values: Any) -> None:
        """Runs a prepared statement that answers nothing, once."""
        statement.run(self._connection, **values)

    def many(self, statement: Prepared, rows: Sequence[tuple[Any, ...]]) -> None:
        """Runs a prepared statement for each row, in order."""
        if rows:
            statement.run_many(self._connection, rows)

    def insert_new(self, statement: Prepared, rows: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        """Runs an insert that reads `Words.rows` and returns keys; the keys of those that were new."""
        return {tuple(row) for row in statement.run_rows(self._connection, rows)} if rows else set()

    def insert_ignore(
        self, table: sa.Table, rows: Rows, returning: Sequence[sa.ColumnElement[Any]] = ()
    ) -> Sequence[sa.Row[Any]]:
        """Inserts what breaks no unique constraint, sorted by primary key; `returning` of those that were new."""
        ordered = _ordered(rows, [column.name for column in table.primary_key])
        return self._insert(self._insert_into(table).on_conflict_do_nothing(), ordered, returning)

    def upsert(
        self,
        table: sa.Table,
        rows: Rows,
        *,
        key: Sequence[str],
        update: Callable[[sa.ColumnCollection[str, Any]], Mapping[str, Any]],
        returning: Sequence[sa.ColumnElement[Any]] = (),
    ) -> Sequence[sa.Row[Any]]:
        """Inserts or updates, sorted by `key`, each key once; `update` makes the SET from the row that was refused."""
        insert = self._insert_into(table)
        statement = insert.on_conflict_do_update(index_elements=list(key), set_=dict(update(insert.excluded)))
        return self._insert(statement, _ordered(rows, key), returning)

    def _insert_into(self, table: sa.Table) -> Any:
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)

    def _insert(self, statement: Any, rows: Rows, returning: Sequence[sa.ColumnElement[Any]]) -> Sequence[sa.Row[Any]]:
        if not rows:
            return []
        if returning:
            return self.execute(statement.returning(*returning), rows).all()
        self.execute(statement, rows)
        return []


@cache
def _lock(table: sa.Table) -> Prepared:
    (key,) = table.primary_key
    # The order of Python's sort, which upserts follow, whatever collation the database has.
    order = key.collate("C") if isinstance(key.type, sa.Text) else key
    return Prepared(
        lambda words: sa.select(key).where(words.among(key, "ids")).order_by(order).with_for_update(key_share=True)
    )


@cache
def _drawn(table: sa.Table) -> Prepared:
    numbers = sa.func.generate_series(1, sa.bindparam("count", type_=sa.Integer)).table_valued("n")
    return Prepared(lambda _words: sa.select(sa.func.nextval(f"{table.name}_id_seq")).select_from(numbers))


@cache
def _highest(table: sa.Table) -> Prepared:
    tops = [sa.select(sa.func.max(table.c.id)).scalar_subquery()]
    if "rev" in table.c:
        # In the words of the partial index: most rows were never changed and have no place in it.
        tops.append(sa.select(sa.func.max(table.c.rev)).where(sa.text("rev <> id")).scalar_subquery())
    return Prepared(lambda _words: sa.select(*tops))


def _ordered(rows: Rows, key: Sequence[str]) -> Rows:
    """Every transaction takes its locks in one order (design 4.5). Rows without their key keep the order given."""
    if not rows or any(name not in rows[0] for name in key):
        return rows
    return sorted(rows, key=lambda row: tuple(row[name] for name in key))
