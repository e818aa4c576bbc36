"""Whom a purpose may not use, as the lake's own consents say.

Belongs here: reading the answers from silver. Must not: the rule (transforms/consent.py), or leaving anybody out;
stages ask here, and are stale when the answer has changed for a purpose that they declare.
"""

import hashlib
from collections.abc import Iterable

from cenote.tables import Table
from cenote.workspace import Workspace
from transforms.consent import Withdrawn, outsiders, withdrawn
from transforms.contract import Contract


def answers(space: Workspace) -> Withdrawn:
    """Who has withdrawn their consent, by purpose, over all datasets whose contract declares ``consents``."""
    found: dict[str, frozenset[str]] = {}
    for contract in space.contracts.values():
        table = space.table("silver", contract.dataset)
        if contract.consents and (version := table.version) is not None:
            for purpose, people in _of(table, version, contract).items():
                found[purpose] = found.get(purpose, frozenset()) | people
    return found


def stamp(space: Workspace, purposes: Iterable[str]) -> str:
    """Something that changes when other people are out for one of the purposes; empty where nobody is."""
    asked = list(purposes)
    people = outsiders(asked, answers(space)) if asked else []
    return hashlib.sha256("\x1f".join(people).encode()).hexdigest()[:12] if people else ""


_READ: dict[str, tuple[tuple[int, str], dict[str, frozenset[str]]]] = {}


def _of(table: Table, version: int, contract: Contract) -> dict[str, frozenset[str]]:
    """One dataset's answers, remembered as long as its table stays the same."""
    key, place = (version, contract.digest), str(table.path)
    if place not in _READ or _READ[place][0] != key:
        consents = contract.consents
        assert consents is not None
        columns = ("subject_id", "landed_at", "lineage_id", consents.purpose, consents.granted, consents.at)
        rows = table.scan().filter("is_current") if contract.keyed else table.scan()
        _READ[place] = (key, withdrawn(rows.select(*dict.fromkeys(columns)).collect(), consents))
    return _READ[place][1]
