"""The SQLite database: one connection a request, made and filled at first use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click
from flask import Flask, current_app, g

# Raise it with every change of schema.sql or seed.sql: an older database is then made anew.
SCHEMA_VERSION = 1


def get_db() -> sqlite3.Connection:
    """The connection of this request."""
    if "db" not in g:
        g.db = connect()
        if g.db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            init_db(g.db)
    connection: sqlite3.Connection = g.db
    return connection


def connect() -> sqlite3.Connection:
    path = Path(current_app.config["DATABASE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    return connection


def close_db(_error: BaseException | None = None) -> None:
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


def init_db(connection: sqlite3.Connection) -> None:
    """Drop everything, make the tables, put the goods on the shelves.

    It is one transaction, so that two first requests at once do no harm.
    """
    connection.executescript(
        "BEGIN IMMEDIATE;"
        + read_sql("schema.sql")
        + read_sql("seed.sql")
        + f"PRAGMA user_version = {SCHEMA_VERSION};"
        + "COMMIT;"
    )


def read_sql(name: str) -> str:
    return Path(current_app.root_path, name).read_text("utf-8")


@click.command("init-db")
def init_db_command() -> None:
    """Drop the database and make it anew."""
    connection = connect()
    try:
        init_db(connection)
    finally:
        connection.close()
    click.echo(f"Initialised {current_app.config['DATABASE']}.")


def init_app(app: Flask) -> None:
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db_command)
