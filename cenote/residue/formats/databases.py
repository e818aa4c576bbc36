"""SQLite and DuckDB files, cell by cell.

Belongs here: what stands in tables and views. Must not: free pages; they are in a file's bytes, searched before. A long
value is spread over pages, so cells are read whole.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from operator import methodcaller

from cenote.residue.formats.columns import PACKED, ROWS, batch_pieces, opened
from cenote.residue.formats.source import LARGEST_IN_MEMORY, Source
from cenote.residue.piece import Opaque, Piece

_PAGE = 4_000  # rows
looks_packed = methodcaller("startswith", PACKED)


def sqlite(source: Source) -> Iterator[Piece]:
    """Every cell of every table; the write-ahead log is applied in memory."""
    if source.size > LARGEST_IN_MEMORY:
        address = f"{source.file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as database:
            yield from _tables(database)
        return
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(_with_log(source))
        yield from _tables(database)


def _with_log(source: Source) -> bytes:
    with source.open() as stored:
        content = bytearray(stored.read())
    log = source.path.with_name(f"{source.name}-wal") if source.path else None
    if log and log.is_file() and len(frames := log.read_bytes()) > 32:
        size = int.from_bytes(frames[8:12], "big")
        for start in range(32, len(frames) - size - 23, size + 24):
            page = int.from_bytes(frames[start : start + 4], "big") - 1
            content.extend(bytes(max(0, (page + 1) * size - len(content))))
            content[page * size : (page + 1) * size] = frames[start + 24 : start + 24 + size]
    content[18:20] = b"\x01\x01"  # no write-ahead log from here on
    content[28:32] = b"\0\0\0\0"  # the size in pages is that of the content
    return bytes(content)


def _tables(database: sqlite3.Connection) -> Iterator[Piece]:
    database.text_factory = bytes
    names = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        try:
            rows = database.execute('SELECT * FROM "{}"'.format(name.replace('"', '""')))
        except sqlite3.OperationalError:
            continue  # a virtual table of an extension; its data is in tables of its own
        while page := rows.fetchmany(_PAGE):
            different = set(chain.from_iterable(page))
            cells = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in different]
            yield Piece(f"table {name}", b"\n".join(cells))
            for cell in filter(looks_packed, cells):
                yield from (Piece(f"table {name}", content) for content in opened(cell))


def duckdb(source: Source) -> Iterator[Piece]:
    """Views and tables. Free blocks hold what was deleted, compressed: a file that has some cannot be cleared."""
    import duckdb

    with duckdb.connect(str(source.file), read_only=True) as database:
        texts = database.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
        yield Piece("views", "\n".join(str(text) for (text,) in texts).encode())
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
        for schema, table in database.execute(query).fetchall():
            rows = database.sql('FROM "{}"."{}"'.format(*(n.replace('"', '""') for n in (schema, table))))
            for batch in rows.to_arrow_reader(ROWS):
                where = f"table {schema}.{table}"
                yield from (Piece(where, p.content, vectors=p.vectors) for p in batch_pieces(batch))
        free = database.execute("SELECT sum(free_blocks) FROM pragma_database_size()").fetchone()
    if free and free[0]:
        raise Opaque(f"a DuckDB file with {free[0]} free blocks, in which deleted rows may stand compressed")
