"""What a data contract says about a dataset, as frozen values that every transform takes as an argument.

Belongs here: the model. Must not: reading files (cenote/contracts.py does). Paths are JSON paths from the record
(``$.a.b``); in a change envelope they start at the row image, and ``$envelope.x`` starts at the envelope.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time", "object", "array")
LEVELS = ("HIGH", "MEDIUM", "LOW", "PUBLIC")
CHANGE_MODES = ("append", "scd1", "scd2")
ERASURES = ("delete", "anonymize")
RESERVED = ("lineage_id", "subject_id", "mentions", "landed_at", "change_op", "valid_from", "valid_to", "is_current")


@dataclass(frozen=True)
class Mask:
    """How a field is masked: the strategy's name and its options (see transforms/mask.py)."""

    strategy: str = "keep"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One column of silver, or one member of a nested object or array.

    ``path`` is relative to the record for top-level fields and to the enclosing object for nested ones.
    """

    name: str
    path: str
    type: str
    physical_type: str | None = None
    description: str = ""
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    classification: str = "PUBLIC"
    mask: Mask = Mask()
    options: dict[str, Any] = field(default_factory=dict)
    enum: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    properties: tuple["Field", ...] = ()
    items: "Field | None" = None
    formerly: tuple[str, ...] = ()
    """Where older records have it: paths that are read where ``path`` has nothing, the latest first."""


@dataclass(frozen=True)
class Subject:
    """Where a record names a data subject: the kind of person (or other entity) and the path of its natural id.

    ``strip``: what may stand before the id there and is no part of it, such as ``urn:uuid:`` or ``Patient/``.
    """

    entity: str
    path: str
    strip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """A change envelope: paths of the operation and of the row before and after; which operations delete."""

    op: str
    before: str
    after: str
    delete: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """How records change rows: the mode, what orders the changes, what deletes, and the envelope if there is one.

    ``sequence_by`` and ``delete_column`` name columns; a record deletes its row when the column has one of
    ``delete_values``, or when its envelope's operation says so.
    """

    mode: str = "append"
    sequence_by: tuple[str, ...] = ()
    delete_column: str | None = None
    delete_values: tuple[Any, ...] = ()
    envelope: Envelope | None = None


@dataclass(frozen=True)
class Passage:
    """Which text of a row is embedded: a ``{column}`` template, in which namespace, with which metadata columns."""

    namespace: str
    text: str
    title: str | None = None
    metadata: tuple[str, ...] = ()
    at: str | None = None
    where: str | None = None
    purpose: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A typed, dated edge that a row makes: from (entity, column) to (entity, column).

    A column inside an array of objects is written ``lines.product_id``, an array of scalars ``tags``: one edge per
    element.
    """

    type: str
    source_entity: str
    source_column: str
    target_entity: str
    target_column: str
    at: str | None = None
    until: str | None = None
    weight: str | None = None
    purpose: tuple[str, ...] = ()


@dataclass(frozen=True)
class Consents:
    """The dataset's rows are answers: for which purpose, whether granted, and when; names of columns."""

    purpose: str
    granted: str
    at: str


@dataclass(frozen=True)
class Contract:
    """Everything Cenote knows about one dataset."""

    dataset: str
    version: str
    description: str
    owner: str
    fields: tuple[Field, ...]
    tags: tuple[str, ...] = ()
    subject: Subject | None = None
    mentions: tuple[Subject, ...] = ()
    change: Change = Change()
    passages: tuple[Passage, ...] = ()
    edges: tuple[Edge, ...] = ()
    erasure: str = "delete"
    lawful_basis: str | None = None
    purpose: tuple[str, ...] = ()
    retention: dict[str, int] = field(default_factory=dict)
    freshness_hours: float | None = None
    rights_until: str | None = None
    consents: Consents | None = None

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns that identify a row; empty for an append dataset without a key."""
        return tuple(f.name for f in self.fields if f.primary_key)

    @property
    def keyed(self) -> bool:
        """Whether rows change (scd1, scd2), so that silver carries validity columns."""
        return self.change.mode != "append"

    @property
    def sealed(self) -> bool:
        """Whether raw payloads are sealed: the dataset has a data subject, mentions one, or has a non-public field."""
        return bool(
            self.subject or self.mentions or any(leaf.classification != "PUBLIC" for leaf in leaves(self.fields))
        )

    @cached_property
    def digest(self) -> str:
        """Digest of all that decides what silver and its downstream rows look like."""
        decides = asdict(self)
        # What the vocabulary got later counts where it is used, so that no lake is rebuilt for nothing.
        for part, name in ((decides, "consents"), *((p, "purpose") for p in (*decides["passages"], *decides["edges"]))):
            if not part[name]:
                del part[name]
        _forget_unused(decides["fields"], "formerly")
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def purposes_of(self, product: "Passage | Edge") -> tuple[str, ...]:
        """The purposes that people may withdraw their consent for: those that a passage or edge declares.

        Where it declares none, and the dataset rests on consent, those of the dataset.
        """
        return product.purpose or (self.purpose if self.lawful_basis == "consent" else ())

    def places(self, path: str) -> tuple[str, ...]:
        """A path of the contract and where older records have the field that stands there."""
        return (path, *(former for f in self.fields if f.path == path for former in f.formerly))

    def column(self, name: str) -> Field:
        """The top-level field of that name. Raises ``KeyError``."""
        return {f.name: f for f in self.fields}[name]

    def keep_for(self, layer: str) -> timedelta | None:
        """How long a layer keeps the dataset's rows, or None for ever."""
        days = self.retention.get(layer, self.retention.get("*"))
        return timedelta(days=days) if days is not None else None


def _forget_unused(fields: Sequence[dict[str, Any]], name: str) -> None:
    """Take an empty member out of fields as mappings, nested ones included."""
    for told in fields:
        if not told[name]:
            del told[name]
        _forget_unused([*told["properties"], *([told["items"]] if told["items"] else [])], name)


def leaves(fields: tuple[Field, ...]) -> list[Field]:
    """All fields that hold scalars, nested ones included."""
    found: list[Field] = []
    for f in fields:
        inner = f.properties or ((f.items,) if f.items else ())
        found += leaves(inner) if inner else [f]
    return found
