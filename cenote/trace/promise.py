"""What tracing promises of a table, as checks: its ids resolve, and sampled rows come again.

Belongs here: the checks, as counts. Must not: Dagster, or how they are computed (resolve.py, check.py).
"""

from cenote.quality import Check, Finding
from cenote.trace.check import verify_made
from cenote.trace.resolve import Resolved, resolve, resolve_made
from cenote.trace.tracer import Tracer
from cenote.workspace import Workspace

RESOLVES = Check("lineage_resolves", "Every lineage id leads back to raw records.", essential=True)
COMES_AGAIN = Check(
    "rows_come_again", "Sampled rows come again from nothing but the records that they are traced to.", essential=True
)
SAMPLE = 5  # rows, others after each build
FOLLOWED = 10_000  # rows of a mart or view; `cenote verify` follows all


def lineage_checks(table: str) -> list[Check]:
    """The checks of a table: rows of marts and features are traced through their SQL."""
    return [RESOLVES, COMES_AGAIN] if table.startswith(("gold/", "features/")) else [RESOLVES]


def check_lineage(space: Workspace, table: str) -> list[Finding]:
    """All checks of a table, in the order of :func:`lineage_checks`."""
    checks = lineage_checks(table)
    if not space.table(*table.split("/", 1)).exists:
        return [Finding(check.name, True, check.essential, "nothing to check yet") for check in checks]
    if COMES_AGAIN not in checks:
        (found,) = resolve(space, [table], follow=FOLLOWED)
        return [_resolved(found)]
    with Tracer(space) as tracer:
        found = resolve_made(tracer, table, FOLLOWED)
        verified = verify_made(tracer, table, SAMPLE)
    counts = {"rows": verified.rows, "records": verified.records, "wrong": len(verified.wrong)}
    told = f"{verified.rows} rows of {verified.records:,} records, {len(verified.wrong)} wrong"
    return [_resolved(found), _finding(COMES_AGAIN, verified.holds, told, counts)]


def _resolved(found: Resolved) -> Finding:
    counts = {"rows": found.rows, "dangling": found.dangling}
    return _finding(RESOLVES, not found.dangling, f"{found.rows:,} rows, {found.dangling:,} dangling", counts)


def _finding(check: Check, passed: bool, told: str, counts: dict[str, int]) -> Finding:
    return Finding(check.name, passed, check.essential, told, counts)
