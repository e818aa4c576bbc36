"""A shop of any size for benchmarks: silver made up in SQL and written as a lake writes it, straight into Delta.

Belongs here: making the lake. Must not: measuring. Orders land in the order of time, so that a customer's rows lie
everywhere, which is the hard case for looking things up; silver is then compacted, as the nightly job does it.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from cenote import compaction
from cenote.settings import Settings
from cenote.tables import CLUSTERED_ROW_GROUP, Commit
from cenote.workspace import Workspace
from transforms.contract import Field

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
SECONDS = 2 * 365 * 24 * 3600

_HEX = "substr(md5(CAST({} AS VARCHAR)), 1, 24)"
_CUSTOMER = f"'customer_' || {_HEX.format('(hash(i) % {customers})')}"
_AT = "TIMESTAMPTZ '2024-11-20 00:00:00+00' + to_seconds(CAST(i * {seconds} // {rows} AS BIGINT))"
_LANDED = "TIMESTAMPTZ '2026-11-19 00:00:00+00'"
_TYPES = {
    "string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMPTZ", "time": "TIME", "object": "VARCHAR",
}  # fmt: skip
# What columns hold; the others are null.
VALUES = {
    "customers": {"customer_id": f"'customer_' || {_HEX.format('i')}", "segment": "'consumer'", "country": "'PT'",
                  "created_at": _AT, "updated_at": _AT, "is_deleted": "false", "marketing_opt_in": "true",
                  "birth_year": "1940 + i % 65"},
    "products": {"product_id": "'P' || i", "name": "'product ' || i", "price_eur": "9.5", "cost_eur": "4",
                 "stock_units": "i % 100", "category": "'c' || i % 9", "is_active": "true", "updated_at": _AT},
    "orders": {"order_id": "'O' || i", "customer_id": _CUSTOMER, "ordered_at": _AT, "updated_at": _AT,
               "status": "['paid', 'shipped', 'delivered', 'returned', 'cancelled'][1 + i % 5]", "total_eur": "i % 500",
               "currency": "'EUR'", "channel": "'web'",
               "lines": "list_transform([1, 2], lambda n: {{'product_id': 'P' || (hash(i + n) % {products}), "
                        "'quantity': n, 'unit_price_eur': CAST(9.5 AS DECIMAL(12, 2))}})"},
    "invoices": {"invoice_id": "'I' || i", "order_id": "'O' || i", "customer_id": _CUSTOMER, "issued_at": _AT,
                 "status": "['open', 'paid', 'void'][1 + i % 3]", "amount_eur": "i % 500", "tax_eur": "i % 90",
                 "paid_at": f"{_AT} + INTERVAL 9 DAY", "changed_at": _AT, "change_seq": "i"},
    "conversations": {"conversation_id": "'V' || i", "customer_id": _CUSTOMER, "state": "'resolved'",
                      "channel": "'chat'", "started_at": _AT, "updated_at": _AT, "satisfaction": "1 + i % 5"},
    "turns": {"turn_id": "'T' || i", "conversation_id": "'V' || i // 2", "customer_id": _CUSTOMER, "said_at": _AT,
              "role": "['customer', 'assistant'][1 + i % 2]", "product_id": "'P' || i % {products}"},
    "reviews": {"review_id": "'R' || i", "customer_id": _CUSTOMER, "product_id": "'P' || (hash(i + 7) % {products})",
                "rating": "1 + i % 5", "reviewed_at": _AT},
    "consents": {"consent_id": "'S' || i", "customer_id": _CUSTOMER, "purpose": "['marketing', 'analytics'][1 + i % 2]",
                 "granted": "i % 3 > 0", "given_at": _AT},
    "media_assets": {"media_id": "'M' || i", "product_id": "'P' || i % {products}", "kind": "'image'",
                     "updated_at": _AT},
}  # fmt: skip
SHARES = {"customers": 20, "products": 500, "orders": 1, "invoices": 1, "conversations": 10, "turns": 5, "reviews": 5,
          "consents": 10, "media_assets": 500}  # fmt: skip


def open_shop(home: Path) -> Workspace:
    """A workspace on the shop's folder."""
    return Workspace(Settings(home=home / "data", vault=home / "vault", as_of=AS_OF))


def make_shop(space: Workspace, orders: int) -> None:
    """Write all silver tables of a shop with so many orders, and compact them."""
    for dataset in SHARES:
        make_silver(space, dataset, orders)
    compaction.compact(space, at_once=True)


def make_silver(space: Workspace, dataset: str, orders: int) -> None:
    """Write a silver table, and for orders a bronze table, with made-up rows."""
    contract, rows = space.contract(dataset), orders // SHARES[dataset]
    batch = f"{abs(hash(dataset)) % 16:x}" * 16 + "0" * 8
    given = {
        name: value.format(customers=orders // 20, products=orders // 500, seconds=SECONDS, rows=rows)
        for name, value in VALUES[dataset].items()
    }
    lineage = f"substr('{batch}', 1, 18) || printf('%06d-%010d', i // 50000, i % 50000) AS lineage_id"
    subject = given.get("customer_id", "CAST(NULL AS VARCHAR)")
    keyed = [
        "'upsert' AS change_op",
        f"{given.get('updated_at', given.get('changed_at', 'NULL'))} AS valid_from",
        "CAST(NULL AS TIMESTAMPTZ) AS valid_to",
        "true AS is_current",
    ]
    columns = [
        lineage, f"{subject} AS subject_id", "CAST([] AS VARCHAR[]) AS mentions", f"{_LANDED} AS landed_at",
        *(keyed if contract.keyed else []),
        *(f"CAST({given.get(f.name, 'NULL')} AS {_type(f)}) AS {f.name}" for f in contract.fields),
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        made = connection.sql(f"SELECT {', '.join(columns)} FROM range({rows}) AS r(i)")
        space.table("silver", dataset).append(made.to_arrow_reader(65_536), Commit("silver", code=contract.digest))
        if dataset == "orders":
            raw = f"SELECT {lineage}, 'b' AS batch_id, i AS row, {_LANDED} AS landed_at, {subject} AS subject_id"
            raw += ", 'k' AS key_id, CAST('' AS BLOB) AS prefix, CAST(md5(CAST(i AS VARCHAR)) AS BLOB) AS payload"
            raw += f" FROM range({rows}) AS r(i)"
            space.table("bronze", dataset).append(
                connection.sql(raw).to_arrow_reader(65_536), Commit("bronze"), ["subject_id"], CLUSTERED_ROW_GROUP
            )


def _type(field: Field) -> str:
    if field.type == "array":
        return f"{_type(field.items)}[]" if field.items else "VARCHAR[]"
    if field.type == "object" and field.properties:
        return "STRUCT(" + ", ".join(f"{p.name} {_type(p)}" for p in field.properties) + ")"
    if field.mask.strategy == "generalize" and field.type == "date":
        return "INTEGER"
    decimal = (field.physical_type or "").startswith("decimal")
    return str(field.physical_type) if decimal else _TYPES[field.type]
