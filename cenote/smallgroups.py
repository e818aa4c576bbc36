"""The ``privacy`` member of a mart's front comment -> ``Anonymity``.

Belongs here: reading and checking the declaration. Must not: what it means (transforms/anonymity.py), the rest of the
front comment (cenote/sqlfiles.py).
"""

from collections.abc import Callable, Sequence
from typing import Any

from cenote.errors import SqlFileError, unknown
from transforms.anonymity import Anonymity

Fail = Callable[[str, str], SqlFileError]
_MEMBERS = ("quasi_identifiers", "k", "people", "person", "sensitive", "l", "small_groups")
_SEE = "see docs/anonymity.md"


def read_privacy(declared: dict[str, Any], grain: Sequence[str], fail: Fail) -> Anonymity:
    """Make the policy that a front comment declares; ``fail`` makes an error that names the file."""
    for member in declared:
        if member not in _MEMBERS:
            raise fail(unknown("member of privacy", str(member), _MEMBERS), "correct or remove it")
    steps, suppress = _small_groups(declared.get("small_groups", []), fail)
    policy = Anonymity(
        quasi_identifiers=_names("quasi_identifiers", declared, fail),
        k=_number("k", declared, 5, fail),
        people=declared.get("people"),
        person=declared.get("person"),
        sensitive=_names("sensitive", declared, fail),
        l=_number("l", declared, 2, fail),
        generalize=steps,
        suppress=suppress,
    )
    _check(policy, declared, grain, fail)
    return policy


def _names(member: str, declared: dict[str, Any], fail: Fail) -> tuple[str, ...]:
    names = declared.get(member, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise fail(f"{member} is not a list of columns", f"write `{member}: [country, birth_year]`")
    return tuple(names)


def _number(member: str, declared: dict[str, Any], default: int, fail: Fail) -> int:
    number = declared.get(member, default)
    if not isinstance(number, int) or isinstance(number, bool) or number < 2:
        raise fail(f"{member} is not a whole number of at least 2", f"write `{member}: {default}`")
    return number


def _small_groups(declared: Any, fail: Fail) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The steps of generalization, and whether what stays small is left out."""
    steps = declared if isinstance(declared, list) else [declared]
    suppress = steps[-1:] == ["suppress"]
    found = []
    for step in steps[:-1] if suppress else steps:
        if not isinstance(step, dict) or len(step) != 1:
            fix = "write `suppress`, or a list such as [{birth_year: birth_year // 10 * 10}, {city: null}, suppress]"
            raise fail("small_groups is neither `suppress` nor a list of steps", fix)
        ((column, expression),) = step.items()
        found.append((str(column), _expression("NULL" if expression is None else str(expression), fail)))
    return tuple(found), suppress


def _expression(text: str, fail: Fail) -> str:
    import sqlglot
    from sqlglot import exp

    try:
        parsed = sqlglot.parse_one(text, read="duckdb")
    except sqlglot.errors.SqlglotError:
        raise fail(f"a step of small_groups is no SQL expression: {text}", _SEE) from None
    if not isinstance(parsed, exp.Expression) or parsed.find(exp.Query, exp.AggFunc, exp.Window, exp.Placeholder):
        raise fail(f"a step of small_groups is more than an expression over one row: {text}", _SEE)
    return f"({text})"


def _check(policy: Anonymity, declared: dict[str, Any], grain: Sequence[str], fail: Fail) -> None:
    if not policy.quasi_identifiers:
        raise fail("privacy names no quasi_identifiers", "list the columns that together may single somebody out")
    if policy.people and policy.person:
        raise fail("privacy names both people and person", "keep the one that tells how many people a row stands for")
    if "l" in declared and not policy.sensitive:
        raise fail("privacy has an l but no sensitive columns", "list them, or remove l")
    for column, _ in policy.generalize:
        if column not in policy.quasi_identifiers:
            raise fail(
                f"small_groups generalizes {column!r}, which is no quasi-identifier", "list it, or remove the step"
            )
        if column in grain:
            raise fail(
                f"small_groups generalizes {column!r}, which is in the grain, so rows would fall together",
                "generalize it in the SELECT and group by it, or suppress",
            )
