"""Bringing a lake that an older release made to the form that this release knows.

Belongs here: the form's number, and one step for each time it rose. Must not: what a contract or an SQL file asks for;
tables notice themselves that theirs changed, and are built anew. Bronze has one form for ever.

The number stands in ``meta/format.json``. A lake with tables and without the file is of form 1. A step may be run twice
and is run again where it was stopped; the number is written when it is done.
"""

import json
from collections.abc import Callable, Iterator, Sequence

from cenote import catalog, events
from cenote.errors import TableError
from cenote.lineage import grain_id_sql
from cenote.tables import Commit, Table
from cenote.views import ident, text
from cenote.workspace import LAYERS, Workspace

FORMAT = 2
_BATCH = 65_536


def check(space: Workspace) -> None:
    """Raise ``TableError`` where a newer release made the lake."""
    if (found := form(space)) > FORMAT:
        raise TableError(f"the lake has form {found}, and this release knows forms up to {FORMAT}", "update Cenote")


def form(space: Workspace) -> int:
    """The form that the lake has; that of this release where nothing was built yet."""
    noted = space.path("meta", "format.json")
    if noted.is_file():
        return int(json.loads(noted.read_text())["format"])
    return 1 if any(space.tables(layer) for layer in LAYERS) else FORMAT


def migrate(space: Workspace) -> list[str]:
    """Take the steps that the lake has not been through; returns the tables that were changed.

    Raises ``TableError`` where a newer release made the lake, or a table cannot be read.
    """
    noted = space.path("meta", "format.json")
    if noted.is_file() and form(space) == FORMAT:
        return []
    check(space)
    with space.lock("format"):
        changed = [table for number in range(form(space) + 1, FORMAT + 1) for table in STEPS[number](space)]
        noted.parent.mkdir(parents=True, exist_ok=True)
        aside = noted.with_suffix(".new")
        aside.write_text(json.dumps({"format": FORMAT}))
        aside.replace(noted)
    if changed:
        events.record(space.settings.home, "migrated", form=FORMAT, tables=len(changed))
    return changed


def _name_by_md5(space: Workspace) -> Iterator[str]:
    """Form 2: ids of rows that a grain key names come from MD5, no longer from SHA-256 (docs/lineage.md)."""
    from cenote.features import views
    from cenote.gold import marts

    named: list[tuple[Table, str, Sequence[str]]] = [
        *((space.table("gold", name), name, file.grain) for name, file in marts(space).items()),
        *(
            (space.table("features", name), name, (str(file.join_key), "event_timestamp"))
            for name, file in views(space).items()
        ),
        *((space.table("graph", name), name, ("node",)) for name in ("nodes", "pagerank", "communities")),
    ]
    for table, name, grain in named:
        if table.exists and table.files() and _rename(space, table, grain_id_sql(name, list(grain))):
            yield table.name


def _rename(space: Workspace, table: Table, lineage_id: str) -> bool:
    """Give every row of a table the id that an SQL expression makes; the table keeps saying what it was built from."""
    rows = f"read_parquet([{', '.join(map(text, table.files()))}], union_by_name = true)"
    with space.lock(table.name), catalog.connect(space, []) as connection:
        columns = [name for name, *_ in connection.execute(f"DESCRIBE FROM {rows}").fetchall()]
        (wrong,) = connection.execute(f"SELECT count(*) FROM {rows} WHERE lineage_id <> {lineage_id}").fetchall()[0]
        if not wrong:
            return False
        others = ", ".join(ident(column) for column in columns if column != "lineage_id")
        renamed = connection.sql(f"SELECT {lineage_id} AS lineage_id, {others} FROM {rows}")
        last = next((commit for commit in table.commits() if commit.stage), None)
        commit = Commit(last.stage, last.inputs, last.code, space.run_id, details=last.details) if last else None
        table.overwrite(renamed.to_arrow_reader(_BATCH), commit or Commit("migration", run_id=space.run_id))
    if table.name.startswith("features/"):
        from cenote.features.offline import remove_strays

        remove_strays(table)  # Feast reads the folder
    return True


STEPS: dict[int, Callable[[Workspace], Iterator[str]]] = {2: _name_by_md5}
