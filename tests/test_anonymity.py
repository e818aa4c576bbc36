"""Small groups: counted, left out or made coarser as a mart declares, and never in what is written."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote import gold, quality
from cenote.errors import SqlFileError
from cenote.sqlfiles import SqlFile, parse_sqlfile
from cenote.tables import Commit
from cenote.workspace import Workspace
from tests.lake import SampleLake
from transforms.anonymity import Anonymity, SmallGroups, released_sql, small_groups

POLICY = Anonymity(("town", "born"), k=3, suppress=True)


def released(rows: pl.DataFrame, policy: Anonymity) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        return pl.from_arrow(connection.sql(released_sql(policy, "rows")).to_arrow_table())  # type: ignore[return-value]


def people(*rows: tuple[Any, ...]) -> pl.DataFrame:
    schema = {"id": pl.Int64, "town": pl.String, "born": pl.Int64, "ill": pl.String, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


TOWN = people(
    (1, "Faro", 1980, "flu", 3), (2, "Faro", 1980, "flu", 1), (3, "Faro", 1980, "flu", 1), (4, "Faro", 1981, "flu", 9),
    (5, None, None, "flu", 1), (6, None, None, None, 1), (7, None, None, "flu", 1), (7, "Evora", 1980, "flu", 2),
    (7, "Evora", 1980, "gout", 2), (7, "Evora", 1980, "flu", 2),
)  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "kept", "counted"),
    [
        (POLICY, 9, SmallGroups(4, 1)),
        (replace(POLICY, people="n"), 10, SmallGroups(4, 0)),
        (replace(POLICY, person="id"), 6, SmallGroups(4, 2)),
        (replace(POLICY, sensitive=("ill",)), 6, SmallGroups(4, 1, {"ill": 2})),
        (replace(POLICY, sensitive=("ill",), l=3), 0, SmallGroups(4, 1, {"ill": 4})),
        (replace(POLICY, suppress=False), 10, SmallGroups(4, 1)),
    ],
)
def test_rows_of_small_groups_are_left_out_whole(policy: Anonymity, kept: int, counted: SmallGroups) -> None:
    left = released(TOWN, policy)
    assert left.height == kept and set(left.rows()) <= set(TOWN.rows())
    assert small_groups(TOWN.lazy(), policy) == counted


def test_rows_of_small_groups_get_coarser_step_by_step() -> None:
    steps = (("born", '"born" // 10 * 10'), ("town", "NULL"))
    rows = people(
        *[(n, "Faro", 1980, "flu", 1) for n in range(3)],  # many already
        *[(n, "Evora", 1970 + n, "flu", 1) for n in range(3, 6)],  # many by decade
        (6, "Lagos", 1991, "flu", 1), (7, "Tavira", 1992, "flu", 1), (8, "Sines", 1999, "flu", 1),  # without the town
        (9, "Braga", 1955, "flu", 1),  # never
    )  # fmt: skip
    left = released(rows, replace(POLICY, generalize=steps))
    assert Counter(left.select("town", "born").rows()) == {("Faro", 1980): 3, ("Evora", 1970): 3, (None, 1990): 3}
    kept = released(rows, replace(POLICY, generalize=steps, suppress=False))
    assert kept.height == 10 and (None, 1950) in kept.select("town", "born").rows()


words = st.sampled_from(["a", "b", "c", None])
numbers = st.integers(0, 3) | st.none()


@given(
    st.lists(st.tuples(numbers, words, numbers, words, numbers), max_size=40),
    st.integers(2, 4), st.sampled_from([None, "people", "person"]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_nothing_small_is_ever_left(rows: list[Any], k: int, counts: str | None, sensitive: bool, steps: bool) -> None:
    policy = Anonymity(
        ("town", "born"), k, suppress=True,
        people="n" if counts == "people" else None, person="id" if counts == "person" else None,
        sensitive=("ill",) if sensitive else (),
        generalize=(("born", '"born" // 2'), ("town", "NULL")) if steps else (),
    )  # fmt: skip
    left = small_groups(released(people(*rows), policy).lazy(), policy)
    assert (left.under_k, sum(left.under_l.values())) == (0, 0)


# in a mart


def mart(privacy: str, columns: str = "id, town, born, ill, n", grain: str = "id") -> str:
    front = f"description: d\nowner: o\ngrain: [{grain}]\nprivacy: {privacy}"
    return f"/* ---\n{front}\n--- */\nSELECT {columns} FROM silver.reviews"


def read(privacy: str, **options: str) -> SqlFile:
    return parse_sqlfile(mart(privacy, **options), "town.sql")


def test_a_mart_declares_its_policy() -> None:
    found = read(
        "{quasi_identifiers: [town, born], k: 7, person: id, sensitive: [ill], l: 3, "
        "small_groups: [{born: born // 10 * 10}, {town: null}, suppress]}"
    )
    steps = (("born", "(born // 10 * 10)"), ("town", "(NULL)"))
    assert found.privacy == Anonymity(("town", "born"), 7, None, "id", ("ill",), 3, steps, True)
    assert found.digest != read("{quasi_identifiers: [town, born], k: 7}").digest
    assert read("{quasi_identifiers: [town], small_groups: suppress}").privacy == Anonymity(("town",), suppress=True)
    assert read("{quasi_identifiers: [town]}").privacy == Anonymity(("town",), 5)


@pytest.mark.parametrize(
    ("privacy", "complaint"),
    [
        ("{k: 5}", "names no quasi_identifiers"),
        ("{quasi_identifiers: town}", "not a list of columns"),
        ("{quasi_identifiers: [city]}", "no column 'city'"),
        ("{quasi_identifiers: [town], k: 1}", "k is not a whole number of at least 2"),
        ("{quasi_identifiers: [town], k: true}", "k is not a whole number"),
        ("{quasi_identifiers: [town], l: 2}", "no sensitive columns"),
        ("{quasi_identifiers: [town], people: n, person: id}", "both people and person"),
        ("{quasi_identifiers: [town], small_group: suppress}", "did you mean small_groups"),
        ("{quasi_identifiers: [town], small_groups: hide}", "neither `suppress` nor a list of steps"),
        ("{quasi_identifiers: [town], small_groups: [{born: '0'}]}", "no quasi-identifier"),
        ("{quasi_identifiers: [id], small_groups: [{id: '0'}]}", "in the grain"),
        ("{quasi_identifiers: [town], small_groups: [{town: 'town)) FROM x'}]}", "no SQL expression"),
        ("{quasi_identifiers: [town], small_groups: [{town: (SELECT 1)}]}", "more than an expression"),
        ("{quasi_identifiers: [town], small_groups: [{town: max(town)}]}", "more than an expression"),
        ("{quasi_identifiers: [town], small_groups: [{town: random()}]}", "something else each time"),
        ("[town]", "privacy is not a dict"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(privacy: str, complaint: str) -> None:
    with pytest.raises(SqlFileError, match=complaint):
        read(privacy)


def test_a_feature_view_has_no_policy() -> None:
    front = "description: d\nowner: o\nentity: c\njoin_key: id\nprivacy: {quasi_identifiers: [id]}"
    with pytest.raises(SqlFileError, match="feature view"):
        parse_sqlfile(f"/* ---\n{front}\n--- */\nSELECT id, event_timestamp FROM silver.reviews", "town.sql")


@pytest.fixture
def town(make_space: Callable[..., Workspace], tmp_path: Path) -> Callable[[str], Workspace]:
    """A lake whose silver ``reviews`` are the people of a town, with a mart of this policy."""

    def make(privacy: str) -> Workspace:
        (tmp_path / "marts").mkdir(exist_ok=True)
        (tmp_path / "marts" / "town.sql").write_text(mart(privacy, grain="row").replace("SELECT", "SELECT row,"))
        space = make_space(marts=tmp_path / "marts")
        if not space.table("silver", "reviews").exists:
            rows = TOWN.with_columns(pl.int_range(pl.len()).alias("row"), pl.int_range(pl.len()).alias("lineage_id"))
            space.table("silver", "reviews").append(
                rows.with_columns(pl.col("lineage_id").cast(pl.String)), Commit("test")
            )
        return space

    return make


def test_a_mart_is_written_without_its_small_groups(town: Callable[[str], Workspace]) -> None:
    space = town("{quasi_identifiers: [town, born], k: 3, small_groups: suppress}")
    report = gold.build(space, "town")
    assert (report.rows, dict(report.details)) == (9, {"generalized_rows": 0, "suppressed_rows": 1})
    assert space.table("gold", "town").count() == 9
    found = {f.name: f for f in quality.check_gold(space, gold.marts(space)["town"])}
    assert found["small_groups"].passed and dict(found["small_groups"].counts) == {"groups": 3, "under_3_people": 0}


def test_another_policy_builds_the_mart_anew(town: Callable[[str], Workspace]) -> None:
    gold.build(town("{quasi_identifiers: [town, born], k: 3, small_groups: suppress}"), "town")
    space = town("{quasi_identifiers: [town, born], k: 3, small_groups: [{born: null}, {town: null}]}")
    assert gold.is_stale(space, "town")
    report = gold.build(space, "town")
    assert dict(report.details) == {"generalized_rows": 1, "suppressed_rows": 0}
    rows = space.table("gold", "town").scan().filter(pl.col("id") == 4).collect()
    assert rows.select("town", "born").row(0) == (None, None)
    assert gold.build(space, "town").fresh


def test_a_mart_that_breaks_its_promise_fails_its_check(town: Callable[[str], Workspace]) -> None:
    space = town("{quasi_identifiers: [town, born], k: 3, sensitive: [ill]}")
    assert gold.build(space, "town").rows == 10
    finding = quality.check_gold(space, gold.marts(space)["town"])[-1]
    assert (finding.passed, finding.essential) == (False, True)
    assert finding.summary == "4 groups, 1 under 3 people, 2 ill under 2 values"


def test_a_step_that_does_not_run_names_the_mart(town: Callable[[str], Workspace]) -> None:
    space = town("{quasi_identifiers: [town, born], small_groups: [{born: born + nowhere}]}")
    with pytest.raises(SqlFileError, match=r"mart 'town'.*small groups"):
        gold.build(space, "town")
    assert not space.table("gold", "town").exists


def test_the_samples_mart_shows_no_small_group(sample_lake: SampleLake) -> None:
    rows = sample_lake.space.table("gold", "customers_by_age").scan().collect()
    assert rows.height and rows["customer_count"].min() >= 5  # type: ignore[operator]
    (built,) = (a for a in sample_lake.outcome.assets if a.key == "gold/customers_by_age")
    assert built.details["suppressed_rows"] > 0
