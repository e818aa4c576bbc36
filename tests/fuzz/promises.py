"""What holds for any bytes: the promises that fuzzing tries to break.

Belongs here: one input, one verdict. Must not: where inputs come from. An ``AssertionError`` is a broken promise; so is
any exception but those that refuse an input on purpose.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from cenote import splitting
from cenote.splitting import Splitter, TooLargeError
from transforms.conform import conform
from transforms.contract import Contract, Field
from transforms.jsontext import FAULTS, is_json
from transforms.rules import RULES

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
LIMIT = 4096
THINGS = Contract(
    "things",
    "1.0.0",
    "",
    "",
    (
        Field("id", "$.id", "string"),
        Field("size", "$.size", "number", physical_type="decimal(12,2)"),
        Field("count", "$.count", "integer"),
        Field("at", "$.at", "timestamp"),
        Field("tags", "$.tags", "array", items=Field("tag", "$", "string")),
        Field("inner", "$.a.b[0]", "object"),
    ),
)


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    """The content in blocks of one size."""
    return (content[start : start + size] for start in range(0, len(content), size))


def keep(content: bytes, by_document: bool, block: int, window: int) -> list[bytes]:
    """Split the content and see that every byte comes back; returns the records."""
    splitting.WINDOW_BYTES = window
    splitter = Splitter(LIMIT, LIMIT)
    split = splitter.document if by_document else splitter.lines
    try:
        chunks = list(split(blocks(content, block)))
    except TooLargeError:
        return []
    whole = b"".join(part for c in chunks for pair in zip(c.prefixes, c.payloads, strict=True) for part in pair)
    assert whole + splitter.trailer == content, "bytes do not come back"
    records = [payload for chunk in chunks for payload in chunk.payloads]
    if splitter.format == splitting.ARRAY and is_json(content):
        assert all(map(is_json, records)), "an element of a valid array is not valid"
    return records


def accounted(records: list[bytes]) -> None:
    """Every record is valid or rejected, for a known reason; what is no JSON is rejected as that."""
    ids = [f"r{number}" for number in range(len(records))]
    frame = pl.DataFrame(
        {"lineage_id": ids, "batch_id": "b", "landed_at": MOMENT, "subject_id": None, "payload": records},
        schema_overrides={"lineage_id": pl.String, "subject_id": pl.String, "payload": pl.Binary},
    )
    made = conform(frame, THINGS)
    assert sorted([*made.valid["lineage_id"], *made.rejected["lineage_id"]]) == sorted(ids), "records are lost or twice"
    told = {row["lineage_id"]: {r["rule"] for r in row["rules"]} for row in made.rejected.iter_rows(named=True)}
    for name, payload in zip(ids, records, strict=True):
        rules = told.get(name, set())
        assert rules <= set(RULES), "an unknown rule"
        assert bool(rules & set(FAULTS)) == (not is_json(payload)), "a wrong verdict on what is JSON"
