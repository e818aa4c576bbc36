"""One door: SQL that joins search, graph and features; retrieval, recommendations and entities. On the sample lake."""

import json
import re
import time
from importlib import import_module

import polars as pl
import pytest

import cenote
from cenote import catalog
from cenote.door.statement import calls_functions
from cenote.errors import CenoteError, FeatureError, GraphError, TableError
from cenote.lake import Lake
from tests.lake import SampleLake
from transforms import recommend as scores

LINEAGE_ID = re.compile(r"^([0-9a-f]{24}-[0-9]{10}|[a-z0-9_/]+-[0-9a-f]{24})$")


@pytest.fixture
def lake(sample_lake: SampleLake) -> Lake:
    return Lake(sample_lake.space)


@pytest.fixture
def product(lake: Lake) -> str:
    return str(lake.sql("select product_id from gold.product_performance order by revenue_eur desc, 1 limit 1").item())


@pytest.fixture
def customer(lake: Lake) -> str:
    return str(lake.sql("select customer_id from gold.customer_360 order by revenue_eur desc, 1 limit 1").item())


# SQL


def test_one_statement_joins_all_stores(lake: Lake) -> None:
    found = lake.sql(
        """
        with hits as (
            select s.rank, s.lineage_id, s.metadata->>'product_id' as product_id
            from search($question, k => $k, mode => 'vector') as s where s.namespace = 'products'
        )
        select h.rank, p.revenue_eur, f.sales_last_30d, h.lineage_id, f.lineage_id as feature_id, n.lineage_ids
        from hits h
        join gold.product_performance p using (product_id)
        left join features('product_features') f using (product_id)
        left join neighbors((select source from graph.edges where source like 'customer:%' order by 1 limit 1)) n
          on n.id = h.product_id
        order by h.rank
        """,
        {"question": "a comfortable chair", "k": 5},
    )
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert all(LINEAGE_ID.match(i) for i in [*found["lineage_id"], *found["feature_id"].drop_nulls()])
    assert found.schema["lineage_ids"] == pl.List(pl.String)


def test_search_in_sql_is_the_search(lake: Lake) -> None:
    for mode in ("hybrid", "vector", "text"):
        expected = lake.search("late delivery", k=7, mode=mode)
        assert lake.sql(f"from search('late delivery', k => 7, mode => '{mode}')").equals(expected)


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ("namespace = 'reviews'", "namespace = 'reviews'"),
        ("'reviews' = s.namespace", "namespace = 'reviews'"),
        ("s.namespace in ('memos', 'turns')", "namespace in ('memos', 'turns')"),
        ("s.dataset = $d", "dataset = 'reviews'"),
        ("(s.metadata->>'rating')::int >= 4", "metadata like '%\"rating\":4%' or metadata like '%\"rating\":5%'"),
        ("s.metadata->>'status' is not null", "metadata like '%\"status\":%'"),
        ("s.title is null and s.namespace = 'turns'", "title is null and namespace = 'turns'"),
        ("s.namespace = 'reviews' or s.namespace = 'memos'", "namespace in ('reviews', 'memos')"),
        ("s.namespace = upper('nothing')", "false"),
    ],
)
def test_conditions_reach_the_store_before_ranking(lake: Lake, condition: str, where: str) -> None:
    """So k hits come back where that many match, not the matching ones among the first k."""
    params = {"d": "reviews"} if "$d" in condition else None
    found = lake.sql(f"select * from search('late delivery', k => 9, mode => 'vector') s where {condition}", params)
    assert found.equals(lake.search("late delivery", k=9, mode="vector", where=where))


def test_conditions_pass_joins_to_the_side_that_is_kept(lake: Lake) -> None:
    ask = "search('late delivery', k => 4, mode => 'vector') s"
    reviews = lake.search("late delivery", k=4, mode="vector", namespace="reviews")["passage_id"].to_list()
    for sql in (
        f"select passage_id from {ask}, (select 1) where s.namespace = 'reviews'",
        f"select passage_id from {ask} left join (select 1 one) on true where s.namespace = 'reviews'",
        f"select passage_id from (select 1 one) left join {ask} on s.namespace = 'reviews'",
        f"select passage_id from (select 1 one) join {ask} on s.namespace = 'reviews' and one = 1",
    ):
        assert lake.sql(sql)["passage_id"].to_list() == reviews, sql
    kept = lake.sql(f"select passage_id from (select 1 one) right join {ask} on s.namespace = 'reviews' and one = 1")
    assert kept["passage_id"].to_list() == lake.search("late delivery", k=4, mode="vector")["passage_id"].to_list()


def test_features_in_sql_are_what_is_served(lake: Lake) -> None:
    rows = lake.sql("from features('customer_features')")
    served = lake.features(
        ["customer_features:total_orders", "customer_features:total_spent"], rows.select("customer_id")
    )
    assert rows.select("customer_id", "total_orders", "total_spent").equals(served)
    assert rows["customer_id"].is_unique().all()
    assert lake.sql("from features('product_inventory')").is_empty(), "a level is good for an hour"
    assert lake.sql("from features('customer_features', as_of => date '2020-01-01')").is_empty()


def test_a_filter_on_the_key_reaches_the_feature_files(lake: Lake, customer: str) -> None:
    with catalog.connect(lake.space, ["features/customer_features"]) as connection:
        sql, _ = catalog._planned(lake.space, connection, "from features('customer_features')", {})
        ((_, told),) = connection.execute(f"explain select * from ({sql}) where customer_id = '{customer}'").fetchall()
    scan = told[told.index("READ_PARQUET") :]
    assert "Filters" in scan
    assert customer[:10] in scan


def test_neighbors_in_sql_are_the_graphs(lake: Lake, product: str) -> None:
    found = lake.sql("from neighbors($node, hops => 2, types => ['ordered'])", {"node": f"product:{product}"})
    assert found.drop("id").equals(lake.graph.neighbours(f"product:{product}", 2, types=["ordered"]))
    assert found["id"].to_list() == [node.partition(":")[2] for node in found["node"]]
    assert lake.sql(f"from neighbours('product:{product}')").height > 0


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("from search(k => 3)", "needs query"),
        ("from search('x', 3, 'y', 'text', 5)", "at most 4"),
        ("from search('x', kk => 3)", "did you mean k"),
        ("from search('x', k => 'three')", "takes k as int, not str"),
        ("from search('x', k => true)", "not bool"),
        ("from search('x', k => 2, k => 3)", "twice"),
        ("from search('x', mode => vector)", "put text in quotes"),
        ("from search('x', mode => 'fast')", "known: hybrid"),
        ("from search('x', k => 0)", "k is 0"),
        ("from gold.customer_360 c, search(c.customer_id)", "'c.customer_id'"),
        ("from search('x') tablesample 10%", "TABLESAMPLE"),
        ("from search('x'); from search('y')", "one at a time"),
        ("from neighbors((select node from search('x')))", "in its own"),
        ("from neighbors('product:nope')", "there is no node"),
        ("from features('custmer_features')", "did you mean customer_features"),
        ("from features('customer_recency')", "on demand"),
        ("from features('customer_features', as_of => 'soon')", "as_of is no moment"),
        ("explain from search('x')", "SELECT"),
        ("from search('x", "unterminated"),
        ("select * from search('x') s where s.nothing = 1", "nothing"),
    ],
)
def test_mistakes_are_told_with_the_way_to_mend_them(lake: Lake, sql: str, told: str) -> None:
    with pytest.raises(CenoteError) as caught:
        lake.sql(sql)
    assert told in caught.value.what + caught.value.fix
    assert caught.value.fix


def test_words_that_look_like_calls_are_left_alone(lake: Lake) -> None:
    assert lake.sql("select 'search(' as a, list_contains([1], 1) as b -- features(").rows() == [("search(", True)]
    assert lake.sql("select 'é' as a, rank from search('delivery', k => 1) as \"search\" -- ü").rows() == [("é", 1)]
    assert not calls_functions("select array_search(x) from silver.orders")


def test_sql_without_calls_is_not_parsed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(catalog, "plan", never)
    assert lake.sql("select 1 as one").item() == 1
    many = "select " + "research, ft_search " * 20_000
    begun = time.process_time()
    assert not calls_functions(many)
    assert time.process_time() - begun < 0.1


# retrieval


def test_passages_come_with_features_and_where_these_are_from(lake: Lake) -> None:
    found = lake.search_and_retrieve("late delivery", ["customer_features:total_orders", "product_features"], k=12)
    assert found.select(lake.search("late delivery", k=12).columns).equals(lake.search("late delivery", k=12))
    of = found.drop_nulls("customer_features__total_orders")
    assert of.height
    rows = lake.sql("select customer_id, lineage_id, total_orders from features('customer_features')")
    agreed = of.join(rows, on="customer_id").filter(
        (pl.col("customer_features__lineage_id") == pl.col("lineage_id_right"))
        & (pl.col("customer_features__total_orders") == pl.col("total_orders"))
    )
    assert agreed.height == of.height
    assert found.filter(pl.col("product_id").is_null())["product_features__avg_rating"].null_count() > 0


def test_a_service_brings_on_demand_features_too(lake: Lake) -> None:
    found = lake.search_and_retrieve("late delivery", "shop_assistant", k=5, namespace="reviews")
    assert found["customer_recency__churn_risk_score"].drop_nulls().is_between(0, 1).all()
    nobody = lake.search_and_retrieve("returns", "shop_assistant", k=2, namespace="documents")
    assert nobody["customer_features__total_orders"].null_count() == nobody.height
    with pytest.raises(FeatureError, match="did you mean customer_features"):
        lake.search_and_retrieve("x", "custmer_features")


# recommendations


@pytest.mark.parametrize("kind", ["customer", "product", "people"])
def test_recommendations_are_repeatable_and_say_why(lake: Lake, customer: str, product: str, kind: str) -> None:
    asked = {kind: product if kind == "product" else customer}
    found = lake.recommend(**asked, k=5)
    assert found.height
    assert found.equals(Lake(lake.space).recommend(**asked, k=5))
    assert found["score"].is_sorted(descending=True)
    assert asked[kind] not in found["id"]
    signals = found.select("co_purchase", "similarity", "graph")
    assert signals.select(pl.all_horizontal(pl.all().is_null())).to_series().any() is False
    assert all(part.drop_nulls().is_between(0, 1).all() for part in signals)
    every = found["lineage_ids"].explode().drop_nulls().unique()
    known = lake.sql("select lineage_id from graph.edges union select lineage_id from silver.products")["lineage_id"]
    assert every.is_in(known.implode()).all()


def test_a_customer_gets_nothing_that_the_customer_has(lake: Lake, customer: str) -> None:
    has = lake.graph.neighbours(f"customer:{customer}")["node"]
    assert not lake.recommend(customer=customer, k=50)["node"].is_in(has.implode()).any()
    assert not lake.recommend(people=customer, k=50)["node"].is_in(has.implode()).any()


def test_a_newcomer_gets_the_central_products(lake: Lake) -> None:
    found = lake.recommend(customer="customer_of_tomorrow", k=3)
    assert found["node"].to_list() == lake.graph.pagerank("product", 3)["node"].to_list()


def test_recommend_is_asked_about_one_thing(lake: Lake, product: str) -> None:
    with pytest.raises(GraphError, match="exactly one"):
        lake.recommend()
    with pytest.raises(GraphError, match="exactly one"):
        lake.recommend(product=product, customer="x")
    with pytest.raises(GraphError, match="kind of entity"):
        lake.recommend(product=product, person="custmer")


def test_co_purchase_is_the_mean_cosine() -> None:
    ties = pl.DataFrame(
        [("ann", "pan"), ("ann", "lid"), ("bob", "pan"), ("bob", "lid"), ("cid", "pan"), ("cid", "cup")],
        schema=["person", "item"],
        orient="row",
    ).with_columns(pl.concat_list(pl.format("{}-{}", "person", "item")).alias("lineage_ids"))
    found = scores.together(ties, pl.Series(["pan"]))
    assert found.select("item", "shared").rows() == [("lid", 2), ("cup", 1)]
    assert found["score"].to_list() == pytest.approx([2 / (3 * 2) ** 0.5, 1 / 3**0.5])
    assert found["lineage_ids"].to_list() == [["ann-lid", "bob-lid"], ["cid-cup"]]


# entities


def test_an_entity_is_gathered_from_every_store(lake: Lake, customer: str, sample_lake: SampleLake) -> None:
    found = lake.entity("customer", customer)
    for part in (
        "silver.customers",
        "silver.orders",
        "gold.customer_360",
        "features.customer_features",
        "graph.pagerank",
    ):
        assert found.parts[part].height, part
    assert found.neighbours.height
    assert found.passages["subject_id"].unique().to_list() == [customer]
    orders = lake.sql("select count(*) from silver.orders where customer_id = $c", {"c": customer}).item()
    assert found.counts["silver.orders"] == orders
    assert all(LINEAGE_ID.match(i) for i in found.lineage_ids)
    told = json.dumps(found.as_dict(), default=str)
    assert not [value for value in sample_lake.planted if value in told]


def test_a_product_is_found_inside_order_lines(lake: Lake, product: str) -> None:
    found = lake.entity("product", product, limit=3)
    expected = (
        "select count(*) from silver.orders where list_contains(list_transform(lines, lambda l: l.product_id), $p)"
    )
    assert found.counts["silver.orders"] == lake.sql(expected, {"p": product}).item()
    assert found.tables["silver.orders"].height == min(3, found.counts["silver.orders"])
    assert "silver.products" in repr(found)


def test_who_is_not_there_is_told(lake: Lake) -> None:
    with pytest.raises(GraphError, match="did you mean product"):
        lake.entity("produkt", "x")
    with pytest.raises(GraphError, match="no table speaks of"):
        lake.entity("product", "P-none")


def test_hidden_people_leave_every_door(
    lake: Lake, customer: str, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cenote.door import entity, people

    shown = lake.search("delivery", k=400, mode="vector")
    assert customer in shown["subject_id"]
    for module in (people, entity, import_module("cenote.vectors.search")):
        monkeypatch.setattr(module, "hidden", lambda _: (customer,))
    left = lake.search("delivery", k=400, mode="vector")
    assert left.height == 400, "others take their place"
    assert customer not in left["subject_id"]
    assert customer not in lake.sql(f"from neighbors('product:{product}')")["id"]
    with pytest.raises(GraphError):
        lake.entity("customer", customer)


def test_the_notes_about_views_are_made_again_where_they_are_missing(sample_lake: SampleLake) -> None:
    from cenote.features.definitions import applied, described

    assert applied(sample_lake.space)
    views = described(sample_lake.space)
    assert views["product_inventory"].ttl == 3600
    assert views["shop_assistant"].keys == {"customer_id": "customer", "product_id": "product"}
    assert views["customer_recency"].kind == "on demand"
    assert all(view.owner and view.description for view in views.values())


def test_cenote_opens_the_door(sample_lake: SampleLake) -> None:
    with pytest.raises(TableError, match="there is no table"):
        cenote.open(home=sample_lake.settings.home, vault=sample_lake.settings.vault).sql(
            "select * from search('delivery', k => 1) join gold.nope using (lineage_id)"
        )
