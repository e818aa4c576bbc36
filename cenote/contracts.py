"""Reading data contracts: Open Data Contract Standard (ODCS v3) YAML files -> ``Contract``.

Belongs here: reading and checking contract files. Must not: the model (transforms/contract.py), touching data. What
ODCS has is used as it is; what it lacks stands in ``customProperties`` under the vocabulary of docs/contracts.md.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from cenote.errors import ContractError, unknown
from transforms.contract import (
    CHANGE_MODES,
    ERASURES,
    LEVELS,
    RESERVED,
    TYPES,
    Change,
    Consents,
    Contract,
    Edge,
    Envelope,
    Field,
    Mask,
    Passage,
    Subject,
)

_ENVELOPES = {
    "debezium": {"op": "$.op", "before": "$.before", "after": "$.after", "delete": ["d"]},
    "netsuite": {"op": "$.op", "before": "$.before", "after": "$.after", "delete": ["delete"]},
}
_UNITS = {
    "d": 1, "day": 1, "days": 1, "m": 30, "month": 30, "months": 30,
    "y": 365, "yr": 365, "year": 365, "years": 365,
}  # fmt: skip
# The custom properties that are understood, by where they may stand
CONTRACT_PROPERTIES = ("lawfulBasis", "purpose", "erasure")
SCHEMA_PROPERTIES = (
    "subject", "mentions", "changeMode", "sequenceBy", "deleteWhen", "envelope", "passages", "edges", "rightsUntil",
    "consents", *CONTRACT_PROPERTIES,
)  # fmt: skip
FIELD_PROPERTIES = ("mask", "nullValues", "round", "formerly")
_DATASET = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every ``*.yaml`` contract of a folder, keyed by dataset in name order. Raises ``ContractError``."""
    if not folder.is_dir():
        raise ContractError(
            f"there is no folder of contracts at {folder}", "set CENOTE_CONTRACTS to a folder of ODCS files"
        )
    contracts: dict[str, Contract] = {}
    for file in sorted(folder.glob("*.yaml")):
        contract = load_contract(file)
        if contract.dataset in contracts:
            raise ContractError(
                f"two contracts describe {contract.dataset!r}", f"remove or rename one; the second is {file.name}"
            )
        contracts[contract.dataset] = contract
    return contracts


def load_contract(file: Path) -> Contract:
    """Read one contract file. Raises ``ContractError`` naming the file and what is wrong in it."""
    from open_data_contract_standard.model import OpenDataContractStandard

    try:
        document = OpenDataContractStandard.model_validate(_parse(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise ContractError(
            f"contract {file.name} is not a readable ODCS file: {error}", "compare it with docs/contracts.md"
        ) from None
    return _Reader(file.name).contract(document)


# libyaml's parser where PyYAML was built with it: ten times as fast as the one in Python
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML that refuses a key that stands twice: the first would be lost, and it may be a mask."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _parse(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def _subject(declared: dict[str, Any]) -> Subject:
    return Subject(**{**declared, "strip": tuple(declared.get("strip", ()))})


class _Reader:
    """Turns the ODCS model into a Contract; every complaint names the file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _fail(self, what: str, fix: str) -> ContractError:
        return ContractError(f"contract {self._name}: {what}", fix)

    def _pick(self, kind: str, value: str, known: tuple[str, ...]) -> str:
        if value not in known:
            raise self._fail(unknown(kind, value, known), "see docs/contracts.md")
        return value

    def contract(self, document: Any) -> Contract:
        if not document.schema_ or len(document.schema_) != 1:
            raise self._fail("it needs exactly one schema object", "describe one dataset per file")
        schema = document.schema_[0]
        if not _DATASET.fullmatch(schema.name or ""):  # it names folders and views
            raise self._fail(f"{schema.name!r} cannot name a dataset", "use letters, digits and underscores")
        custom = self._custom(document, CONTRACT_PROPERTIES) | self._custom(schema, SCHEMA_PROPERTIES)
        fields = tuple(self._field(p, top=True) for p in schema.properties or ())
        retention, freshness = self._service_levels(document)
        description = schema.description or getattr(document.description, "purpose", None) or ""
        try:
            contract = Contract(
                dataset=schema.name,
                version=document.version or "1.0.0",
                description=" ".join(description.split()),
                owner=self._owner(document),
                fields=fields,
                tags=tuple(document.tags or ()) + tuple(schema.tags or ()),
                subject=_subject(custom["subject"]) if "subject" in custom else None,
                mentions=tuple(_subject(m) for m in custom.get("mentions", ())),
                change=self._change(custom),
                passages=tuple(
                    Passage(**{**p, "metadata": tuple(p.get("metadata", ())), "purpose": tuple(p.get("purpose", ()))})
                    for p in custom.get("passages", ())
                ),
                edges=tuple(self._edge(e) for e in custom.get("edges", ())),
                erasure=self._pick("erasure", custom.get("erasure", "delete"), ERASURES),
                lawful_basis=custom.get("lawfulBasis"),
                purpose=tuple(custom.get("purpose", ())),
                retention=retention,
                freshness_hours=freshness,
                consents=Consents(**custom["consents"]) if "consents" in custom else None,
                rights_until=custom.get("rightsUntil"),
            )
        except (TypeError, KeyError) as error:
            raise self._fail(
                f"a custom property has the wrong members: {error}", "see the vocabulary in docs/contracts.md"
            ) from None
        self._check(contract)
        return contract

    def _custom(self, owner: Any, known: tuple[str, ...]) -> dict[str, Any]:
        found = {}
        for item in owner.customProperties or ():
            self._pick("custom property", item.property, known)
            found[item.property] = item.value
        return found

    def _owner(self, document: Any) -> str:
        team = document.team
        members = getattr(team, "members", team) or ()
        for member in members:
            if member.role == "owner" or len(members) == 1:
                return str(member.username)
        return str(getattr(team, "name", None) or "")

    def _field(self, prop: Any, *, top: bool = False) -> Field:
        custom = self._custom(prop, FIELD_PROPERTIES)
        mask = custom.pop("mask", "keep")
        if isinstance(mask, str):
            mask = {"strategy": mask}
        if not isinstance(mask, dict) or "strategy" not in mask:
            raise self._fail(f"the mask of {prop.name!r} names no strategy", "write a strategy, or {strategy: ...}")
        former = custom.pop("formerly", ())
        nested = tuple(self._field(p) for p in prop.properties or ())
        name = prop.name or "item"
        if top and name in RESERVED:
            raise self._fail(f"{name!r} is a column that Cenote adds itself", "give the property another name")
        return Field(
            name=name,
            path=prop.physicalName or f"$.{name}",
            type=self._pick("logicalType", prop.logicalType or "string", TYPES),
            physical_type=prop.physicalType,
            description=prop.description or "",
            required=bool(prop.required or prop.primaryKey),
            unique=bool(prop.unique),
            primary_key=bool(prop.primaryKey),
            classification=self._pick("classification", (prop.classification or "PUBLIC").upper(), LEVELS),
            mask=Mask(mask["strategy"], {k: v for k, v in mask.items() if k != "strategy"}),
            options={**(prop.logicalTypeOptions or {}), **custom},
            enum=tuple(e.value for e in prop.enum or ()),
            tags=tuple(prop.tags or ()),
            properties=nested,
            items=self._field(prop.items) if prop.items else None,
            formerly=(former,) if isinstance(former, str) else tuple(map(str, former)),
        )

    def _change(self, custom: dict[str, Any]) -> Change:
        envelope = custom.get("envelope")
        if isinstance(envelope, str):
            self._pick("envelope", envelope, tuple(_ENVELOPES))
            envelope = _ENVELOPES[envelope]
        elif envelope:
            envelope = {**_ENVELOPES["debezium"], **envelope}
        delete = custom.get("deleteWhen", {})
        return Change(
            mode=self._pick("changeMode", custom.get("changeMode", "append"), CHANGE_MODES),
            sequence_by=tuple(custom.get("sequenceBy", ())),
            delete_column=delete.get("column"),
            delete_values=tuple(delete.get("values", ())),
            envelope=Envelope(**{**envelope, "delete": tuple(map(str, envelope["delete"]))}) if envelope else None,
        )

    def _edge(self, edge: dict[str, Any]) -> Edge:
        source, target = edge["source"], edge["target"]
        return Edge(
            edge["type"], source["entity"], source["column"], target["entity"], target["column"],
            edge.get("at"), edge.get("until"), edge.get("weight"), tuple(edge.get("purpose", ())),
        )  # fmt: skip

    def _service_levels(self, document: Any) -> tuple[dict[str, int], float | None]:
        retention: dict[str, int] = {}
        freshness = None
        for level in document.slaProperties or ():
            if level.property == "retention":
                retention[level.element or "*"] = round(self._days(level))
            elif level.property == "freshness":
                freshness = self._days(level) * 24
        return retention, freshness

    def _days(self, level: Any) -> float:
        """The length of time that a service level gives, in days."""
        unit = (level.unit or "d").lower()
        try:
            value = float(level.value)
        except (TypeError, ValueError):
            raise self._fail(f"{level.property} is no number", "give a number and a unit") from None
        return value / 24 if unit in ("h", "hour", "hours") else value * _UNITS[self._pick("unit", unit, tuple(_UNITS))]

    def _check(self, contract: Contract) -> None:
        names = [f.name for f in contract.fields]
        if twice := [name for name in names if names.count(name) > 1]:
            raise self._fail(f"two properties are named {twice[0]!r}", "rename one")
        for prop in contract.fields:
            if prop.type == "array" and not prop.items:
                raise self._fail(f"array {prop.name!r} has no items", "describe its items")
        if contract.keyed and not (contract.primary_key and contract.change.sequence_by):
            raise self._fail(
                f"change mode {contract.change.mode} needs a primary key and sequenceBy", "declare both, or use append"
            )
        edge_columns = [
            c for e in contract.edges for c in (e.source_column, e.target_column, e.at, e.until, e.weight) if c
        ]
        passage_columns = [
            c for p in contract.passages for c in (p.title, p.at, *p.metadata, *re.findall(r"\{(\w+)\}", p.text)) if c
        ]
        change_columns = [c for c in (*contract.change.sequence_by, contract.change.delete_column) if c]
        rights = [contract.rights_until] if contract.rights_until else []
        for name in (*change_columns, *edge_columns, *passage_columns, *rights):
            if name.split(".")[0] not in names:
                raise self._fail(unknown("column", name.split(".")[0], names), "name one of the contract's properties")


def lint_contracts(folder: Path) -> dict[str, list[str]]:
    """What is wrong with each contract file of a folder, by file name; an empty list where nothing is.

    Beyond reading: an owner and a description are there, and what cenote/contract_lint.py looks for.
    """
    if not folder.is_dir():
        raise ContractError(f"there is no folder of contracts at {folder}", "give a folder of ODCS files")
    return {file.name: _lint(file) for file in sorted(folder.glob("*.yaml"))}


def _lint(file: Path) -> list[str]:
    from cenote.contract_lint import contract_problems

    try:
        contract = load_contract(file)
    except ContractError as error:
        return [f"{error.what} -> {error.fix}"]
    told = [] if contract.owner else ["no owner; add a team member with role owner"]
    told += [] if contract.description else ["no description of the dataset"]
    told += contract_problems(contract)
    if file.stem != contract.dataset:
        told.append(f"the file describes {contract.dataset!r}; name it {contract.dataset}.yaml")
    return told
