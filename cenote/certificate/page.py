"""A certificate as a page that anyone can read, print and keep: one HTML file that needs nothing else.

Belongs here: layout. Must not: deciding what a certificate says. The signed document itself is embedded, so that
`cenote certificate verify` takes the page as well.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #ccd3dc; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .25rem .6rem .25rem 0; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } tr + tr { border-top: 1px solid #e6eaef; }
.verdict { font-weight: 600; padding: .4rem .8rem; display: inline-block; border-radius: .3rem; }
.erased { background: #dff3e4; } .not { background: #fbe3e0; } code { font-size: .85em; overflow-wrap: anywhere; }
"""
_VERDICTS = {
    "erased": "Erased. An independent scan decoded everything and found nothing of the person.",
    "residue found": "Not complete. An independent scan still found the person.",
    "not scanned": "No independent scan was made.",
    "not fully decoded": "Nothing was found, but some files could not be decoded.",
}


def page(signed: Mapping[str, Any]) -> str:
    """The page of a signed certificate."""
    told, signature = signed["certificate"], signed["signature"]
    times, scan, people = told["times"], told["scan"], told["subjects"]
    kind = "erased" if told["verdict"] == "erased" else "not"
    parts = [
        "<h1>Certificate of erasure</h1>",
        f"<p>Request <code>{escape(told['request_id'])}</code>, issued {_time(times['issued_at'])}</p>",
        f'<p class="verdict {kind}">{escape(_VERDICTS[told["verdict"]])}</p>',
        _section("Request", _facts(_request(told, times, people))),
        _section("What was done", _stores(told["stores"])),
        _section("What stays, and why", _holds(told["holds"])),
        _section("Independent scan", _facts(_scanned(scan)) + _list(scan)),
        _section("Table versions", _versions(told["tables"])),
        _section("Signature", _facts(_signed(told, signature)) + _HOW),
    ]
    embedded = escape(json.dumps(signed, ensure_ascii=False), quote=False)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Certificate of erasure</title>\n'
        f"<style>{_STYLE}</style>\n<body>\n" + "\n".join(parts) + "\n"
        f'<script type="application/json" id="certificate">{embedded}</script>\n</body>\n</html>\n'
    )


_HOW = (
    "<p>Whoever has the public key of this lake checks this page, or the JSON file beside it, with "
    "<code>cenote certificate verify FILE --key KEY</code>. The signature is Ed25519 over the member "
    "<code>certificate</code> of the embedded document, as JSON with sorted members and no spaces (RFC 8785).</p>"
)


def _request(told: Mapping[str, Any], times: Mapping[str, Any], people: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("People", f"{people['count']}: {', '.join(people['references'])} (references that only the vault can make)"),
        ("Asked for", _time(times["requested_at"])),
        ("Done", _time(times["finished_at"])),
        ("Within one month", "yes" if times["within_deadline"] else "no"),
        ("Kept from coming back", f"{told['tombstones']} tombstones"),
    ]


def _scanned(scan: Mapping[str, Any]) -> list[tuple[str, str]]:
    size = f"{scan['bytes'] / 1e6:,.1f} MB on disk, {scan['decoded_bytes'] / 1e6:,.1f} MB decoded"
    return [
        ("Looked for", f"{scan['needles']:,} values, in plain and disguised forms"),
        ("Read", f"{scan['files']:,} files, {size}, in {scan['milliseconds'] / 1000:,.1f} s"),
        ("Asked search", f"{scan['questions']:,} questions"),
        ("Found", f"{scan['hits']:,} places"),
        ("Not decoded", f"{len(scan['opaque']):,} files"),
    ]


def _signed(told: Mapping[str, Any], signature: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        ("Key", signature["key"]),
        ("Public key", signature["public_key"]),
        ("Signature", signature["value"]),
        ("End of the audit log", told["audit"]),
        ("Made by", told["made_by"]),
    ]


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return "<table>" + "".join(lines) + "</table>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> str:
    def cell(value: Any, tag: str = "td") -> str:
        number = isinstance(value, int)
        return f"<{tag}{' class=n' if number else ''}>{f'{value:,}' if number else escape(str(value))}</{tag}>"

    lines = ["<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows]
    head = "<tr>" + "".join(cell(h, "th") for h in heads) + "</tr>"
    return f"<table>{head}{''.join(lines)}</table>" if lines else f"<p>{empty}</p>"


def _stores(stores: Sequence[Mapping[str, Any]]) -> str:
    rows = [(s["store"], s["removed"], s["rewritten"], f"{s['milliseconds'] / 1000:,.2f}") for s in stores]
    return _table(("Store", "Rows removed", "Rows written anew", "Seconds"), rows, "Nothing was held.")


def _holds(holds: Sequence[Mapping[str, Any]]) -> str:
    rows = [(h["dataset"], h["rows"], h["reason"]) for h in holds]
    return _table(("Dataset", "Rows without the person", "Reason"), rows, "Nothing stays.")


def _versions(tables: Sequence[Mapping[str, Any]]) -> str:
    def shown(version: int | None) -> Any:
        return "none" if version is None else version

    rows = [(t["table"], shown(t["before"]), shown(t["after"])) for t in tables]
    return _table(("Table", "Before", "After"), rows, "No table changed.")


def _list(scan: Mapping[str, Any]) -> str:
    told = [*scan["found_in"], *(f"{name}: {why}" for name, why in scan["opaque"].items())]
    return "<ul>" + "".join(f"<li><code>{escape(line)}</code></li>" for line in told) + "</ul>" if told else ""


def _time(at: str) -> str:
    return escape(at.replace("T", " ")[:19]) + " UTC"
