"""Words of DuckDB's SQL: names and literals as it writes them, complaints as people may read them.

Belongs here: text in, text out, without a heavy import. Must not: connections (cenote/catalog.py), statements
(cenote/door).
"""

import re
from collections.abc import Iterable


def ident(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """A string literal, or NULL."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """Condition that a column has one of some values, quoted; never true of none."""
    listed = ", ".join(map(text, values))
    return f"{column} IN ({listed})" if listed else "false"


def reason(error: Exception) -> str:
    """What DuckDB complains of, without values: a failing cast quotes what it could not read."""
    import duckdb

    about = str(error).strip().split("\n\n")[0]
    if isinstance(error, duckdb.ProgrammingError | duckdb.IOException | duckdb.OutOfMemoryException):
        return about
    return re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", about.splitlines()[0])
