"""A small shop with known answers: silver tables of the eleven datasets of the sample domain, written as
Delta.

Belongs here: rows that other tests build marts, edges, passages and features from. Must not: testing
anything.
Five customers (ana, ben, chen, dora, eve; dora has left), six products, six orders. Money that counts as
revenue
(orders that are paid, shipped or delivered): ana 55.50, ben 299.97, chen 0, dora 10.00. Everything
    happened before
``NOW`` of tests/conftest.py.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from cenote.lineage import RecordId
from cenote.tables import Commit
from cenote.workspace import Workspace

TS = pl.Datetime("us", "UTC")
EUR = pl.Decimal(12, 2)
LANDED = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
Row = tuple[Any, ...]
_TYPES = {
    "str": pl.String,
    "int": pl.Int64,
    "year": pl.Int32,
    "bool": pl.Boolean,
    "ts": TS,
    "eur": EUR,
    "tags": pl.List(pl.String),
    "lines": pl.List(pl.Struct({"product_id": pl.String, "quantity": pl.Int64, "unit_price_eur": EUR})),
    "stages": pl.List(
        pl.Struct({"stage": pl.String, "provider": pl.String, "latency_ms": pl.Int64, "cost_usd": pl.Float64})
    ),
}
_KEY = b"a pseudonym key for tests only!!"


def token(natural_id: str, entity: str = "customer") -> str:
    """The pseudonym that stands for a natural id in these tables (its subject id as well)."""
    digest = hmac.new(_KEY, f"{entity}\x1f{natural_id}".encode(), hashlib.sha256).hexdigest()
    return f"{entity}_{digest[:24]}"


ANA, BEN, CHEN, DORA, EVE = (token(name) for name in ("ana", "ben", "chen", "dora", "eve"))
STAFF = token("staff_01", "author")
REVENUE = {ANA: Decimal("55.50"), BEN: Decimal("299.97"), CHEN: Decimal(0), EVE: Decimal(0)}


def at(text: str) -> datetime:
    """``"11-10"`` or ``"11-10 09:30"`` of the year 2026, UTC."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def batch_id(dataset: str) -> str:
    """The batch that all rows of a dataset came in."""
    return hashlib.sha256(dataset.encode()).hexdigest()[:24]


def lineage_id(dataset: str, row: int) -> str:
    """Lineage id of the dataset's record number ``row``."""
    return str(RecordId(batch_id(dataset), row))


def silver_shop(space: Workspace) -> None:
    """Write the shop's silver tables into the lake of ``space``."""
    for dataset, frame in shop_frames().items():
        space.table("silver", dataset).append(frame, Commit("silver", code="scenario", run_id=space.run_id))


def shop_frames() -> dict[str, pl.DataFrame]:
    """The silver tables as frames, keyed by dataset."""
    return {
        "customers": _customers(),
        "products": _products(),
        "orders": _orders(),
        "invoices": _invoices(),
        "conversations": _conversations(),
        "turns": _turns(),
        "documents": _documents(),
        "reviews": _reviews(),
        "follows": _follows(),
        "media_assets": _media_assets(),
        "consents": _consents(),
    }


def _frame(
    dataset: str,
    columns: str,
    rows: list[Row],
    *,
    subject: str | None = "customer_id",
    mention: str | None = None,
) -> pl.DataFrame:
    """Rows of a dataset, with the leading columns that every silver table has.

    ``columns``: names in the order of the values in ``rows``; strings unless ``name:type`` says otherwise.
    """
    pairs = [(name, _TYPES[kind or "str"]) for name, _, kind in (c.partition(":") for c in columns.split())]
    values = pl.DataFrame(rows, schema=dict(pairs), orient="row")
    return values.select(
        pl.Series("lineage_id", [lineage_id(dataset, n) for n in range(len(rows))]),
        (pl.col(subject) if subject else pl.lit(None, pl.String)).alias("subject_id"),
        (pl.concat_list(mention) if mention else pl.lit([], pl.List(pl.String))).alias("mentions"),
        pl.lit(LANDED, TS).alias("landed_at"),
        *values.columns,
    )


# What a keyed row ends with
_VALIDITY = " change_op valid_from:ts valid_to:ts is_current:bool"


def _now(since: str) -> Row:
    return ("upsert", at(since), None, True)


def _was(since: str, until: str) -> Row:
    return ("upsert", at(since), at(until), False)


def _gone(since: str) -> Row:
    return ("delete", at(since), None, False)


def _maybe(moment: str | None) -> datetime | None:
    return at(moment) if moment else None


# fmt: off
def _customers() -> pl.DataFrame:
    columns = """
        customer_id name email phone birth_year:year national_id street city postal_code country ip_address
        segment marketing_opt_in:bool created_at:ts updated_at:ts is_deleted:bool
    """

    def row(who: str, city: str, land: str, segment: str, made: str, changed: str, gone: bool = False) -> Row:
        red = "<REDACTED>"
        contact = (red, token(f"{who}@mail", "email"), "***1234", 1980, red)
        address = (red, city, "100", land, "10.0.0.0/24")
        return (token(who), *contact, *address, segment, True, at(made), at(changed), gone)

    rows = [
        row("ana", "Lisbon", "PT", "consumer", "01-05", "01-05") + _was("01-05", "06-01"),
        row("ana", "Porto", "PT", "small_business", "01-05", "06-01") + _now("06-01"),
        row("ben", "Berlin", "DE", "enterprise", "02-01", "02-01") + _now("02-01"),
        row("chen", "Boston", "US", "consumer", "03-01", "03-01") + _now("03-01"),
        row("dora", "Vigo", "ES", "consumer", "04-01", "04-01") + _was("04-01", "10-01"),
        row("dora", "Vigo", "ES", "consumer", "04-01", "10-01", gone=True) + _gone("10-01"),
        row("eve", "Lyon", "FR", "consumer", "11-01", "11-01") + _now("11-01"),
    ]
    return _frame("customers", columns + _VALIDITY, rows)


def _products() -> pl.DataFrame:
    columns = """
        product_id name description category brand price_eur:eur cost_eur:eur stock_units:int tags:tags
        is_active:bool updated_at:ts
    """

    def row(number: int, name: str, kind: str, price: str, cost: str, stock: int, tags: str, day: str) -> Row:
        about = (name, f"{name}, made to last.", kind, "Acme", Decimal(price), Decimal(cost))
        return (f"P{number}", *about, stock, tags.split(), number != 6, at(day))

    rows = [
        row(1, "Travel mug", "kitchen", "9.00", "4.00", 50, "travel steel", "01-01") + _was("01-01", "02-01"),
        row(1, "Travel mug", "kitchen", "10.00", "4.00", 40, "travel steel", "02-01") + _now("02-01"),
        row(2, "Tea kettle", "kitchen", "25.50", "12.50", 10, "steel", "01-01") + _now("01-01"),
        row(3, "Quiet headphones", "audio", "99.99", "60.00", 5, "travel audio", "01-01") + _now("01-01"),
        row(4, "Desk lamp", "home", "7.25", "3.00", 100, "", "01-01") + _now("01-01"),
        row(5, "Wool blanket", "home", "40.00", "22.00", 0, "wool", "01-01") + _now("01-01"),
        row(6, "Cassette player", "audio", "15.00", "9.00", 0, "audio", "01-01") + _now("01-01"),
    ]
    return _frame("products", columns + _VALIDITY, rows, subject=None)


def _orders() -> pl.DataFrame:
    columns = """
        order_id customer_id status channel currency ordered_at:ts updated_at:ts total_eur:eur ship_city
        ship_country ship_postal_code lines:lines note
    """

    def row(number: int, who: str, state: str, channel: str, placed: str, changed: str, *lines: Row) -> Row:
        parts = [{"product_id": p, "quantity": n, "unit_price_eur": Decimal(price)} for p, n, price in lines]
        total = sum((Decimal(price) * n for _, n, price in lines), Decimal(0))
        ship = ("Porto", "PT", "100")
        return (f"O{number}", who, state, channel, "EUR", at(placed), at(changed), total, *ship, parts, None)

    mug, kettle, lamp = ("P1", 1, "10.00"), ("P2", 1, "25.50"), ("P4", 1, "7.25")
    rows = [
        row(1, ANA, "delivered", "web", "09-01 10:00", "09-04", ("P1", 2, "10.00"), kettle) + _now("09-04"),
        row(2, ANA, "placed", "app", "11-10 09:00", "11-10 09:00", mug) + _was("11-10 09:00", "11-10 09:05"),
        row(2, ANA, "paid", "app", "11-10 09:00", "11-10 09:05", mug) + _now("11-10 09:05"),
        row(3, BEN, "shipped", "assistant", "10-20 15:00", "10-22", ("P3", 3, "99.99")) + _now("10-22"),
        row(4, CHEN, "cancelled", "web", "11-01 08:00", "11-02", kettle) + _now("11-02"),
        row(5, CHEN, "returned", "store", "11-15 12:00", "11-18", lamp) + _now("11-18"),
        row(6, DORA, "delivered", "web", "08-01 12:00", "08-05", mug) + _now("08-05"),
    ]
    return _frame("orders", columns + _VALIDITY, rows)


def _invoices() -> pl.DataFrame:
    columns = """
        invoice_id order_id customer_id status amount_eur:eur tax_eur:eur issued_at:ts due_at:ts paid_at:ts
        memo changed_at:ts change_seq:int
    """

    def row(
        number: int, who: str, status: str, amount: str, tax: str, issued: str, paid: str | None, seq: int
    ) -> Row:
        memo = "Delivered to the office of <PERSON>, please pay by transfer."
        money = (Decimal(amount), Decimal(tax))
        dates = (at(issued), at("12-10"), _maybe(paid))
        return (f"I{number}", f"O{number}", who, status, *money, *dates, memo, at(paid or issued), seq)

    rows = [
        row(1, ANA, "open", "45.50", "8.50", "09-01", None, 1) + _was("09-01", "09-05"),
        row(1, ANA, "paid", "45.50", "8.50", "09-01", "09-05", 2) + _now("09-05"),
        row(2, ANA, "open", "10.00", "1.90", "11-10", None, 3) + _now("11-10"),
        row(3, BEN, "paid", "299.97", "56.99", "10-20", "11-01", 4) + _now("11-01"),
        row(4, CHEN, "void", "25.50", "4.85", "11-01", None, 5) + _now("11-01"),
        row(5, CHEN, "paid", "7.25", "1.38", "11-15", "11-15", 6) + _now("11-15"),
        row(6, DORA, "paid", "10.00", "1.90", "08-01", "08-02", 7) + _now("08-02"),
    ]
    return _frame("invoices", columns + _VALIDITY, rows)


def _conversations() -> pl.DataFrame:
    columns = """
        conversation_id customer_id state channel language started_at:ts ended_at:ts updated_at:ts
        satisfaction:int
    """

    def row(
        number: int, who: str, state: str, channel: str, start: str, end: str | None, score: int | None
    ) -> Row:
        times = (at(start), _maybe(end), at(end or start))
        return (f"V{number}", who, state, channel, "en", *times, score, *_now(end or start))

    rows = [
        row(1, ANA, "resolved", "voice", "11-10 08:00", "11-10 08:05", 5),
        row(2, ANA, "abandoned", "voice", "11-10 18:00", "11-10 18:01", 2),
        row(3, BEN, "resolved", "chat", "11-12 10:00", "11-12 10:20", 4),
        row(4, CHEN, "open", "chat", "11-19 20:00", None, None),
    ]
    return _frame("conversations", columns + _VALIDITY, rows)


def _turns() -> pl.DataFrame:
    columns = """
        turn_id conversation_id customer_id turn_index:int role said_at:ts transcript stages:stages product_id
    """

    def stages(*parts: Row) -> list[dict[str, Any]]:
        names = ("stage", "provider", "latency_ms", "cost_usd")
        return [dict(zip(names, part, strict=True)) for part in parts]

    heard = stages(("asr", "whisper", 100, 0.001))
    spoken = stages(("llm", "lumen", 400, 0.01), ("tts", "echo", 100, 0.002))
    looked = stages(("llm", "lumen", 900, 0.02))
    found = stages(("retrieval", "cenote", 50, 0.0), ("llm", "lumen", 250, 0.005))
    rows = [
        ("T1", "V1", ANA, 0, "customer", at("11-10 08:00"), "Does the travel mug keep tea hot?", heard, "P1"),
        ("T2", "V1", ANA, 1, "assistant", at("11-10 08:01"), "Yes, for six hours.", spoken, "P1"),
        ("T3", "V2", ANA, 0, "customer", at("11-10 18:00"), "Where is my order?", heard, None),
        ("T4", "V2", ANA, 1, "assistant", at("11-10 18:01"), "Let me look.", looked, None),
        ("T5", "V3", BEN, 0, "customer", at("11-12 10:00"), "Are the headphones good on trains?", [], "P3"),
        ("T6", "V3", BEN, 1, "assistant", at("11-12 10:01"), "They cancel low rumble well.", found, "P3"),
        ("T7", "V4", CHEN, 0, "customer", at("11-19 20:00"), "Can I return a lamp?", [], "P4"),
    ]
    return _frame("turns", columns, rows)


def _documents() -> pl.DataFrame:
    columns = "document_id title body author_id tags:tags status created_at:ts updated_at:ts"

    def row(number: int, title: str, body: str, tags: str, status: str, changed: str) -> Row:
        return (f"D{number}", title, body, STAFF, tags.split(), status, at("01-10"), at(changed))

    rows = [
        row(1, "Returns", "Return it within thirty days.", "returns", "published", "01-10") + _now("01-10"),
        row(2, "Shipping", "Parcels take days.", "travel shipping", "published", "03-01") + _now("03-01"),
        row(3, "Caring for steel", "Rinse with vinegar.", "steel", "draft", "04-01") + _now("04-01"),
        row(4, "Old prices", "Prices of last year.", "prices", "deleted", "05-01") + _gone("05-01"),
    ]
    return _frame("documents", columns + _VALIDITY, rows, subject=None)


def _reviews() -> pl.DataFrame:
    columns = "review_id customer_id product_id rating:int title body reviewed_at:ts"
    rows = [
        ("R1", ANA, "P1", 5, "Lovely mug", "Keeps tea hot on the train.", at("09-10")),
        ("R2", ANA, "P2", 3, "Slow kettle", "Takes a while to boil.", at("09-11")),
        ("R3", BEN, "P3", 4, "Quiet at last", "Great on planes, heavy on the head.", at("11-05")),
        ("R4", DORA, "P1", 4, "Good mug", "Sturdy.", at("08-10")),
    ]
    return _frame("reviews", columns, rows)


def _follows() -> pl.DataFrame:
    columns = "follower_id followed_id since:ts until:ts updated_at:ts"
    rows = [
        (ANA, BEN, at("03-01"), None, at("03-01"), *_now("03-01")),
        (BEN, ANA, at("04-01"), at("09-01"), at("09-01"), *_now("09-01")),
        (CHEN, ANA, at("05-01"), None, at("05-01"), *_now("05-01")),
        (DORA, BEN, at("05-01"), None, at("05-01"), *_now("05-01")),
    ]
    return _frame("follows", columns + _VALIDITY, rows, subject="follower_id", mention="followed_id")


def _media_assets() -> pl.DataFrame:
    columns = "media_id uri source license product_id kind content_hash expires_at:ts updated_at:ts"

    def row(number: int, product: str | None, kind: str, expires: str | None) -> Row:
        name = f"M{number}"
        origin = (f"s3://media/{name}", "studio", "CC-BY-4.0", product, kind)
        digest = hashlib.sha256(name.encode()).hexdigest()
        return (name, *origin, digest, _maybe(expires), at("01-01"), *_now("01-01"))

    rows = [row(1, "P1", "image", None), row(2, "P3", "video", "12-31"), row(3, "P3", "image", "06-30"),
            row(4, None, "audio", "11-21")]
    return _frame("media_assets", columns + _VALIDITY, rows, subject=None)


def _consents() -> pl.DataFrame:
    rows = [
        ("S1", ANA, "marketing", True, at("01-05")),
        ("S2", ANA, "marketing", False, at("07-01")),
        ("S3", ANA, "analytics", True, at("01-05")),
        ("S4", BEN, "marketing", True, at("02-01")),
        ("S5", CHEN, "personalisation", True, at("03-01")),
    ]
    return _frame("consents", "consent_id customer_id purpose granted:bool given_at:ts", rows)
