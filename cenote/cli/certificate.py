"""Commands about certificates of erasure: certificate list, show, verify, key.

Belongs here: options and printing. Must not: signing or judging; cenote/certificate does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.show import Format, FormatOption, show

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from cenote.certificate import Certificate

app = typer.Typer(help="Signed certificates of erasure.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(app, name="certificate")


@app.command(name="list")
def list_issued(style: FormatOption = Format.table) -> None:
    """List the certificates that were issued: request, verdict, people, when, file.

    [bold]Examples[/bold]

      cenote certificate list
    """
    import polars as pl

    from cenote.certificate import issued
    from cenote.certificate.check import read
    from cenote.settings import load_settings

    rows = []
    for file in issued(load_settings()):
        told = read(file)["certificate"]
        people, at = told["subjects"]["count"], told["times"]["issued_at"]
        rows.append((told["request_id"], told["verdict"], people, at, str(file)))
    columns = {
        "request": pl.String,
        "verdict": pl.String,
        "people": pl.Int64,
        "issued_at": pl.String,
        "file": pl.String,
    }
    show(pl.DataFrame(rows, schema=columns, orient="row"), style)


@app.command(name="show")
def show_certificate(
    what: Annotated[str, typer.Argument(help="A request's id, or a certificate's file.")],
    page: Annotated[bool, typer.Option("--page", help="Print where its page is, to open in a browser.")] = False,
) -> None:
    """Show what a certificate says.

    [bold]Examples[/bold]

      cenote certificate show 2026-117
      cenote certificate show 2026-117 --page
    """
    from cenote.certificate.check import read
    from cenote.certificate.model import Certificate

    file = _file(what)
    if page:
        typer.echo(str(file.with_suffix(".html")))
        return
    _print(Certificate.model_validate(read(file)["certificate"]))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The .json or .html file.")],
    key: Annotated[
        str | None, typer.Option(help="Public key: a file, or base64. Default: that of this lake's vault.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Also say whether it is about this person (pseudonym or natural id).")
    ] = None,
) -> None:
    """Prove that a certificate is genuine: whole, and signed with the key of the lake. Exit code 1 where it is not.

    Needs no lake where the public key is given; get the key from a source that you trust, not from the certificate.

    [bold]Examples[/bold]

      cenote certificate verify 2026-117.html
      cenote certificate verify 2026-117.json --key lake.pem
    """
    from cenote import certificate

    checked = certificate.verify(file, _key(key))
    for problem in checked.problems:
        typer.secho(problem, fg="red", err=True)
    if not checked.genuine or checked.certificate is None:
        raise typer.Exit(1)
    told = checked.certificate
    typer.echo(f"genuine, signed with key {checked.key}: request {told.request_id}, {told.verdict}")
    if subject is not None:
        from cenote.whose import pseudonyms
        from cenote.workspace import Workspace

        space = Workspace()
        mine = {certificate.reference(space, found) for found in pseudonyms(space, subject)}
        if not mine & set(told.subjects.references):
            typer.secho("it is about other people", fg="red", err=True)
            raise typer.Exit(1)
        typer.echo("it is about this person")


@app.command(name="key")
def print_key() -> None:
    """Print the public key of this lake, for whoever verifies certificates elsewhere.

    [bold]Examples[/bold]

      cenote certificate key > lake.pem
    """
    from cenote.certificate import public_key_pem
    from cenote.workspace import Workspace

    typer.echo(public_key_pem(Workspace().vault), nl=False)


def _key(told: str | None) -> "Ed25519PublicKey":
    from cenote.certificate.signing import public_key, read_public_key
    from cenote.workspace import Workspace

    if told is None:
        return public_key(Workspace().vault)
    return read_public_key(Path(told).read_text() if Path(told).is_file() else told)


def _file(what: str) -> Path:
    from cenote.certificate import issued
    from cenote.errors import CertificateError, unknown
    from cenote.settings import load_settings

    if Path(what).is_file():
        return Path(what)
    known = {file.stem: file for file in issued(load_settings())}
    if what not in known:
        raise CertificateError(unknown("certificate", what, known), "see them with `cenote certificate list`")
    return known[what]


def _print(told: "Certificate") -> None:
    import polars as pl

    times, scan = told.times, told.scan
    typer.echo(f"request {told.request_id}: {told.verdict}")
    typer.echo(
        f"asked for {times.requested_at:%Y-%m-%d}, done {times.finished_at:%Y-%m-%d}, issued {times.issued_at:%Y-%m-%d}"
    )
    typer.echo(f"{told.subjects.count} people ({', '.join(told.subjects.references)}), {told.tombstones} tombstones")
    typer.echo(
        f"scan: {scan.hits} places found, {scan.needles} needles, {scan.files:,} files, {scan.questions} questions, "
        f"{len(scan.opaque)} files not decoded"
    )
    show(pl.DataFrame([line.model_dump() for line in told.stores]), Format.table, "stores")
    if told.holds:
        show(pl.DataFrame([hold.model_dump() for hold in told.holds]), Format.table, "what stays")
