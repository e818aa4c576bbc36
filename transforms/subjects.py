"""Whose a raw record is: the natural id of its data subject, read by the contract's path before anything is typed.

Belongs here: finding the owner in JSON texts. Must not: pseudonyms (pseudonyms.py), keys, mentions of other people
(conform.py). Texts are valid JSON (jsontext.py). An id is a JSON string or number; its text is the string's content or
the number's spelling. Null, booleans, objects, arrays and blank strings are no ids, nor is what an erasure left.
"""

from collections.abc import Sequence

import polars as pl

from transforms.contract import Contract
from transforms.json_columns import Steps, extract, parse_path, unquote
from transforms.pseudonyms import without_prefix

ERASED = "<ERASED>"
"""What stands in the place of a value that an erasure took out of a raw record (redaction.py)."""
ERASED_TOKEN = f'"{ERASED}"'
_ENVELOPE = "$envelope"


def owner_ids(texts: pl.Series, contract: Contract) -> pl.Series:
    """The natural id of each record's data subject; null where it has none. A String series ``owner``.

    In a change envelope the id is read from the row after the change, or where that has none, from the row before;
    Kafka Connect's wrapping of Debezium messages (``{"schema": ..., "payload": {...}}``) is looked through.
    """
    paths = _paths(contract)
    if not paths:
        return pl.Series("owner", [None] * len(texts), dtype=pl.String)
    found, _ = extract(texts, paths)
    strip = contract.subject.strip if contract.subject else ()
    ids = (natural_ids(column, strip) for column in found.iter_columns())
    return found.select(pl.coalesce(ids).alias("owner")).to_series()


def natural_ids(raw: pl.Series, strip: Sequence[str] = ()) -> pl.Series:
    """Raw JSON texts as natural ids, without the prefixes ``strip``; null for whatever is no id."""
    raw = raw.set(raw == ERASED_TOKEN, None)
    quoted = raw.str.starts_with('"').fill_null(False)
    numbers = raw.set(~raw.str.contains("^[-0-9]").fill_null(False), None)
    ids = without_prefix(unquote(raw.set(~quoted, None)), strip).zip_with(quoted, numbers)
    return ids.set((ids.str.strip_chars() == "").fill_null(False), None)


def _paths(contract: Contract) -> list[Steps]:
    """Where the natural id may be, best first, from the top of the record."""
    if not contract.subject:
        return []
    envelope, found = contract.change.envelope, []
    images = (parse_path(envelope.after), parse_path(envelope.before)) if envelope else ((),)
    for path in contract.places(contract.subject.path):
        if path.startswith(_ENVELOPE):
            found.append(parse_path("$" + path.removeprefix(_ENVELOPE)))
        else:
            found += [image + parse_path(path) for image in images]
    return found + [("payload", *steps) for steps in found] if envelope else found
