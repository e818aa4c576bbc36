"""Sealing and opening 1,000,000 records of 400 bytes for 50,000 subjects: ``python -m benchmarks sealing``.

The floor is AES-256-GCM of the same records under the same keys by the bare library call: ciphers at hand, one nonce,
no vault. The vault works in chunks of 100,000 records as the stages do, and its figures hold loading the keys. Making
the keys happens once, audit entry included. Best of three; CPU seconds tell the cost where the machine is shared. One
thread does it all: the library keeps Python's lock for payloads this small.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rich.console import Console
from rich.table import Table

from cenote.records import CHUNK_ROWS
from cenote.settings import Settings
from cenote.vault import Vault

SUBJECTS = 50_000
RECORD_BYTES = 400


def records(count: int, seed: int = 1) -> tuple[list[str], list[bytes], list[bytes]]:
    """Subject id, payload and associated data of each record, subjects in no order."""
    draw = random.Random(seed)
    subjects = [f"customer_{draw.randrange(SUBJECTS):024x}" for _ in range(count)]
    pool = os.urandom(RECORD_BYTES * 1000)
    payloads = [pool[start : start + RECORD_BYTES] for start in (n % 1000 * RECORD_BYTES for n in range(count))]
    return subjects, payloads, [f"orders\x1f{n:024x}-{n:010d}".encode() for n in range(count)]


def measure(work: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Least wall and CPU seconds."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def chunks(count: int) -> Iterator[slice]:
    """The records as stages take them."""
    return (slice(start, start + CHUNK_ROWS) for start in range(0, count, CHUNK_ROWS))


def main(count: int = 1_000_000) -> None:
    """Measure and print."""
    subjects, payloads, aads = records(count)
    under = {subject: AESGCM(os.urandom(32)) for subject in set(subjects)}
    ciphers, nonce = [under[subject] for subject in subjects], bytes(12)
    boxes = [key.encrypt(nonce, payload, aad) for key, payload, aad in zip(ciphers, payloads, aads, strict=True)]

    def raw_seal() -> None:
        for key, payload, aad in zip(ciphers, payloads, aads, strict=True):
            key.encrypt(nonce, payload, aad)

    def raw_open() -> None:
        for key, box, aad in zip(ciphers, boxes, aads, strict=True):
            key.decrypt(nonce, box, aad)

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder, "data"), vault=Path(folder, "vault"))
        made = measure(lambda: Vault.create(settings).keys_for(subjects), times=1)
        vault = Vault.open(settings)
        keys = vault.keys_for(subjects)
        key_ids = [key for subject in subjects if (key := keys[subject])]
        sealed = vault.seal(key_ids, payloads, aads)

        def seal() -> None:
            vault = Vault.open(settings)
            for part in chunks(count):
                vault.seal(key_ids[part], payloads[part], aads[part])

        def unseal() -> None:
            vault = Vault.open(settings)
            for part in chunks(count):
                vault.unseal(key_ids[part], sealed[part], aads[part])

        floor = {"seal": measure(raw_seal)[1], "open": measure(raw_open)[1]}
        rows = {
            "make keys, once": (made, len(keys), None),
            "seal": (measure(seal), count, floor["seal"]),
            "open": (measure(unseal), count, floor["open"]),
        }
    table = Table("vault", "seconds", "CPU seconds", "per second", "per CPU second", "CPU times the floor")
    for what, ((wall, cpu), done, least) in rows.items():
        times = f"{cpu / least:.1f}" if least else ""
        table.add_row(what, f"{wall:.2f}", f"{cpu:.2f}", f"{done / wall:,.0f}", f"{done / cpu:,.0f}", times)
    console = Console()
    console.print(table)
    console.print(f"{count:,} records of {RECORD_BYTES} bytes, {len(keys):,} subjects in no order")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
