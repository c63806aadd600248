"""The migrated schema is the models' schema, on both databases, however many ask for it at once."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.schema import SchemaItem

from sahut_bot.errors import ConfigError
from sahut_bot.inbox import migrations
from sahut_bot.inbox.migrations import HEAD, migrate
from sahut_bot.inbox.models import metadata
from sahut_bot.inbox.store import Rx, Store
from tests.databases import Cluster


def mine(_item: SchemaItem, name: str | None, kind: str, reflected: bool, compared_to: SchemaItem | None) -> bool:
    """All but the search indexes, which `search` owns and no model describes."""
    return not (reflected and compared_to is None and kind in ("table", "index") and "_search" in str(name))


def default_differs(_context: object, _there: object, _here: object, there: str, _default: object, here: str) -> bool:
    """Alembic's own comparison does not know SQLite's empty text."""
    return bare(there or "").strip("'") != bare(here or "").strip("'")


def differences(rx: Rx) -> list[object]:
    options = {"include_object": mine, "compare_type": True, "compare_server_default": default_differs}
    context = MigrationContext.configure(rx._connection, opts=options)
    return list(compare_metadata(context, metadata))


def predicates(rx: Rx) -> dict[str, str]:
    """Partial indexes and their conditions, which Alembic does not compare."""
    if rx.dialect == "postgresql":
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    else:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    found = {}
    rows: Any = rx.execute(sa.text(query))
    for name, sql in rows:
        if "WHERE" in sql:
            found[name] = ("unique " if "UNIQUE" in sql else "") + bare(sql.split("WHERE", 1)[1])
    return found


def bare(condition: str) -> str:
    """Only what PostgreSQL does not write its own way."""
    condition = re.sub(r"::\w+", "", condition.lower()).replace("any (array[", "in (").replace("= in", "in")
    return re.sub(r"[\s()\[\]]", "", condition)


async def test_migrated_schema_equals_the_models(store: Store) -> None:
    assert await store.read(differences) == []


async def test_migrated_partial_indexes_equal_the_models(store: Store) -> None:
    expected = {}
    for table in metadata.tables.values():
        for index in table.indexes:
            condition = index.dialect_options[store.dialect]["where"]
            if condition is not None:
                expected[str(index.name)] = ("unique " if index.unique else "") + bare(str(condition))
    assert await store.read(predicates) == expected


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_migrating_again_changes_nothing(database_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(migrate, database_url, tmp_path)
    store = Store.open(database_url, tmp_path)
    await store.start()
    assert await store.read(differences) == []
    await store.stop()


def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, f"sqlite+aiosqlite:///{tmp_path}/new/sahut.db", tmp_path) for _ in range(4)]:
            done.result()


@pytest.mark.postgres
def test_several_processes_may_migrate_a_server_at_once(cluster: Cluster, tmp_path: Path) -> None:
    cluster.script("CREATE DATABASE sahut_race")
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, cluster.url("sahut_race"), tmp_path) for _ in range(4)]:
            done.result()
    cluster.script("DROP DATABASE sahut_race")


def test_database_of_a_newer_program_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(sqlite_url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigError, match="newer sahut-bot"):
        migrate(sqlite_url, tmp_path)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "no database URL"),
        ("mysql://localhost/x", "mysql is not supported"),
        ("sqlite+aiosqlite://", "needs a file"),
        ("sqlite+aiosqlite:///:memory:", "needs a file"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/none", "cannot be opened"),
        ("sqlite+aiosqlite:////proc/none/sahut.db", "cannot be opened"),
    ],
)
def test_database_that_cannot_be_opened_is_a_wrong_configuration(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        migrate(url, tmp_path)
