"""How well and how fast personal data is found in free text: ``python -m benchmarks detection``.

Prints recall and precision by kind (a span counts as found when it overlaps a marked one of the same kind with an
intersection over union of at least 0.7, and by character) on third-party texts, and the speed of every detector
together; with the extra ``bench`` installed, the same of Presidio (its patterns, without a language model) in the same
run. Reads ../shared/data beside the checkout (or --data); texts are only counted, never printed.
"""

import argparse
import gc
import gzip
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cenote.sample import generate
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


def dialogues(data: Path = SHARED) -> pl.Series:
    """Support dialogues, each as one text."""
    talks = json.loads((data / "pii" / "abcd" / "abcd_sample.json").read_text(encoding="utf-8"))
    return pl.Series(["\n".join(f"{who}: {said}" for who, said in talk["original"]) for talk in talks])


def shop(customers: int = 300) -> pl.Series:
    """What customers and assistants of the sample shop say and write."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "landing", customers, 42, datetime(2026, 11, 1, tzinfo=UTC))
        found = [
            text
            for dataset, field in (("turns", "transcript"), ("reviews", "body"))
            for file in sorted((Path(folder) / "landing" / dataset).iterdir())
            for text in _values(file, field)
        ]
    return pl.Series(found, dtype=pl.String).unique(maintain_order=True)


def _values(file: Path, field: str) -> Iterator[str]:
    """A field's texts in a file of JSON lines; other lines, which the sample has too, are passed over."""
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    for line in raw.decode(errors="replace").splitlines():
        with suppress(ValueError, AttributeError):
            value = json.loads(line).get(field)
            if isinstance(value, str):
                yield value


def many(texts: pl.Series, megabytes: float) -> pl.Series:
    """So many MB of texts, none like another: a number stands behind each copy, since repeated texts cost nothing."""
    texts = texts.unique(maintain_order=True)
    copies = max(1, round(megabytes * 1e6 / texts.str.len_bytes().sum()))
    return pl.concat([texts + f" {copy:x}." for copy in range(copies)])


def rate(run: Callable[[pl.Series], object], texts: pl.Series, times: int = 7) -> tuple[float, float]:
    """MB of text per second of the clock and per second of CPU: the best of some runs."""
    walls, cpus = [], []
    gc.freeze()  # what other measurements keep is not looked through while this one runs
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        run(texts)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    size = texts.str.len_bytes().sum() / 1e6
    return size / min(walls), size / min(cpus)


# Presidio, the tool that most people use

_TYPES = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "US_SSN": "SSN",
    "IP_ADDRESS": "IP", "URL": "URL", "DATE_TIME": "DATE",
}  # fmt: skip


def peer() -> Callable[[pl.Series], pl.DataFrame] | None:
    """Presidio's predefined recognizers that need no language model, as a function like ``find_spans``.

    None where it is not installed. Its list of top-level domains is the packaged one: nothing is downloaded.
    """
    if importlib.util.find_spec("presidio_analyzer") is None:
        return None
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        """A tokenizer only."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    analyzer = AnalyzerEngine(nlp_engine=Blank(), registry=registry, supported_languages=["en"])

    def find(texts: pl.Series) -> pl.DataFrame:
        rows = [
            (row, span.start, span.end, _TYPES.get(span.entity_type, span.entity_type), span.score)
            for row, text in enumerate(texts.to_list())
            for span in _outermost(analyzer.analyze(text, language="en"))
        ]
        schema: dict[str, Any] = {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "kind": pl.String}
        return pl.DataFrame(rows, schema={**schema, "score": pl.Float64}, orient="row")

    return find


def _outermost(spans: list[Any]) -> list[Any]:
    """Presidio's spans without those that stand inside of another, as when it masks."""
    return [
        span
        for span in spans
        if not any(o.start <= span.start and span.end <= o.end and o.score > span.score for o in spans if o is not span)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--megabytes", type=float, default=32)
    options, _ = parser.parse_known_args()  # names of benchmarks may stand beside
    pl.Config.set_tbl_rows(40)
    pl.Config.set_float_precision(3)
    other = peer()
    for title, load, groups in (
        ("presidio_share (English sentences)", presidio, PRESIDIO),
        ("meddocan_es_train (Spanish clinical)", meddocan, MEDDOCAN),
    ):
        texts, marked = load(options.data)
        print(f"\n{title}: {len(texts)} texts, {len(KINDS)} kinds on")
        print(score(find_spans(texts), marked, groups))
        if other is not None and load is presidio:
            print("Presidio on the same texts, patterns only")
            print(score(other(texts), marked, {kind: groups[kind] for kind in (*PATTERNS, "DATE")}))
    _print_speed(options.data, options.megabytes, other)


def _print_speed(data: Path, megabytes: float, other: Callable[[pl.Series], pl.DataFrame] | None) -> None:
    rows = []
    for name, texts in (("sentences", presidio(data)[0]), ("dialogues", dialogues(data)), ("shop", shop())):
        chosen = many(texts, megabytes)
        found, redacted = rate(find_spans, chosen), rate(redact_text, chosen)
        size = chosen.str.len_bytes().sum() / 1e6
        row: dict[str, Any] = {"texts": name, "MB": size, "find": found[0], "redact": redacted[0]}
        row |= {"find per CPU s": found[1], "redact per CPU s": redacted[1]}
        if other is not None:
            row["Presidio"] = rate(other, many(texts, 0.15), 1)[0]
            row["times as fast"] = row["find"] / row["Presidio"]
        rows.append(row)
    print("\nMB of distinct free text per second, every detector on (sentences hold some personal data each)")
    print(pl.DataFrame(rows))


if __name__ == "__main__":
    main()
