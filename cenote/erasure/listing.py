"""The queue as a table, for people and for SQL (``meta.erasures``).

Belongs here: what is shown of requests. Must not: pseudonyms; who is meant is told by those who hold the request.
"""

import polars as pl

from cenote.erasure.queue import OPEN, Requests
from cenote.views import View, values
from cenote.workspace import Workspace

SCHEMA = pl.Schema(
    {  # type: ignore[arg-type]
        "request_id": pl.String,
        "status": pl.String,
        "people": pl.Int64,
        "received_at": pl.Datetime("us", "UTC"),
        "erase_at": pl.Datetime("us", "UTC"),
        "due_at": pl.Datetime("us", "UTC"),
        "days_left": pl.Int64,
        "is_overdue": pl.Boolean,
        "finished_at": pl.Datetime("us", "UTC"),
        "steps_done": pl.Int64,
    }
)


def listing(space: Workspace, *, every: bool = True) -> pl.DataFrame:
    """Requests, the most urgent first: columns as :data:`SCHEMA`. ``every``: done ones too."""
    now = space.clock()
    rows = [
        (
            r.request_id, r.status, len(r.subjects), r.received_at, r.erase_at, r.due_at,
            (r.due_at - now).days if r.status in OPEN else None, r.status in OPEN and r.due_at < now, r.finished_at,
            len(r.state.get("done", ())),
        )
        for r in Requests(space.settings).all(*(() if every else OPEN))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("finished_at", "due_at", nulls_last=[False, False])


def view(space: Workspace) -> View:
    """The view ``meta.erasures``; how many days are left is asked of the clock when it is read."""
    columns = {
        "request_id": "VARCHAR", "status": "VARCHAR", "people": "BIGINT", "received_at": "TIMESTAMPTZ",
        "erase_at": "TIMESTAMPTZ", "due_at": "TIMESTAMPTZ", "finished_at": "TIMESTAMPTZ",
    }  # fmt: skip
    rows = [
        (r.request_id, r.status, len(r.subjects), *(at and at.isoformat() for at in moments))
        for r in Requests(space.settings).all()
        for moments in [(r.received_at, r.erase_at, r.due_at, r.finished_at)]
    ]
    left = "CASE WHEN finished_at IS NULL THEN date_diff('day', now(), due_at) END AS days_left"
    sql = f"SELECT *, {left} FROM ({values(columns, rows)})"
    return View("meta", "erasures", sql, "Requests to erase people: status, how many, when received, when due.")


def urgent(space: Workspace) -> list[str]:
    """One sentence for each open request, the most urgent first."""
    return [
        f"{row['request_id']} ({row['status']}, {row['people']} to erase) "
        + ("is OVERDUE since" if row["is_overdue"] else f"has {row['days_left']} days left, until")
        + f" {row['due_at']:%Y-%m-%d}"
        for row in listing(space, every=False).iter_rows(named=True)
    ]
