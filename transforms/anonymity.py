"""Small groups in a table about people: k-anonymity, l-diversity, and what is done about rows that break them.

Belongs here: the policy a mart declares, the SQL that generalizes and suppresses by it, and an independent count of
what is left. Must not: running SQL, reading tables. k-anonymity after Sweeney (2002): every combination of
quasi-identifiers stands for at least k people. Distinct l-diversity after Machanavajjhala and others (2007): among the
rows of a combination each sensitive column has at least l values; null is a value. What this gives and does not give
stands in docs/anonymity.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Anonymity:
    """What a mart promises about small groups.

    ``quasi_identifiers``: columns that together may single somebody out. ``k``: people that each combination has to
    stand for. ``people``: the column that says how many people a row stands for; ``person``: the column that names the
    person; neither: a row is a person. ``sensitive``, ``l``: columns, and how many values each has to have in a group.
    ``generalize``: steps, each a column and the DuckDB expression that takes its place in rows of small groups.
    ``suppress``: rows that are still in small groups then are left out.
    """

    quasi_identifiers: tuple[str, ...]
    k: int = 5
    people: str | None = None
    person: str | None = None
    sensitive: tuple[str, ...] = ()
    l: int = 2  # noqa: E741 - its name in the literature
    generalize: tuple[tuple[str, str], ...] = ()
    suppress: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the policy names."""
        named = (*self.quasi_identifiers, *self.sensitive, *(column for column, _ in self.generalize))
        return tuple(dict.fromkeys([*named, *filter(None, (self.people, self.person))]))

    @property
    def acts(self) -> bool:
        """Whether rows are changed or left out, and not only counted."""
        return bool(self.generalize) or self.suppress


@dataclass(frozen=True)
class SmallGroups:
    """Groups of a table; how many stand for fewer than k people; per sensitive column, how many hold too few values."""

    groups: int
    under_k: int
    under_l: Mapping[str, int] = field(default_factory=dict)


def released_sql(policy: Anonymity, source: str) -> str:
    """SELECT the rows of the table ``source`` that may be shown, generalized where the policy says so."""
    steps, rows = [], source
    for number, (column, expression) in enumerate(policy.generalize):
        name = _ident(column)
        other = f"CASE WHEN {_SMALL} THEN {expression} ELSE {name} END AS {name}"
        steps.append(f"__step{number} AS MATERIALIZED (SELECT t.* REPLACE ({other}) FROM {_marked(policy, rows)})")
        rows = f"__step{number}"
    select = f"SELECT t.* FROM {_marked(policy, rows)} WHERE NOT {_SMALL}" if policy.suppress else f"FROM {rows}"
    return f"WITH {', '.join(steps)} {select}" if steps else select


def small_rows_sql(policy: Anonymity, source: str) -> str:
    """SELECT how many rows of the table ``source`` stand in small groups."""
    return f"SELECT count(*) FILTER ({_SMALL}) FROM {_marked(policy, source)}"


def _marked(policy: Anonymity, rows: str) -> str:
    """The rows of a table as ``t``, beside a column that says whether each stands in a small group."""
    people = "count(*)"
    if policy.people:
        people = f"coalesce(sum({_ident(policy.people)}), 0)"
    elif policy.person:
        people = f"count(DISTINCT {_ident(policy.person)})"
    values = [f"count(DISTINCT {c}) + CAST(bool_or({c} IS NULL) AS INTEGER)" for c in map(_ident, policy.sensitive)]
    tests = [f"{people} < {policy.k}", *(f"{count} < {policy.l}" for count in values)]
    same = [(f"__same{n}", _ident(column)) for n, column in enumerate(policy.quasi_identifiers)]
    keys = ", ".join(f"{column} AS {name}" for name, column in same)
    groups = f"SELECT {keys}, {' OR '.join(tests)} AS {_SMALL} FROM {rows} GROUP BY {', '.join(n for n, _ in same)}"
    on = " AND ".join(f"t.{column} IS NOT DISTINCT FROM g.{name}" for name, column in same)
    return f"{rows} AS t JOIN ({groups}) AS g ON {on}"


def small_groups(rows: pl.LazyFrame, policy: Anonymity) -> SmallGroups:
    """Count small groups in a table as it was written, by other means than the SQL that leaves them out."""
    people = pl.len()
    if policy.people:
        people = pl.col(policy.people).sum()
    elif policy.person:
        people = pl.col(policy.person).drop_nulls().n_unique()
    diverse = [pl.col(column).n_unique().alias(f"{_SMALL}{n}") for n, column in enumerate(policy.sensitive)]
    groups = rows.group_by(policy.quasi_identifiers).agg(people.alias(_SMALL), *diverse)
    counts = groups.select(
        pl.len().alias("groups"),
        (pl.col(_SMALL) < policy.k).sum().alias("under_k"),
        *[(pl.col(f"{_SMALL}{n}") < policy.l).sum() for n in range(len(policy.sensitive))],
    )
    found, under_k, *under_l = counts.collect().row(0)
    return SmallGroups(found, under_k, dict(zip(policy.sensitive, under_l, strict=True)))


_SMALL = "__small"


def _ident(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
