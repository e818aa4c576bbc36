"""Raw JSON texts -> columns of raw JSON text, one per path. DuckDB reads the JSON, in memory, as a function.

Belongs here: taking JSON texts apart, columnar and lenient about shapes. Must not: types, contracts, rules. A value
keeps its JSON spelling (``"x"`` has its quotes), so that the reader still sees which kind of value it was. Of members
with one name the first counts. A number that is not an integer passes through a double (17 significant digits).
"""

import re
from collections.abc import Sequence
from functools import cache

import duckdb
import polars as pl

Steps = tuple[str | int, ...]
_NEWEST = pl.CompatLevel.newest()  # string views, which DuckDB reads without a copy
EACH = -1  # the step `[*]`: every element of an array
_STEP = re.compile(r"""\.([^.\[\]"'\s]+)|\."([^"]+)"|\[(\d+)\]|\['([^'"]+)'\]|\["([^"]+)"\]|(\[\*\])""")


def parse_path(path: str) -> Steps:
    """Take a JSON path (``$.a.b``, ``$.a[0]``, ``$['a b']``, ``$.a[*].b``) apart into keys, positions and ``EACH``.

    Raises ``ValueError`` where it is not such a path.
    """
    steps: list[str | int] = []
    position = 1
    while path.startswith("$") and position < len(path):
        match = _STEP.match(path, position)
        if not match:
            break
        plain, quoted, index, single, double, _ = match.groups()
        steps.append(plain or quoted or single or double or (int(index) if index else EACH))
        position = match.end()
    if not path.startswith("$") or position < len(path):
        raise ValueError(f"{path!r} is not a JSON path such as $.a.b, $.a[0] or $['a b']")
    return tuple(steps)


def format_path(steps: Steps) -> str:
    """The path in DuckDB's spelling."""
    return "$" + "".join(
        f'."{step}"' if isinstance(step, str) else "[*]" if step == EACH else f"[{step}]" for step in steps
    )


def extract(texts: pl.Series, paths: Sequence[Steps]) -> tuple[pl.DataFrame, pl.Series]:
    """The raw JSON text at each path, columns ``"0"``, ``"1"``, ...; and which texts could be read at all.

    Missing members and JSON null are both null. Paths hold no ``EACH``.
    """
    if not paths:
        return pl.DataFrame(height=len(texts)), texts.is_not_null()
    columns = ", ".join(f'CAST(found[{number + 1}] AS VARCHAR) AS "{number}"' for number in range(len(paths)))
    frame = _run(
        f"""SELECT found IS NOT NULL AS readable, {columns}
            FROM (SELECT try(json_extract(text, $paths)) AS found FROM texts)""",
        texts,
        paths=[format_path(p) for p in paths],
    )
    readable = frame.drop_in_place("readable")
    return frame.with_columns(pl.when(column != "null").then(column) for column in map(pl.col, frame.columns)), readable


def elements(texts: pl.Series, steps: Steps = (EACH,)) -> pl.Series:
    """The raw JSON texts of array elements, a list per text; null where there is no array.

    ``steps`` says where the elements are and holds at least one ``EACH``.
    """
    return _run("SELECT try(json_extract(text, $path)) AS found FROM texts", texts, path=format_path(steps)).get_column(
        "found"
    )


def count_keys(texts: pl.Series, containers: Sequence[Steps]) -> pl.DataFrame:
    """How many texts have which member in each container; columns ``container`` (its number), ``key``, ``count``."""
    shapes = _run(
        """SELECT try(json_keys(text, $paths)) AS keys, count
           FROM (SELECT any_value(text) AS text, count(*) AS count
                 FROM (SELECT text, hash(try(json_keys(text, $paths))) AS shape FROM texts) GROUP BY shape)
           WHERE keys IS NOT NULL""",
        texts,
        paths=[format_path(c) for c in containers],
    )
    return (
        shapes.with_columns(pl.lit(list(range(len(containers)))).alias("container"))
        .with_row_index("shape")
        .explode("keys", "container", empty_as_null=True)
        .with_columns(pl.col("keys").list.unique())
        .explode("keys", empty_as_null=True)
        .drop_nulls("keys")
        .group_by("container", pl.col("keys").alias("key"))
        .agg(pl.col("count").sum().cast(pl.Int64))
        .sort("container", "key")
    )


def unquote(strings: pl.Series) -> pl.Series:
    """JSON strings, quotes included, as the texts they spell."""
    plain = strings.str.strip_prefix('"').str.strip_suffix('"')
    escaped = strings.str.contains("\\", literal=True).fill_null(False)
    if not escaped.any():
        return plain
    return plain.scatter(escaped.arg_true(), strings.filter(escaped).str.json_decode(pl.String))


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    # It must never spill what it works on to disk: the texts are raw and unsealed.
    engine = duckdb.connect(":memory:")
    engine.execute("SET temp_directory = ''; SET enable_external_access = false; SET produce_arrow_string_view = true")
    return engine


def _run(query: str, texts: pl.Series, **parameters: object) -> pl.DataFrame:
    with _engine().cursor() as connection:
        connection.register("texts", texts.alias("text").to_frame().to_arrow(compat_level=_NEWEST))
        try:
            table = connection.sql(query, params=parameters).to_arrow_table()
        except duckdb.Error as error:  # its message may quote the text
            raise RuntimeError(f"DuckDB could not read JSON: {type(error).__name__}") from None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
