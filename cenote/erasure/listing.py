"""The queue as a table, for people and for SQL.

Belongs here: what is shown of requests. Must not: pseudonyms; who is meant is told by those who hold the request.
"""

import polars as pl

from cenote.erasure.queue import OPEN, Requests
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
