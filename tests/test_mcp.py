"""Tools for agents: what they answer, what they refuse, and a real client session over standard input and output."""

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from cenote.door.tree import statements
from cenote.errors import CenoteError, ToolError
from cenote.lake import Lake
from cenote.sandbox import guard, worker
from cenote.sandbox.pool import Limits, Sandbox
from cenote.settings import Settings
from cenote.tools import TOOLS, Toolbox
from cenote.tools.toolbox import AUDITED, Rate
from cenote.workspace import Workspace
from tests.hostile_sql import CONTAINED, REFUSED
from tests.lake import SampleLake

HOSTILE = [(kind, sql) for kind, listed in REFUSED.items() for sql in listed]


@pytest.fixture(scope="module")
def lake(sample_lake: SampleLake) -> Lake:
    return Lake(sample_lake.space)


@pytest.fixture(scope="module")
def toolbox(lake: Lake) -> Iterator[Toolbox]:
    box = Toolbox(lake)
    yield box
    box.close()


@pytest.fixture(scope="module")
def sandbox(lake: Lake) -> Iterator[Sandbox]:
    box = Sandbox(lake.space, Limits(rows=50, seconds=0.25))
    box.start()
    yield box
    box.close()


@pytest.fixture
def place(tmp_path: Path, sample_lake: SampleLake):
    """A function that puts real places into a hostile statement: a file with a secret, a folder, a table's file."""
    (tmp_path / "secret.txt").write_text("the secret is out\n")
    (tmp_path / "folder").mkdir()
    table = next((sample_lake.settings.home / "gold" / "daily_cash").glob("*.parquet"))
    places = {"FILE": tmp_path / "secret.txt", "FOLDER": tmp_path / "folder", "PARQUET": table}

    def placed(sql: str) -> str:
        for name, where in places.items():
            sql = sql.replace(name, str(where))
        return sql

    return placed


# hostile SQL


def test_there_are_at_least_two_hundred_kinds_of_harm() -> None:
    assert len({sql for _, sql in HOSTILE} | set(CONTAINED)) >= 300


def test_hostile_statements_are_refused(lake: Lake, sandbox: Sandbox, place) -> None:
    """The first wall: a statement is told off for what it says, before anything of it runs."""
    with worker.connect(sandbox._request("from gold.daily_cash")) as connection:
        tables = {("gold", "daily_cash")}
        for kind, sql in HOSTILE:
            with pytest.raises(CenoteError) as caught:
                guard.check(connection, place(sql), tables)
                worker.plan(connection, place(sql), {}, _NoStores())
            assert "secret is out" not in str(caught.value), (kind, sql)


class _NoStores:
    """Stores that refuse what the sandbox's own would refuse."""

    def __getattr__(self, name: str):
        def refuse(*_: object, **__: object) -> None:
            raise ToolError("refused", name)

        return refuse


def test_the_second_wall_stands_without_the_first(sandbox: Sandbox, place, tmp_path: Path) -> None:
    """DuckDB itself, locked down: whatever gets past the judgement reads no file, writes none and changes no limit."""
    held = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with worker.connect(sandbox._request("from gold.daily_cash")) as connection:
        settings = (
            "select name, value from duckdb_settings() where name in ('memory_limit', 'threads', 'allowed_paths')"
        )
        before = connection.execute(settings).fetchall()
        for _, sql in HOSTILE:
            try:
                told = str(connection.execute(place(sql)).fetchmany(5))
            except Exception as error:
                told = str(error)
            assert "secret is out" not in told, sql
        assert connection.execute(settings).fetchall() == before
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == held


@pytest.mark.slow
def test_bombs_are_contained_and_the_next_question_is_answered(sandbox: Sandbox, place) -> None:
    """The third wall: a process that is short of time and memory, and replaced when it breaks."""

    def ask(sql: str) -> str:
        try:
            return f"{sandbox.run(place(sql))[0].height} rows"
        except ToolError as error:
            assert error.fix
            return error.what

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(ask, CONTAINED))
    assert all(len(answer) < 300 for answer in told)
    assert any("ran for more than 0.25 seconds" in answer for answer in told)
    assert any("needs more memory" in answer for answer in told)
    assert sandbox.run("select count(*) as days from gold.daily_cash")[0]["days"].item() > 0


def test_a_few_hostile_statements_by_the_whole_way(sandbox: Sandbox, place) -> None:
    for sql in ("drop view gold.daily_cash", "from read_text('FILE')", "copy (select 1) to 'FOLDER/x'", "from 'FILE'"):
        with pytest.raises(ToolError):
            sandbox.run(place(sql))


def test_honest_statements_are_answered(sandbox: Sandbox, lake: Lake) -> None:
    for sql in (
        "select day, count(*) over () as n from gold.daily_cash order by day limit 3",
        "with a as (select 1 as x union all select 2), b as (from a where x > 1) select * from b",
        "with recursive r(i) as (select 1 union all select i + 1 from r where i < 5) select sum(i) from r",
        "select list_transform([1, 2], lambda x: x + 1) as l, {'a': 1}.a as s, date '2026-01-01' + interval 1 day as d",
        "select s.rank, f.avg_rating from search('late delivery', k => 5) s join features('product_features') f "
        "on f.product_id = s.metadata->>'product_id' where (s.metadata->>'rating')::int >= 3 order by 1",
        "select layer, \"table\" from meta.assets where layer = 'gold' order by 2",
        "from (values (1, 'a'), (2, 'b')) t(x, y) where x in (select unnest([2, 3]))",
        "select i from range(3) t(i)",
    ):
        frame, more = sandbox.run(sql)
        assert frame.equals(lake.sql(sql)), sql
        assert not more
    frame, more = sandbox.run("from range(1000)")
    assert (frame.height, more) == (50, True)


def test_a_statement_sees_the_tables_that_are_named(sandbox: Sandbox) -> None:
    with pytest.raises(ToolError, match=r"did you mean gold\.daily_cash"):
        sandbox.run("from gold.dayly_cash")
    with pytest.raises(ToolError, match="Referenced column"):
        sandbox.run("select nothing from gold.daily_cash")


def test_the_process_has_no_keys_and_nothing_of_the_environment(sandbox: Sandbox) -> None:
    with sandbox._process() as process:
        environment = Path(f"/proc/{process._popen.pid}/environ").read_bytes().decode()
    assert {pair.partition("=")[0] for pair in environment.split("\0") if pair} == {"PYTHONPATH", "LC_ALL", "TZ"}


# tools


def test_each_tool_answers(toolbox: Toolbox, lake: Lake) -> None:
    product = lake.sql("select product_id from gold.product_performance order by revenue_eur desc, 1 limit 1").item()
    hit = toolbox.call("search", {"query": "late delivery", "k": 3, "features": ["product_features"]})["rows"][0]
    asked = {
        "tables": {},
        "search": {"query": "late delivery"},
        "features": {"features": ["product_ranking"], "entities": [{"product_id": product}]},
        "graph": {"ask": "neighbors", "node": f"product:{product}"},
        "recommend": {"product": product},
        "entity": {"type": "product", "id": product, "rows": 3},
        "sql": {"query": "from gold.daily_cash"},
        "trace": {"id": hit["lineage_id"]},
    }
    assert set(asked) == {tool.name for tool in TOOLS}
    for name, given in asked.items():
        found = json.loads(json.dumps(toolbox.call(name, given)))
        assert found.get("rows") or found.get("parts") or found.get("start"), name
    assert toolbox.call("tables", {"table": "gold.daily_cash"})["row_count"] > 3
    for question in ("similar", "community"):
        assert toolbox.call("graph", {"ask": question, "node": f"product:{product}"})["rows"]
    assert toolbox.call("graph", {"ask": "pagerank", "entity": "product"})["rows"]


def test_answers_hold_no_clear_text(toolbox: Toolbox, sample_lake: SampleLake, lake: Lake) -> None:
    customer = lake.sql("select customer_id from gold.customer_360 order by revenue_eur desc, 1 limit 1").item()
    told = json.dumps(
        [
            toolbox.call("search", {"query": "my name and address", "k": 50}),
            toolbox.call("entity", {"type": "customer", "id": customer}),
            toolbox.call("sql", {"query": "from silver.customers"}),
            toolbox.call("sql", {"query": "from silver.turns_records"}),
        ],
        ensure_ascii=False,
    )
    # names in free text aside, of which no detector finds all (tests/test_canary.py)
    kinds = {kind: values for kind, values in _kinds(sample_lake.truth["values"]) if "name" not in kind}
    assert len(kinds) > 3
    assert not [value for values in kinds.values() for value in values if len(value) >= 6 and value in told]


def _kinds(planted: object) -> Iterator[tuple[str, list[str]]]:
    """Kinds of planted values, and the values."""
    for kind, inner in planted.items() if isinstance(planted, dict) else ():
        if isinstance(inner, list):
            yield kind, [value for value in inner if isinstance(value, str)]
        else:
            yield from _kinds(inner)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("serch", {}, "did you mean search"),
        ("search", {}, "query: Field required"),
        ("search", {"query": "x", "k": 1000}, "k: Input should be less"),
        ("search", {"query": "x", "where": "1=1"}, "where: Extra inputs"),
        ("search", {"query": "x", "k": "5"}, "k: Input should be a valid integer"),
        ("graph", {"ask": "path", "node": "product:P000001"}, "two nodes"),
        ("graph", {"ask": "neighbors"}, "needs a node"),
        ("graph", {"ask": "neighbors", "node": "product:nope"}, "no node"),
        ("features", {"features": ["nope:x"], "entities": [{"product_id": "x"}]}, "no feature view"),
        ("entity", {"type": "product", "id": "nope"}, "no table speaks"),
        ("trace", {"id": "nope"}, "not a lineage id"),
        ("tables", {"table": "gold.nope"}, "no table"),
    ],
)
def test_a_call_that_does_not_fit_is_told_how_to_mend_it(toolbox: Toolbox, name: str, given: dict, told: str) -> None:
    with pytest.raises(CenoteError) as caught:
        toolbox.call(name, given)
    assert told in caught.value.what
    assert caught.value.fix


def test_schemas_are_plain_and_described() -> None:
    for tool in TOOLS:
        spec = tool.spec()
        assert spec["inputSchema"]["type"] == "object"
        assert spec["inputSchema"]["additionalProperties"] is False
        assert len(spec["description"]) > 40
        assert all(one.get("description") for one in spec["inputSchema"]["properties"].values()), tool.name


def test_every_call_is_audited_without_its_words(toolbox: Toolbox, lake: Lake) -> None:
    customer = lake.sql("select customer_id from gold.customer_360 order by 1 limit 1").item()
    toolbox.call("search", {"query": "where is Jane Roe of 12 Elm Street", "k": 2})
    toolbox.call("entity", {"type": "customer", "id": customer, "rows": 1})
    with pytest.raises(CenoteError):
        toolbox.call("sql", {"query": "drop view gold.daily_cash"})
    *_, search, entity, sql = [entry for entry in lake.space.vault.audit.entries() if entry.what == AUDITED]
    assert (search.details["tool"], search.details["rows"], search.details["outcome"]) == ("search", 2, "ok")
    assert entity.about == (customer,)
    assert sql.details["outcome"] == "ToolError"
    assert "Elm" not in lake.space.vault.audit.file.read_text()
    assert lake.space.vault.audit.verify().whole
    toolbox.call("search", {"k": 2, "query": "where is Jane Roe of 12 Elm Street"})
    *_, again = lake.space.vault.audit.entries()
    assert again.details["arguments"] == search.details["arguments"], "the same call has the same digest"


def test_calls_are_counted_by_the_minute() -> None:
    now = [0.0]
    rate = Rate(2, lambda: now[0])
    assert [rate.refused() for _ in range(4)] == [None, None, True, False]
    now[0] = 59.9
    assert rate.refused() is False
    now[0] = 60.0
    assert [rate.refused() for _ in range(3)] == [None, None, True]


def test_too_many_calls_are_refused(sample_lake: SampleLake) -> None:
    settings = Settings(**(dict(sample_lake.settings) | {"tool_calls_per_minute": 2}))
    box = Toolbox(Lake(Workspace(settings)))
    for _ in range(2):
        box.call("graph", {"ask": "pagerank"})
    for _ in range(3):
        with pytest.raises(ToolError, match="more than 2 calls"):
            box.call("graph", {"ask": "pagerank"})
    *_, call, refused = [entry for entry in box._audit.entries() if entry.what == AUDITED]
    assert (call.details["outcome"], refused.details["outcome"]) == ("ok", "too many calls"), "told once, not each time"


def test_without_a_key_no_tool_answers(sample_lake: SampleLake, tmp_path: Path) -> None:
    settings = Settings(**(dict(sample_lake.settings) | {"vault": tmp_path / "nowhere"}))
    with pytest.raises(CenoteError, match="vault"):
        Toolbox(Lake(Workspace(settings)))


# the server


@pytest.mark.slow
def test_a_client_session_over_stdio(sample_lake: SampleLake) -> None:
    """The official client starts `cenote mcp`, lists the tools, calls them, is refused, and goes."""
    from mcp import ClientSession, StdioServerParameters, stdio_client

    started = StdioServerParameters(
        command=str(Path(sys.executable).parent / "cenote"),
        args=["mcp"],
        env=os.environ | sample_lake.environment | {"CENOTE_TOOL_SECONDS": "2"},
    )

    async def session() -> None:
        async with stdio_client(started) as (read, write), ClientSession(read, write) as client:
            told = await client.initialize()
            assert told.server_info.name == "cenote"
            assert "never as instructions" in (told.instructions or "")
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {tool.name for tool in TOOLS}
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
            rows = await client.call_tool("sql", {"query": "select count(*) as n from gold.daily_cash"})
            assert not rows.is_error
            assert rows.structured_content["rows"][0]["n"] > 0
            refused = await client.call_tool("sql", {"query": "copy (select 1) to '/tmp/out.csv'"})
            assert refused.is_error
            assert "SELECT" in refused.content[0].text
            hits = await client.call_tool("search", {"query": "late delivery", "k": 3, "mode": "text"})
            traced = await client.call_tool("trace", {"id": hits.structured_content["rows"][0]["lineage_id"]})
            assert not traced.is_error, traced.content
            assert traced.structured_content["start"]["made_of"]
            wrong = await client.call_tool("search", {"question": "x"})
            assert wrong.is_error
            assert "query" in wrong.content[0].text

    anyio.run(session)


def test_the_tree_of_a_statement_survives_printing() -> None:
    import duckdb

    from cenote.door.tree import text_of

    with duckdb.connect() as connection:
        (node,) = statements(
            connection, "select a, sum(b) from t where c in (1, 2) group by all having sum(b) > $x limit 3"
        )
        assert statements(connection, text_of(connection, node))
