"""How well the trained tier finds names, places, organisations and addresses: ``python -m benchmarks tagger``.

Prints recall, precision and F2 of spans whatever their kind, exact (strict) and with an intersection over union of at
least 0.7, of the columnar tier alone and of both tiers; recall by marked type and precision by found kind; texts and MB
per second. On sentences of a third party (../shared/data, or --data), on skeletons and values of our own that training
never saw, and on prose written by hand. Texts are only counted, never printed.
"""

import argparse
import time
from pathlib import Path

import polars as pl

from benchmarks.detection import SHARED, presidio
from cenote.names import NameRecognizer
from training.examples import Example, examples
from training.prose import prose
from transforms.detect import find_spans


def marked_texts(texts: list[Example]) -> tuple[pl.Series, pl.DataFrame]:
    """Texts and their marked spans as frames."""
    rows = [(n, *span) for n, example in enumerate(texts) for span in example.spans]
    schema = {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "type": pl.String}
    return pl.Series([e.text for e in texts]), pl.DataFrame(rows, schema=schema, orient="row")


def matched(found: pl.DataFrame, marked: pl.DataFrame, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Marked and found spans with ``hit``: whether one of the other side has at least this share of the union."""
    want, have = marked.with_row_index("w"), found.with_row_index("h")
    both = want.join(have, on="row", suffix="_h").with_columns(
        common=pl.min_horizontal("end", "end_h") - pl.max_horizontal("start", "start_h"),
        union=pl.max_horizontal("end", "end_h") - pl.min_horizontal("start", "start_h"),
    )
    both = both.filter((pl.col("common") > 0) & (pl.col("common") >= share * pl.col("union")))
    return (
        want.with_columns(hit=pl.col("w").is_in(both["w"].implode())),
        have.with_columns(hit=pl.col("h").is_in(both["h"].implode())),
    )


def rates(found: pl.DataFrame, marked: pl.DataFrame, share: float = 1.0) -> dict[str, float]:
    """Recall, precision and F2 of spans whatever their kind; a share of 1 is strict."""
    want, have = matched(found, marked, share)
    recall = float(want["hit"].mean() or 0)  # type: ignore[arg-type]
    precision = float(have["hit"].mean() or 0)  # type: ignore[arg-type]
    f2 = 5 * recall * precision / (4 * precision + recall) if recall and precision else 0.0
    return {"recall": recall, "precision": precision, "f2": f2}


def show(title: str, texts: pl.Series, marked: pl.DataFrame) -> None:
    """Print one set's figures."""
    columnar = find_spans(texts)
    recognizer = NameRecognizer()
    recognizer(texts[:1])  # loads the model
    began, cpu = time.perf_counter(), time.process_time()
    recognizer(texts)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    both = find_spans(texts, recognizers=[recognizer])
    size = texts.str.len_bytes().sum()
    print(f"\n{title}: {len(texts)} texts, {marked.height} marked spans")
    print(f"trained tier: {len(texts) / seconds:.0f} texts/s, {size / seconds / 1e6:.3f} MB/s, "
          f"{len(texts) / cpu:.0f} texts per CPU second")  # fmt: skip
    print(
        pl.DataFrame([
            {"tiers": tiers, "match": match, **rates(found, marked, share)}
            for tiers, found in (("columnar", columnar), ("both", both))
            for match, share in (("strict", 1.0), ("IoU 0.7", 0.7))
        ])
    )  # fmt: skip
    want, have = matched(both, marked, 1.0)
    near, _ = matched(both, marked, 0.7)
    alone, _ = matched(columnar, marked, 1.0)
    together = want.with_columns(near=near["hit"], columnar=alone["hit"])
    print(
        together.group_by("type")
        .agg(
            marked=pl.len(),
            recall=pl.col("hit").mean(),
            recall_iou=pl.col("near").mean(),
            columnar=pl.col("columnar").mean(),
        )
        .sort("marked", descending=True)
    )
    print(have.group_by("kind").agg(found=pl.len(), precision=pl.col("hit").mean()).sort("found", descending=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    options, _ = parser.parse_known_args()  # names of benchmarks may stand beside
    pl.Config.set_tbl_rows(40)
    pl.Config.set_float_precision(3)
    pl.Config.set_tbl_hide_column_data_types(True)
    show("our own unseen skeletons", *marked_texts(examples(1500, 2, dev=True)))
    show("prose by hand", *marked_texts(prose()))
    if (options.data / "pii").is_dir():
        show("presidio_share (English sentences)", *presidio(options.data))


if __name__ == "__main__":
    main()
