"""What erasing costs on a lake of a million records and 100,000 passages: one person, then a hundred.

Belongs here: making the lake, quickly and with made-up vectors, and timing, from the request to the certificate. Must
not: the parts of the scan for residue, which benchmarks/residue.py measures. Records are landed and conformed as any
others are; only the embedding of passages and the trained tier for names are spared. Processor time stands below the
seconds of the wall, which a busy machine stretches.
"""

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import duckdb
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._shop import AS_OF
from cenote import bronze, catalog, erasure, features, gold, graph, silver
from cenote.certificate.issue import FOLDER
from cenote.erasure.people import People, people
from cenote.erasure.queue import Request
from cenote.settings import load_settings
from cenote.vault import Vault
from cenote.vectors.indexes import ensure_indexes
from cenote.vectors.store import Store
from cenote.workspace import Workspace
from transforms.passages import passage_columns, passages

CUSTOMERS, PRODUCTS = 20_000, 1_000
ROWS = {"customers": CUSTOMERS, "products": PRODUCTS, "orders": 500_000, "invoices": 279_000, "turns": 100_000,
        "follows": 100_000}  # fmt: skip
FILE_ROWS = 50_000
"""Records of a landed file."""
DIMENSION = 384
INDEXED = True
"""Whether the vector index is built, as a lake of this size has it; that takes minutes, which are not measured."""

# Ids with a letter beyond F: digits alone behind a C stand by chance in the hexadecimal digests of a million records.
_WHO = f"printf('K%07d', hash(i) % {CUSTOMERS})"
_AT = "strftime(TIMESTAMP '2024-12-01' + to_seconds(i * 60), '%Y-%m-%dT%H:%M:%SZ')"
_NAME = "'Vorname' || {0} || ' Nachname' || {0}"
RECORDS = {
    "customers": "printf('K%07d', i) AS id, " + _NAME.format("i") + " AS name, "
    "{'email': 'person' || i || '@shop.example', 'phone': printf('+43 660 %07d', i)} AS contact, "
    "{'city': 'Graz', 'country': 'AT', 'street': 'Gasse ' || i} AS address, "
    f"'consumer' AS segment, {_AT} AS created_at, {_AT} AS updated_at, false AS is_deleted",
    "products": "printf('P%06d', i) AS product_id, 'Product ' || i AS name, 'kitchen' AS category, "
    f"{{'price_eur': 9.5, 'cost_eur': 4.0}} AS pricing, {{'units': i % 100}} AS stock, {_AT} AS updated_at",
    "orders": f"printf('O%08d', i) AS order_id, {_WHO} AS customer_id, 'paid' AS status, 'web' AS channel, "
    f"{_AT} AS ordered_at, {_AT} AS updated_at, 9.5 AS total_eur, 'EUR' AS currency, "
    f"[{{'product_id': printf('P%06d', hash(i + 1) % {PRODUCTS}), 'quantity': 1, 'unit_price_eur': 9.5}}] AS lines, "
    f"CASE WHEN i % 100 = 0 THEN 'leave it with ' || {_NAME.format(f'(hash(i + 2) % {CUSTOMERS})')} END AS note",
    "invoices": f"'insert' AS op, {_AT} AS at, i AS seq, NULL AS before, {{'invoice_id': printf('I%08d', i), "
    f"'order_id': printf('O%08d', i), 'customer_id': {_WHO}, 'status': 'paid', 'amount_eur': 9.5, 'tax_eur': 1.5, "
    f"'issued_at': {_AT}, 'paid_at': {_AT}}} AS after",
    "turns": f"'T' || i AS turn_id, 'V' || i AS conversation_id, {_WHO} AS customer_id, 0 AS turn_index, "
    f"'customer' AS role, {_AT} AS said_at, 'Where is parcel ' || md5(CAST(i AS VARCHAR)) || '?' AS transcript",
    "follows": f"{_WHO} AS follower, printf('K%07d', hash(i + 3) % {CUSTOMERS}) AS followed, {_AT} AS since, "
    f"{_AT} AS updated_at",
}


def make_lake(folder: Path) -> Workspace:
    """Land, conform and build everything below ``folder``."""
    space = open_lake(folder)
    Vault.create(space.settings)
    for dataset, columns in RECORDS.items():
        for begin in range(0, ROWS[dataset], FILE_ROWS):
            file, some = folder / f"{dataset}.jsonl", f"range({begin}, {min(begin + FILE_ROWS, ROWS[dataset])})"
            with duckdb.connect() as connection:
                connection.execute(f"COPY (SELECT {columns} FROM {some} AS r(i)) TO '{file}' (FORMAT json)")
            bronze.land(space, dataset, [file], consume=True)
    for dataset, contract in space.contracts.items():
        silver.build(space, dataset)
        if contract.edges:
            graph.build_edges(space, dataset)
    _embed(space)
    for build in (graph.build_nodes, graph.build_pagerank, graph.build_communities):
        build(space)
    for mart in gold.marts(space):
        gold.build(space, mart)
    for view in features.views(space):
        features.build(space, view)
    features.sync_online(space)
    catalog.refresh(space)
    return space


def open_lake(folder: Path) -> Workspace:
    """The lake below ``folder``. The trained tier for names stays off: like embedding, it only costs time to build."""
    return Workspace(load_settings(home=folder / "data", vault=folder / "vault", as_of=AS_OF, names=False))


def _embed(space: Workspace) -> None:
    """Passages with made-up vectors, written as the stage writes them."""
    from cenote.vectors import stage

    store, made_up = Store(space), np.random.default_rng(7)
    store.create(stage.embedder_name(space), DIMENSION)
    for dataset, contract in space.contracts.items():
        table = space.table("silver", dataset)
        if not contract.passages or not table.exists:
            continue
        columns = ["lineage_id", "subject_id", "mentions", *passage_columns(contract)]
        columns += ["is_current"] if contract.keyed else []
        for rows in table.scan().select(*dict.fromkeys(columns)).collect().iter_slices(25_000):
            told = passages(rows, contract)
            if told.height:
                vectors = made_up.normal(size=(told.height, DIMENSION)).astype(np.float32)
                store.upsert(told, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))  # as a model gives them
        stage._Build(space, store, contract, table, False, None)._remember()
    if INDEXED:
        ensure_indexes(space)


@dataclass(frozen=True)
class Cost:
    """Seconds of each step, of all of it, and of all processors; rows removed; what the certificate says."""

    steps: dict[str, float]
    wall: float
    cpu: float
    removed: int
    verdict: str


def measure(space: Workspace, who: People) -> Cost:
    """Erase people, prove it and certify."""
    begun, used, proof = time.perf_counter(), _used(), 0.0

    def told(step: str) -> None:
        nonlocal proof
        proof = time.perf_counter() if step == "proof" else proof

    request, outcome = erasure.forget(space, who, "benchmark", told=told)
    ended = time.perf_counter()
    assert outcome is not None
    steps = {**request.state["seconds"], "proof": ended - proof}
    return Cost(steps, ended - begun, _used() - used, outcome.removed, _verdict(space, request))


def _verdict(space: Workspace, request: Request) -> str:
    """What the certificate says."""
    signed = json.loads((space.settings.vault / FOLDER / request.state["certificate"]).read_text())
    return str(signed["certificate"]["verdict"])


def _used() -> float:
    """CPU seconds of this process and of those that it started and that ended."""
    return sum(r.ru_utime + r.ru_stime for r in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def report(space: Workspace, console: Console) -> None:
    """Erase one person, then a hundred, and print what each store cost."""
    one = measure(space, people(space, ["customer:K0000017"]))
    hundred = measure(space, people(space, [f"customer:K{number:07d}" for number in range(1_000, 1_100)]))
    table = Table(title=f"{sum(ROWS.values()):,} records, {Store(space).count():,} passages left: seconds")
    for column in ("step", "one person", "a hundred"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for step, seconds in one.steps.items():
        table.add_row(step, f"{seconds:.1f}", f"{hundred.steps.get(step, 0.0):.1f}")
    table.add_row("end to end", f"{one.wall:.1f}", f"{hundred.wall:.1f}", style="bold")
    table.add_row("processor time", f"{one.cpu:.1f}", f"{hundred.cpu:.1f}")
    console.print(table)
    ratio = hundred.cpu / one.cpu
    wall = hundred.wall / one.wall
    console.print(f"one person: {one.removed} rows removed; verdicts: {one.verdict}, {hundred.verdict}")
    console.print(f"a hundred cost {ratio:.2f} times one in processor time, {wall:.2f} times end to end")
    console.print("vectors are purged beside the steps up to online, features-of-silver beside graph and gold")
    console.print("most of the scan for the proof is done beside the steps")


def main() -> None:
    """Make the lake and measure."""
    folder = Path(tempfile.mkdtemp(prefix="cenote-erasure-"))
    try:
        report(make_lake(folder), Console())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
