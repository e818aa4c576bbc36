"""Changes between versions of a contract, breaking and safe; and what lint finds doubtful in one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cenote.cli import app
from cenote.contract_diff import Change, diff
from cenote.contract_lint import contract_problems
from transforms.contract import Change as Changes
from transforms.contract import Contract, Edge, Field, Mask, Passage, Subject

TOKEN = Mask("token", {"entity": "customer"})
ORDERS = Contract(
    "orders", "1.0.0", "What was bought.", "sales@shop.example",
    (
        Field("order_id", "$.id", "string", primary_key=True, required=True),
        Field("customer_id", "$.customer_id", "string", classification="HIGH", mask=TOKEN),
        Field("amount", "$.amount", "number", "decimal(12,2)", options={"minimum": 0}),
        Field("status", "$.status", "string", enum=("open", "paid")),
        Field("note", "$.note", "string", classification="HIGH", mask=Mask("text")),
        Field("lines", "$.lines", "array", items=Field("item", "$.item", "object", properties=(
            Field("product_id", "$.product_id", "string", required=True), Field("quantity", "$.quantity", "integer"),
        ))),
    ),
    subject=Subject("customer", "$.customer_id"), mentions=(Subject("employee", "$.clerk"),),
    change=Changes("scd1", ("amount",)), passages=(Passage("notes", "{note}"),),
    edges=(Edge("ordered", "customer", "customer_id", "product", "lines.product_id"),),
    lawful_basis="contract", purpose=("service",), retention={"bronze": 365}, freshness_hours=24,
)  # fmt: skip


def changed(name: str, **members: object) -> Contract:
    """The orders contract with one column changed."""
    return replace(ORDERS, fields=tuple(replace(f, **members) if f.name == name else f for f in ORDERS.fields))  # type: ignore[arg-type]


def without(name: str) -> Contract:
    return replace(ORDERS, fields=tuple(f for f in ORDERS.fields if f.name != name))


def plus(field: Field) -> Contract:
    return replace(ORDERS, fields=(*ORDERS.fields, field))


def lines(**members: object) -> Contract:
    """The orders contract with the quantity of a line changed."""
    item = ORDERS.column("lines").items
    assert item
    inner = tuple(replace(p, **members) if p.name == "quantity" else p for p in item.properties)  # type: ignore[arg-type]
    return changed("lines", items=replace(item, properties=inner))


def test_a_contract_does_not_differ_from_itself() -> None:
    assert diff(ORDERS, ORDERS) == []


BREAKING = {
    "a column is removed": (without("status"), "status"),
    "a required column is added": (plus(Field("vat", "$.vat", "number", required=True)), "vat"),
    "a column is read from elsewhere": (changed("status", path="$.state"), "status"),
    "a column becomes required": (changed("status", required=True), "status"),
    "a type changes": (changed("status", type="integer", enum=()), "status"),
    "a decimal has fewer digits": (changed("amount", physical_type="decimal(8,2)"), "amount"),
    "a decimal loses fraction digits": (changed("amount", physical_type="decimal(12,1)"), "amount"),
    "a decimal becomes a float": (changed("amount", physical_type=None), "amount"),
    "an accepted value is removed": (changed("status", enum=("open",)), "status"),
    "values are listed": (changed("note", enum=("a",)), "note"),
    "a minimum is raised": (changed("amount", options={"minimum": 1}), "amount"),
    "a maximum comes": (changed("amount", options={"minimum": 0, "maximum": 9}), "amount"),
    "a pattern comes": (changed("status", options={"pattern": "x"}), "status"),
    "a null word goes": (ORDERS, "status"),
    "a member becomes required": (lines(required=True), "lines[*].quantity"),
    "a mask is weaker": (changed("customer_id", mask=Mask("partial", {"keep": 4})), "customer_id"),
    "a mask is gone": (changed("note", mask=Mask()), "note"),
    "a token is of another kind": (changed("customer_id", mask=Mask("token", {"entity": "user"})), "customer_id"),
    "a column is dropped": (changed("status", mask=Mask("drop")), "status"),
    "a number becomes a token": (changed("amount", mask=Mask("token")), "amount"),
    "a class is lowered": (changed("note", classification="LOW"), "note"),
    "the change mode changes": (replace(ORDERS, change=Changes("append")), "$"),
    "the order of changes changes": (replace(ORDERS, change=Changes("scd1", ("status",))), "$"),
    "the subject goes": (replace(ORDERS, subject=None), "$"),
    "the subject is another": (replace(ORDERS, subject=Subject("user", "$.customer_id")), "$"),
    "a mention goes": (replace(ORDERS, mentions=()), "$"),
    "a purpose comes": (replace(ORDERS, purpose=("service", "marketing")), "$"),
    "the lawful basis changes": (replace(ORDERS, lawful_basis="consent"), "$"),
    "erasure changes": (replace(ORDERS, erasure="anonymize"), "$"),
    "rows are kept longer": (replace(ORDERS, retention={"bronze": 999}), "$"),
    "rows are kept for ever": (replace(ORDERS, retention={}), "$"),
    "data may be staler": (replace(ORDERS, freshness_hours=48), "$"),
    "passages go": (replace(ORDERS, passages=()), "$"),
    "an edge goes": (replace(ORDERS, edges=()), "$"),
}  # fmt: skip
SAFE = {
    "an optional column is added": (plus(Field("vat", "$.vat", "number")), "vat"),
    "a column is described": (changed("status", description="How it stands."), "status"),
    "a decimal has more digits": (changed("amount", physical_type="decimal(18,4)"), "amount"),
    "a value is accepted, too": (changed("status", enum=("open", "paid", "void")), "status"),
    "any value is accepted": (changed("status", enum=()), "status"),
    "a minimum is lowered": (changed("amount", options={"minimum": -5}), "amount"),
    "an integer becomes a number": (lines(type="number"), "lines[*].quantity"),
    "a mask is stronger": (changed("note", mask=Mask("redact")), "note"),
    "a class is raised": (changed("status", classification="LOW"), "status"),
    "somebody else is mentioned": (replace(ORDERS, mentions=(*ORDERS.mentions, Subject("user", "$.x"))), "$"),
    "a purpose goes": (replace(ORDERS, purpose=()), "$"),
    "rows are kept shorter": (replace(ORDERS, retention={"bronze": 30}), "$"),
    "data is fresher": (replace(ORDERS, freshness_hours=1), "$"),
    "an owner changes": (replace(ORDERS, owner="x@shop.example"), "$"),
}  # fmt: skip
LISTED = changed("status", options={"nullValues": ["NULL"]})


@pytest.mark.parametrize(("new", "path"), BREAKING.values(), ids=BREAKING)
def test_breaking(new: Contract, path: str) -> None:
    old = LISTED if new == ORDERS else ORDERS
    found = diff(old, new)
    assert [c.path for c in found if c.breaking] == [path], found


@pytest.mark.parametrize(("new", "path"), SAFE.values(), ids=SAFE)
def test_safe(new: Contract, path: str) -> None:
    assert [(c.path, c.breaking) for c in diff(ORDERS, new)] == [(path, False)]


def test_a_new_key_is_breaking() -> None:
    found = diff(ORDERS, changed("status", primary_key=True))
    assert Change("$", "primary key changed from (order_id) to (order_id, status)", True) in found


def test_accepted_values_are_counted_and_not_named() -> None:
    told = " ".join(c.what for c in diff(ORDERS, changed("status", enum=("open", "gone"))))
    assert "1 accepted value removed" in told and "gone" not in told.replace("accepted value", "")


# the command


def written(folder: Path, name: str, optional: str = "") -> Path:
    file = folder / name
    file.write_text(
        "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n"
        f"  - name: things\n    properties:\n      - {{name: id, logicalType: string}}\n{optional}"
    )
    return file


def test_the_command_gates_on_breaking_changes(tmp_path: Path) -> None:
    small = written(tmp_path, "small.yaml")
    large = written(tmp_path, "large.yaml", "      - {name: extra, logicalType: string}\n")
    run = CliRunner().invoke
    found = run(app, ["contract", "diff", str(small), str(large), "--format", "json"])
    assert found.exit_code == 0
    assert json.loads(found.stdout) == [{"change": "safe", "path": "extra", "what": "added, optional"}]
    found = run(app, ["contract", "diff", str(large), str(small)])
    assert found.exit_code == 1 and "breaking" in found.stdout
    assert run(app, ["contract", "diff", str(small), str(small)]).stdout == "no changes\n"


# lint


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (changed("note", mask=Mask()), "note is classed HIGH but kept in clear"),
        (changed("note", mask=Mask("partial", {"keeep": 4})), "partial has no option 'keeep'"),
        (replace(ORDERS, subject=None, mentions=()), "customer_id is classed HIGH, but no subject is declared"),
        (changed("order_id", mask=Mask("redact")), "order_id is in the primary key but masked by redact"),
        (changed("customer_id", mask=Mask("redact")), "customer_id is an end of the edge 'ordered'"),
        (changed("note", mask=Mask("drop")), "note is used by the passages in 'notes' but dropped"),
    ],
)
def test_lint_tells_what_is_doubtful(wrong: Contract, told: str) -> None:
    (problem,) = contract_problems(wrong)
    assert told in problem


def test_members_have_the_mask_of_what_they_are_in() -> None:
    inner = Field("item", "$.item", "object", properties=(Field("name", "$.name", "string", classification="HIGH"),))
    people = Field("people", "$.people", "array", items=inner, mask=Mask("redact"))
    assert contract_problems(plus(people)) == []
    assert contract_problems(plus(replace(people, mask=Mask()))) == [
        "people.name is classed HIGH but kept in clear; declare a mask"
    ]


def test_nothing_is_doubtful_in_a_sound_contract() -> None:
    assert contract_problems(ORDERS) == []
