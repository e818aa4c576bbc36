"""What an eraser reports and what a certificate says, as checked models.

Belongs here: fields, their meaning and their limits. Must not: signing, showing. All numbers are whole, so that the
signed text is the same everywhere (RFC 8785).
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.:/#-]{0,199}$"
Name = Annotated[str, Field(pattern=_NAME)]
Count = Annotated[int, Field(ge=0)]
Pseudonym = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*_[0-9a-f]{24}$")]
FORMAT = "cenote-erasure-certificate/1"
Verdict = Literal["erased", "residue found", "not fully decoded", "not scanned"]
DEADLINE_DAYS = 30
"""One month, Article 12(3) GDPR."""


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Store(_Plain):
    """What was done in one store: rows removed, rows written anew without the person, and how long it took."""

    removed: Count = 0
    rewritten: Count = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0


class Hold(_Plain):
    """Rows that stay without the person, and why the law wants them kept."""

    dataset: Name
    reason: Annotated[str, Field(max_length=500)]
    rows: Count


class Outcome(_Plain):
    """What an erasure did, as the eraser tells it.

    ``subjects``: pseudonyms. ``stores``: by name of the store. ``tables``: version before and after, by table
    (``silver/orders``); null where there was none. ``tombstones``: people who are kept from coming back.
    """

    request_id: Name
    requested_at: AwareDatetime
    finished_at: AwareDatetime
    subjects: Annotated[tuple[Pseudonym, ...], Field(min_length=1)]
    stores: dict[Name, Store] = {}
    tables: dict[Name, tuple[int | None, int | None]] = {}
    holds: tuple[Hold, ...] = ()
    tombstones: Count = 0

    @field_validator("subjects", mode="before")
    @classmethod
    def _counted(cls, told: Any) -> Any:
        """Pseudonyms, or ``{"count": n, "pseudonyms": [...]}``."""
        return told["pseudonyms"] if isinstance(told, dict) and "pseudonyms" in told else told

    @model_validator(mode="after")
    def _in_order(self) -> "Outcome":
        if self.finished_at < self.requested_at:
            raise ValueError("it was finished before it was requested")
        return self


class StoreLine(_Plain):
    """One store on a certificate."""

    store: str
    removed: Count
    rewritten: Count
    milliseconds: Count


class TableLine(_Plain):
    """One table on a certificate, with its versions."""

    table: str
    before: int | None
    after: int | None


class Scan(_Plain):
    """What the independent scan read and found. ``opaque``: files that could not be decoded, with the reason."""

    needles: Count
    files: Count
    bytes: Count
    decoded_bytes: Count
    questions: Count
    milliseconds: Count
    hits: Count
    found_in: tuple[str, ...] = ()
    opaque: dict[str, str] = {}


def verdict_of(scan: Scan) -> Verdict:
    """``erased`` only where something was looked for, everything could be decoded, and nothing was found."""
    if scan.hits:
        return "residue found"
    if not (scan.needles and scan.files):
        return "not scanned"
    return "not fully decoded" if scan.opaque else "erased"


class Subjects(_Plain):
    """People on a certificate: how many, and a reference to each that only the vault can make again."""

    count: Count
    references: tuple[str, ...]


class Times(_Plain):
    """When it was asked for, done and certified; whether that was within the time that the law gives."""

    requested_at: datetime
    finished_at: datetime
    issued_at: datetime
    within_deadline: bool


class Certificate(_Plain):
    """A certificate. ``verdict``: see :func:`verdict_of`.

    ``audit``: the end of the audit log when it was issued (number of entries and MAC), so that neither is forged alone.
    """

    format: Literal["cenote-erasure-certificate/1"] = FORMAT  # type: ignore[assignment]
    request_id: str
    verdict: Verdict
    subjects: Subjects
    times: Times
    stores: tuple[StoreLine, ...]
    tables: tuple[TableLine, ...]
    holds: tuple[Hold, ...]
    tombstones: Count
    scan: Scan
    audit: str
    made_by: str
