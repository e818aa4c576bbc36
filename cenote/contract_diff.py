"""What changed between two versions of a contract, and which changes break a promise.

Belongs here: comparing contracts. Must not: reading files (contracts.py), judging one contract (contract_lint.py). A
change is breaking when records that were taken before would be refused, when columns or rows that consumers use go away
or mean something else, or when people are protected less than they were told. The rules: docs/classification.md.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.contract import LEVELS, Contract, Field, Mask

_WIDER = {("integer", "number"), ("date", "timestamp")}
_STRENGTH = {
    "keep": 0, "text": 1, "partial": 1, "generalize": 1, "shift_dates": 1, "token": 2, "pseudonym_name": 2,
    "redact": 3, "drop": 4,
}  # fmt: skip
_INT64_DIGITS = 19
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_TEXTLIKE = ("token", "pseudonym_name", "redact", "partial", "text")


@dataclass(frozen=True)
class Change:
    """One change: where (``$``: the whole dataset, ``lines.note``: a member), what, and whether it breaks a promise."""

    path: str
    what: str
    breaking: bool


def diff(old: Contract, new: Contract) -> list[Change]:
    """All changes from one contract to another, breaking ones first, then by path."""
    found = [*_dataset(old, new), *_fields(old.fields, new.fields, "")]
    return sorted(found, key=lambda c: (not c.breaking, c.path, c.what))


# the dataset


def _dataset(old: Contract, new: Contract) -> Iterator[Change]:
    for name, breaking in (
        ("dataset", True), ("subject", True), ("change", True), ("erasure", True), ("lawful_basis", True),
        ("description", False), ("owner", False), ("tags", False), ("version", False),
    ):  # fmt: skip
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            what = name.replace("_", " ").replace("change", "change mode")
            yield Change("$", f"{what} {_verb(before, after)}", breaking and not (name == "subject" and before is None))
    if old.primary_key != new.primary_key:
        yield Change(
            "$",
            f"primary key changed from ({', '.join(old.primary_key)}) to ({', '.join(new.primary_key)})",
            True,
        )
    yield from _lists("mention", [m.path for m in old.mentions], [m.path for m in new.mentions], gone=True, come=False)
    yield from _lists("purpose", old.purpose, new.purpose, gone=False, come=True)
    yield from _lists("edge", [e.type for e in old.edges], [e.type for e in new.edges], gone=True, come=False)
    yield from _lists(
        "passages in",
        [p.namespace for p in old.passages],
        [p.namespace for p in new.passages],
        gone=True,
        come=False,
    )
    yield from _retention(old.retention, new.retention)
    before_, after_ = old.freshness_hours, new.freshness_hours
    if before_ != after_:
        looser = before_ is not None and (after_ is None or after_ > before_)
        yield Change("$", f"freshness {_verb(before_, after_)}", looser)


def _verb(before: Any, after: Any) -> str:
    """What happened to something."""
    return "added" if before in (None, (), "") else "removed" if after in (None, (), "") else "changed"


def _lists(what: str, old: Sequence[str], new: Sequence[str], *, gone: bool, come: bool) -> Iterator[Change]:
    """Named things that went (breaking if ``gone``) or came (breaking if ``come``)."""
    yield from (Change("$", f"{what} {name} removed", gone) for name in sorted(set(old) - set(new)))
    yield from (Change("$", f"{what} {name} added", come) for name in sorted(set(new) - set(old)))


def _retention(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[Change]:
    """Keeping rows longer than people were told breaks a promise."""
    for layer in sorted({*old, *new}):
        before, after = old.get(layer), new.get(layer)
        if before != after:
            longer = before is not None and (after is None or after > before)
            where = "of all layers" if layer == "*" else f"of {layer}"
            yield Change("$", f"retention {where} {'longer' if longer else _verb(before, after)}", longer)


# columns


def _fields(old: Sequence[Field], new: Sequence[Field], prefix: str) -> Iterator[Change]:
    """Columns or members, matched by name."""
    before, after = {f.name: f for f in old}, {f.name: f for f in new}
    for name in before.keys() - after.keys():
        yield Change(prefix + name, "removed", True)
    for name in after.keys() - before.keys():
        yield Change(
            prefix + name,
            "added, required" if after[name].required else "added, optional",
            after[name].required,
        )
    for name in before.keys() & after.keys():
        yield from _field(before[name], after[name], prefix + name)


def _field(old: Field, new: Field, path: str) -> Iterator[Change]:
    if old.path != new.path:
        still = old.path in new.formerly
        yield Change(path, f"read from {new.path}, {'formerly' if still else 'no longer'} from {old.path}", not still)
    elif set(old.formerly) - set(new.formerly):
        yield Change(path, "older records are no longer read from where they have it", True)
    elif old.formerly != new.formerly:
        yield Change(path, "older records are read from where they have it", False)
    yield from _type(old, new, path)
    yield from _presence(old, new, path)
    yield from _enum(old, new, path)
    yield from _options(old.options, new.options, path)
    yield from _privacy(old, new, path)
    if old.description != new.description or old.tags != new.tags:
        yield Change(path, "description or tags changed", False)
    yield from _fields(old.properties, new.properties, f"{path}.")
    if old.items and new.items:
        yield from _field(old.items, new.items, f"{path}[*]")


def _type(old: Field, new: Field, path: str) -> Iterator[Change]:
    before, after = old.physical_type or old.type, new.physical_type or new.type
    if (old.type, before) == (new.type, after):
        return
    narrow = old.type != new.type and (old.type, new.type) not in _WIDER
    was, will = _digits(before), _digits(after)
    if was and will:
        narrow = narrow or will[0] < was[0] or will[1] < was[1]
    elif (was or will) and not (old.type == "integer" and will and will[0] >= _INT64_DIGITS):
        narrow = True  # a decimal holds fewer numbers than a float, and a float fewer digits than a decimal
    yield Change(path, f"type {before} is now {after}" + ("" if narrow else ", which is wider"), narrow)


def _digits(type_: str) -> tuple[int, int] | None:
    """Digits before and after the point of a ``decimal(p,s)``."""
    match = re.fullmatch(r"(?:decimal|numeric)\((\d+)(?:,\s*(\d+))?\)", type_.strip().lower())
    return (int(match[1]) - int(match[2] or 0), int(match[2] or 0)) if match else None


def _presence(old: Field, new: Field, path: str) -> Iterator[Change]:
    if old.required != new.required:
        yield Change(path, "required now" if new.required else "no longer required", new.required)
    if old.unique != new.unique:
        yield Change(path, "unique now" if new.unique else "no longer unique", new.unique)


def _enum(old: Field, new: Field, path: str) -> Iterator[Change]:
    """Accepted values; they are counted, not named."""
    before, after = set(map(str, old.enum)), set(map(str, new.enum))
    if before == after:
        return
    if not before or not after:
        yield Change(
            path,
            "a list of accepted values is given now" if after else "any value is accepted now",
            bool(after),
        )
        return
    if gone := len(before - after):
        yield Change(path, f"{gone} accepted value{'s' if gone > 1 else ''} removed", True)
    if come := len(after - before):
        yield Change(path, f"{come} accepted value{'s' if come > 1 else ''} added", False)


def _options(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
            tighter = after is not None and (
                before is None or (after > before if name in _LOWER_BOUNDS else after < before)
            )
        elif name == "nullValues":
            tighter = not set(map(str, before or ())) <= set(map(str, after or ()))
        else:
            tighter = after is not None
        yield Change(path, f"{name} {_verb(before, after)}", tighter)


# privacy


def _privacy(old: Field, new: Field, path: str) -> Iterator[Change]:
    if old.classification != new.classification:
        lower = LEVELS.index(new.classification) > LEVELS.index(old.classification)
        yield Change(path, f"classed {new.classification}, no longer {old.classification}", lower)
    if old.mask == new.mask:
        return
    change = f"mask {_spoken(old.mask)} is now {_spoken(new.mask)}"
    before, after = _STRENGTH.get(old.mask.strategy, 0), _STRENGTH.get(new.mask.strategy, 0)
    if after < before:
        yield Change(path, f"{change}: it shows more than before", True)
    elif old.mask.strategy == new.mask.strategy:
        yield Change(path, f"{change}: its values are others now", True)
    else:
        same = _is_text(old) and new.mask.strategy in _TEXTLIKE
        yield Change(
            path,
            f"{change}: it shows less" + ("" if same else ", and its type or values are others"),
            not same,
        )


def _is_text(here: Field) -> bool:
    return here.type == "string" or here.mask.strategy in _TEXTLIKE


def _spoken(mask: Mask) -> str:
    options = ", ".join(f"{name} {value}" for name, value in sorted(mask.options.items()))
    return mask.strategy + (f" ({options})" if options else "")
