"""Commands on any text, without a lake: detect, mask.

Belongs here: reading lines, options, printing. Must not: detection; transforms/detect.py does it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cenote.cli.show import Format

if TYPE_CHECKING:
    import polars as pl

    from transforms.detect import Recognizer

_BATCH_BYTES = 16 << 20

FileArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="A UTF-8 text file; - reads standard input.")]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", "-k", help="Only this kind, as EMAIL; may be repeated. Default: all.")
]
NamesOption = Annotated[
    bool,
    typer.Option("--names", help="Also names, places, organisations and addresses by the trained tier (slower)."),
]
ThresholdOption = Annotated[float, typer.Option(min=0, max=1, help="The least score.")]


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(detect)
    app.command()(mask)


def detect(
    file: FileArgument,
    kind: KindOption = None,
    threshold: ThresholdOption = 0.5,
    names: NamesOption = False,
    style: Annotated[Format, typer.Option("--format", "-f", help="json: a line per input line.")] = Format.table,
) -> None:
    """Find personal data in each line of a text: its start and end (characters), kind and score, never the value.

    [bold]Examples[/bold]

      cenote detect letters.txt
      cenote detect - --format json < letters.txt
      cenote detect letters.txt --kind EMAIL --kind PHONE --format csv
      cenote detect letters.txt --names
    """
    import polars as pl

    from transforms.detect import find_spans

    header, first = style is not Format.json, 0
    for lines in _batches(file):
        found = find_spans(lines, _kinds(kind, names), threshold=threshold, recognizers=_recognizers(names))
        if style is Format.json:
            _print_json(found, len(lines))
        else:
            rows = found.with_columns(line=pl.col("row").cast(pl.Int64) + first + 1).drop("row")
            rows = rows.select("line", "start", "end", "kind", "score")
            separator = "," if style is Format.csv else "\t"
            typer.echo(rows.write_csv(separator=separator, include_header=header, float_precision=2), nl=False)
        header, first = False, first + len(lines)


def mask(
    file: FileArgument, kind: KindOption = None, threshold: ThresholdOption = 0.5, names: NamesOption = False
) -> None:
    """Print a text with personal data replaced by its kind, as <EMAIL>; lines stay lines.

    [bold]Examples[/bold]

      cenote mask letters.txt > masked.txt
      cenote mask letters.txt --names > masked.txt
      journalctl | cenote mask - --kind IP --kind EMAIL
    """
    from transforms.detect import redact_text

    for lines in _batches(file):
        masked = redact_text(lines, _kinds(kind, names), threshold=threshold, recognizers=_recognizers(names))
        sys.stdout.write("\n".join(masked.to_list()) + "\n")


def _print_json(found: "pl.DataFrame", lines: int) -> None:
    """A line per input line: an object whose ``spans`` may be empty."""
    import polars as pl

    rows = pl.DataFrame({"row": pl.int_range(lines, dtype=pl.UInt32, eager=True)})
    spans = found.group_by("row").agg(spans=pl.struct("start", "end", "kind", "score").sort_by("start"))
    spans = spans.cast(
        {"spans": pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "kind": pl.String, "score": pl.Float64}))}
    )
    typer.echo(
        rows.join(spans, on="row", how="left", maintain_order="left")
        .select(pl.col("spans").fill_null([]))
        .write_ndjson(),
        nl=False,
    )


def _recognizers(names: bool) -> "list[Recognizer]":
    """The trained tier where it is asked for."""
    if not names:
        return []
    from cenote.names import names as recognizer

    return [recognizer()]


def _kinds(wanted: list[str] | None, names: bool) -> list[str] | None:
    from cenote.errors import SettingsError, unknown
    from transforms.detect import KINDS
    from transforms.tagger.spans import KINDS as TRAINED

    known = tuple(dict.fromkeys((*KINDS, *TRAINED))) if names else KINDS
    for kind in wanted or ():
        if kind.upper() not in known:
            raise SettingsError(unknown("kind", kind, known), "leave --kind out to find all")
    return [kind.upper() for kind in wanted] if wanted else None


def _batches(file: str) -> "Iterator[pl.Series]":
    """Lines without their ends, some megabytes at a time."""
    import polars as pl

    with _opened(file) as source, _progress(file) as advance:
        while lines := source.readlines(_BATCH_BYTES):
            # Only the line feed ends a line: a text may hold U+2028 or a form feed.
            yield pl.Series([line.removesuffix(b"\n").decode(errors="replace") for line in lines], dtype=pl.String)
            advance(sum(map(len, lines)))


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    from cenote.errors import LandingError

    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as source:
            yield source
    except OSError as error:
        raise LandingError(f"{file} cannot be read: {error.strerror}", "name a readable text file") from None


@contextmanager
def _progress(file: str) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes done, for a file whose result goes elsewhere than to the terminal that shows the bar."""
    if file == "-" or sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=Path(file).stat().st_size)
        yield lambda done: bar.advance(task, done)
