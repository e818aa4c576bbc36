"""How well and how fast personal data is found in free text: ``python -m benchmarks.detection``.

Prints recall and precision by kind (a span counts as found when it overlaps a marked one of the same kind with an
intersection over union of at least 0.7, and by character) on third-party texts, and the speed of every detector
together. Reads ../shared/data beside the checkout (or --data); texts are only counted, never printed.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from transforms.detect import KINDS, find_spans, redact_text

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
IDS = (
    "MRN", "HEALTH_ID", "LICENCE", "PASSPORT", "ID_NUMBER", "VEHICLE", "DEVICE", "ES_NSS", "ES_DNI", "ES_NIE", "SSN",
    "US_ITIN", "UK_NINO", "UK_NHS", "FR_NIR", "DE_TAX_ID", "IT_CF", "IN_AADHAAR", "IN_PAN", "BR_CPF", "ACCOUNT",
    "PHONE",
)  # fmt: skip
PRESIDIO = {
    "EMAIL": ({"EMAIL_ADDRESS", "EMAIL"}, {"EMAIL"}),
    "PHONE": ({"PHONE_NUMBER"}, {"PHONE"}),
    "CARD": ({"CREDIT_CARD"}, {"CARD"}),
    "IBAN": ({"IBAN_CODE", "IBAN"}, {"IBAN"}),
    "SSN": ({"US_SSN"}, {"SSN"}),
    "IP": ({"IP_ADDRESS"}, {"IP"}),
    "URL": ({"URL", "DOMAIN_NAME"}, {"URL"}),
    "DATE": ({"DATE_TIME", "BIRTHDAY"}, {"DATE", "BIRTH_DATE"}),
    "AGE": ({"AGE"}, {"AGE"}),
    "ADDRESS": ({"STREET_ADDRESS", "ADDRESS"}, {"ADDRESS", "POSTAL_CODE"}),
    "POSTAL_CODE": ({"ZIP_CODE"}, {"POSTAL_CODE"}),
    "PERSON": ({"PERSON"}, {"PERSON"}),
}
PATTERNS = ("EMAIL", "PHONE", "CARD", "IBAN", "SSN", "IP", "URL")
MEDDOCAN = {
    "EMAIL": ({"CORREO_ELECTRONICO"}, {"EMAIL"}),
    "PHONE": ({"NUMERO_TELEFONO", "NUMERO_FAX"}, {"PHONE"}),
    "DATE": ({"FECHAS"}, {"DATE", "BIRTH_DATE"}),
    "ID": (
        {
            "ID_SUJETO_ASISTENCIA",
            "ID_ASEGURAMIENTO",
            "ID_TITULACION_PERSONAL_SANITARIO",
            "ID_CONTACTO_ASISTENCIAL",
        },
        set(IDS) - {"PHONE"},
    ),
    "AGE": ({"EDAD_SUJETO_ASISTENCIA"}, {"AGE"}),
    "ADDRESS": ({"CALLE"}, {"ADDRESS"}),
    "PERSON": ({"NOMBRE_SUJETO_ASISTENCIA", "NOMBRE_PERSONAL_SANITARIO"}, {"PERSON"}),
}
Groups = dict[str, tuple[set[str], set[str]]]


def presidio(data: Path = SHARED) -> tuple[pl.Series, pl.DataFrame]:
    """Texts and marked spans (``row``, ``start``, ``end``, ``type``) of the English sentences."""
    records = [
        json.loads(line) for line in (data / "pii" / "presidio_share.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    marked = [(row, s["start"], s["end"], s["type"]) for row, record in enumerate(records) for s in record["spans"]]
    return pl.Series([r["text"] for r in records]), _marked(marked)


def meddocan(data: Path = SHARED) -> tuple[pl.Series, pl.DataFrame]:
    """Texts and marked spans of the Spanish clinical cases."""
    folder = data / "pii" / "meddocan_es_train"
    files = [file for file in sorted(folder.glob("*.txt")) if file.with_suffix(".ann").exists()]
    marked = [(row, *mark) for row, file in enumerate(files) for mark in _annotations(file.with_suffix(".ann"))]
    return pl.Series([file.read_text(encoding="utf-8") for file in files]), _marked(marked)


def _annotations(file: Path) -> Iterator[tuple[int, int, str]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("T"):
            kind, start, end = line.split("\t")[1].split(" ")[:3]
            yield int(start), int(end), kind


def _marked(marked: list[tuple[int, int, int, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        marked, schema={"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "type": pl.String}, orient="row"
    )


def score(found: pl.DataFrame, marked: pl.DataFrame, groups: Groups) -> pl.DataFrame:
    """Per group of kinds and for all: marked, found, hit spans; recall and precision by span and by character."""
    rows = []
    parts = []
    for name, (types, kinds) in groups.items():
        want = marked.filter(pl.col("type").is_in(types)).with_row_index("w")
        have = found.filter(pl.col("kind").is_in(kinds)).with_row_index("h")
        both = want.join(have, on="row", suffix="_h").with_columns(
            common=pl.min_horizontal("end", "end_h") - pl.max_horizontal("start", "start_h"),
            union=pl.max_horizontal("end", "end_h") - pl.min_horizontal("start", "start_h"),
        )
        both = both.filter(pl.col("common") > 0)
        near = both.filter(pl.col("common") >= 0.7 * pl.col("union"))
        sizes = [int((frame["end"] - frame["start"]).sum()) for frame in (want, have)]
        part = [
            want.height,
            have.height,
            near["w"].n_unique(),
            near["h"].n_unique(),
            *sizes,
            int(both["common"].sum()),
        ]
        parts.append((name, part))
    together = [sum(part[i] for name, part in parts if name in PATTERNS) for i in range(7)]
    for name, (want_n, have_n, hit_w, hit_h, want_c, have_c, common) in [*parts, ("patterns", together)]:
        rows.append(
            {
                "kind": name, "marked": want_n, "found": have_n,
                "recall": hit_w / max(want_n, 1), "precision": hit_h / max(have_n, 1),
                "char_recall": common / max(want_c, 1), "char_precision": common / max(have_c, 1),
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


def speed(texts: pl.Series, megabytes: float) -> dict[str, float]:
    """MB of distinct free text per second, every detector on: finding and redacting."""
    size = texts.str.len_bytes().sum() / 1e6
    copies = max(1, round(megabytes / size))
    # a number is put behind each copy so that no text is the same as another: repeated texts cost nothing
    many = pl.concat([texts + f" {copy:x}." for copy in range(copies)])
    total = many.str.len_bytes().sum() / 1e6
    rates = {"megabytes": total}
    for name, run in (("find_spans", find_spans), ("redact_text", redact_text)):
        began = time.perf_counter()
        run(many)
        rates[name] = total / (time.perf_counter() - began)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--megabytes", type=float, default=16)
    options, _ = parser.parse_known_args()  # names of benchmarks may stand beside
    pl.Config.set_tbl_rows(40)
    pl.Config.set_float_precision(3)
    for title, load, groups in (
        ("presidio_share (English sentences)", presidio, PRESIDIO),
        ("meddocan_es_train (Spanish clinical)", meddocan, MEDDOCAN),
    ):
        texts, marked = load(options.data)
        print(f"\n{title}: {len(texts)} texts, {len(KINDS)} kinds on")
        print(score(find_spans(texts), marked, groups))
        print(
            {name: round(rate, 1) for name, rate in speed(texts, options.megabytes).items()},
            "MB/s of distinct text",
        )


if __name__ == "__main__":
    main()
