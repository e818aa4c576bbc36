"""The text of a drafted contract: ODCS YAML with a reason beside each decision.

Belongs here: writing YAML. Must not: deciding anything. Comments hold reasons in words and never a value of the data;
values appear only as ``enum`` of fields that concern nobody.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from cenote.contracts import FIELD_PROPERTIES
from cenote.inference.columns import Draft, Left
from cenote.inference.roles import Roles, title_of
from cenote.inference.shape import path_of

_PLAIN = re.compile(r"[A-Za-z$][\w$ ./<>|*()+-]*(?<! )")
# What YAML 1.1 reads as something else
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "none", "y", "n")
_LISTED = 20  # paths that are named one by one


def write(
    dataset: str, found: list[Draft], roles: Roles, left: list[Left], notes: list[str], envelope: str | None
) -> str:
    """The whole draft. ``notes``: remarks about the sample, as comments at the top."""
    personal = any(s.verdict.sensitive for c in found for s in c.scalars())
    lines = [
        f"# Drafted from {notes[0]}. Read every line with its reason, mend what is wrong, then remove the comments.",
        *(f"# {note}" for note in notes[1:]),
        *(f"# Left out, so it stays in bronze: {_shown(item.path)} ({item.reason})" for item in left[:_LISTED]),
        *([f"# Left out as well: {len(left) - _LISTED} more paths"] if len(left) > _LISTED else []),
        "apiVersion: v3.2.0",
        "kind: DataContract",
        f"id: {yaml_text(f'urn:cenote:draft:{dataset}')}",
        f"name: {dataset}",
        "version: 0.1.0",
        "status: draft",
        "description:",
        f"  purpose: {yaml_text(f'Records of {_spoken(dataset)}.')}  # say what they are for",
        "team:",
        "  name: Owners",
        "  members:",
        "    - {username: owner@example.org, role: owner}  # who answers for this data",
        "schema:",
        f"  - name: {dataset}",
        "    logicalType: object",
        "    properties:",
        *(f"      {line}" for column in found for line in _property(column, roles)),
        "    customProperties:",
        *(f"      {line}" for line in _custom(found, roles, envelope, personal)),
    ]
    if personal:
        lines += [
            "slaProperties:",
            "  - {property: retention, value: 3, unit: y}  # personal data is not kept for ever: decide how long",
        ]
    return "\n".join(lines) + "\n"


def _property(column: Draft, roles: Roles) -> Iterator[str]:
    """The lines of one property."""
    yield f"- name: {yaml_text(column.name)}"
    where = column.root + path_of(column.inner)[1:]
    if where != f"$.{column.name}":
        yield f"  physicalName: {yaml_text(where)}"
    yield from (f"  {line}" for line in _body(column, roles))


def _body(column: Draft, roles: Roles) -> Iterator[str]:
    """What a property and an array's items have alike."""
    yield f"logicalType: {column.typed.type}  # {column.typed.reason}"
    if column.typed.physical:
        yield f"physicalType: {column.typed.physical}"
    if column.name and column.inner:
        yield f"description: {yaml_text(_spoken('_'.join(column.inner)).capitalize() + '.')}"
    if column in roles.key:
        yield f"primaryKey: true  # {roles.why['key']}"
    elif column.required:
        yield f"required: true  # {column.required}"
    if options := {name: value for name, value in column.typed.options.items() if name not in FIELD_PROPERTIES}:
        yield f"logicalTypeOptions: {flow(options)}"
    if column.enum:
        yield f"enum: {flow([{'value': value} for value in column.enum])}  # so few values in the sample"
    own = {name: value for name, value in column.typed.options.items() if name in FIELD_PROPERTIES}
    if column.is_scalar:
        yield f"classification: {column.verdict.level}  # {column.verdict.reason}"
        mask = column.verdict.mask
        if mask.strategy != "keep":
            own["mask"] = {"strategy": mask.strategy, **mask.options} if mask.options else mask.strategy
    if own:
        yield f"customProperties: {flow([{'property': name, 'value': value} for name, value in own.items()])}"
    if column.members:
        yield "properties:"
        yield from (f"  {line}" for member in column.members for line in _property(member, roles))
    if column.items:
        yield "items:"
        yield from (f"  {line}" for line in _body(column.items, roles))


def _custom(found: list[Draft], roles: Roles, envelope: str | None, personal: bool) -> Iterator[str]:
    """The custom properties of the dataset."""
    if roles.subject:
        yield f"# {roles.why['subject']}"
        yield _entry("subject", _person(roles, *roles.subject))
    if roles.mentions:
        yield "# other people whom a record names; erasing one of them redacts them from it"
        yield _entry("mentions", [_person(roles, *mention) for mention in roles.mentions])
    yield f"# {roles.why['mode']}"
    yield _entry("changeMode", roles.mode)
    if roles.sequence:
        yield _entry("sequenceBy", [c.name for c in roles.sequence])
    if roles.deleted:
        column, values = roles.deleted
        yield _entry("deleteWhen", {"column": column.name, "values": list(values)})
    if envelope:
        yield _entry("envelope", envelope)
    if roles.texts:
        yield "# long texts, to be found by meaning; those that may name people are embedded with placeholders"
        yield _entry("passages", [_passage(text, found, roles) for text in roles.texts])
    yield _entry("erasure", "delete") + "  # anonymize, if the law has the records kept"
    if personal:
        yield "# - {property: lawfulBasis, value: ...}  # contract, consent, legal_obligation, ...: decide"
        yield "# - {property: purpose, value: [...]}"
    else:
        yield _entry("lawfulBasis", "not_personal") + "  # nothing personal was found"


def _person(roles: Roles, entity: str, path: str) -> dict[str, Any]:
    strip = roles.strips.get(path)
    return {"entity": entity, "path": path} | ({"strip": strip} if strip else {})


def _passage(text: Draft, found: list[Draft], roles: Roles) -> dict[str, Any]:
    title = title_of(found)
    metadata = [c.name for c in (*roles.key, *(c for c in found if c.enum)) if not _dropped(c)]
    at = next((c.name for c in found if c.typed.type in ("timestamp", "date") and not _masked(c)), None)
    passage: dict[str, Any] = {"namespace": text.name, "text": f"{{{text.name}}}"}
    passage |= {"title": title.name} if title and title is not text else {}
    passage |= {"metadata": metadata} if metadata else {}
    return passage | ({"at": at} if at else {})


def _dropped(column: Draft) -> bool:
    return column.verdict.mask.strategy == "drop"


def _masked(column: Draft) -> bool:
    return column.verdict.mask.strategy != "keep"


def _entry(name: str, value: Any) -> str:
    return f"- {{property: {name}, value: {flow(value)}}}"


def flow(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_text(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return yaml_text(value) if isinstance(value, str) else json.dumps(value)


def yaml_text(text: str) -> str:
    """A text as YAML, quoted where it would be read as something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _shown(path: str) -> str:
    return path.replace("\n", " ")


def _spoken(name: str) -> str:
    """A name as words."""
    seams = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+", " ", name.replace("IDs", "Ids"))
    return " ".join(seams.split()).lower() or "values"
