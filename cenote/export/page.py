"""The page of an export: what is in it, in words that the person can read, and the data itself in tables.

Belongs here: layout. Must not: deciding what is exported. It needs nothing from elsewhere and opens from the ZIP.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from cenote.export.collect import Collected

SHOWN = 200
"""Rows of a part that the page shows; the JSON file has all."""

_SECTIONS = {
    "raw/": ("What you gave us, or we recorded", "Records exactly as they came in, opened for you."),
    "quarantine/": ("Records that could not be used", "They broke a rule; the rule's name and the field are shown."),
    "derived/silver/": (
        "The same records as we work with them",
        "Typed, with names and contacts replaced by stand-ins.",
    ),
    "mentions/": ("Records about others that mention you", "What is about the others is withheld."),
    "derived/gold/": ("Reports with a row about you", "Computed from the records above."),
    "derived/figures_of_many/": (
        "Figures of many people in which your records count",
        "Only which figure it is: the figure itself is about many people.",
    ),
    "derived/passages": ("Texts that search can find", "With the numbers (a vector) that stand for their meaning."),
    "derived/graph/": ("Relations", "Who or what your records connect you with; other people are left out."),
    "derived/features/": ("Figures about you that models may use", "Each with the moment at which it was true."),
    "audit": ("Who opened your data", "From a log that cannot be altered unseen."),
    "processing": ("Why we have it, and for how long", "Purposes, legal basis, categories, and how long it is kept."),
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccd3dc; } h3 { margin-bottom: .2rem; }
.rows { overflow-x: auto; } table { border-collapse: collapse; font-size: .85em; }
td, th { padding: .2rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #e6eaef; }
td { max-width: 28rem; overflow-wrap: anywhere; } p.note { color: #5b6675; } summary { cursor: pointer; }
"""


def page(found: Collected, made_at: str) -> str:
    """The page of what was collected."""
    sections = "\n".join(_section(prefix, *told, found) for prefix, told in _SECTIONS.items())
    consents = _consents(found)
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Your data</title>\n'
        f"<style>{_STYLE}</style>\n<body>\n<h1>Your data</h1>\n"
        f"<p>All that we hold about you, as of {escape(made_at.replace('T', ' ')[:19])} UTC, by your pseudonym "
        f"{', '.join(f'<code>{escape(s)}</code>' for s in found.subjects)}. Every part is also a JSON file in this "
        "archive, for other programs. You may ask us to correct or erase it, to restrict its use, or object to it, and "
        "you may complain to your supervisory authority.</p>\n"
        f"{consents}{sections}\n{f'<h2>Notes</h2><ul>{notes}</ul>' if notes else ''}</body>\n</html>\n"
    )


def _section(prefix: str, title: str, told: str, found: Collected) -> str:
    parts = [(name, rows) for name, rows in found.parts.items() if name.startswith(prefix)]
    if not parts:
        return ""
    shown = "\n".join(_part(name, rows) for name, rows in sorted(parts))
    return f'<h2>{escape(title)}</h2>\n<p class="note">{escape(told)}</p>\n{shown}'


def _part(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    title = name.rpartition("/")[2].replace("_", " ")
    more = f", the first {SHOWN} here" if len(rows) > SHOWN else ""
    link = f'<a href="{escape(name)}.json">{escape(name)}.json</a>'
    count = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}{more}"
    return f"<details><summary><b>{escape(title)}</b>: {count} ({link})</summary>{_table(rows[:SHOWN])}</details>"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = "".join("<tr>" + "".join(f"<td>{_cell(row.get(c))}</td>" for c in columns) + "</tr>" for row in flat)
    return f'<div class="rows"><table><tr>{head}</tr>{lines}</table></div>'


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[prefix + name] = value
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and len(value) > 64:
        return f"{len(value)} numbers"
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _consents(found: Collected) -> str:
    """The newest answer to every purpose, where the lake keeps consents."""
    rows = [row for name, rows in found.parts.items() if name.startswith("derived/silver/") for row in rows]
    answers = [row for row in rows if {"purpose", "granted", "given_at"} <= row.keys()]
    newest = {row["purpose"]: row for row in sorted(answers, key=lambda row: str(row["given_at"]))}
    told = [
        {"purpose": purpose, "you said": "yes" if row["granted"] else "no", "on": str(row["given_at"])[:10]}
        for purpose, row in sorted(newest.items())
    ]
    return f"<h2>What you agreed to</h2>\n{_table(told)}\n" if told else ""
