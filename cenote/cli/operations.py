"""Commands for whoever runs the lake: metrics.

Belongs here: options, serving and printing. Must not: what is measured (cenote/metrics.py).
"""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(metrics)


def metrics(
    serve: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Answer Prometheus at this port, until stopped.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to answer at.")] = "127.0.0.1",
    push: Annotated[str | None, typer.Option(help="Send to this push gateway instead: host:port or a URL.")] = None,
) -> None:
    """Print figures for Prometheus: rows, lag, quarantine, runs, stages, and how long answers take.

    [bold]Examples[/bold]

      cenote metrics
      cenote metrics --serve 9464
      cenote metrics --push gateway.internal:9091
    """
    from prometheus_client import generate_latest, start_http_server

    from cenote import metrics as measured
    from cenote.workspace import Workspace

    space = Workspace()
    if push:
        measured.push(space, push)
    elif serve:
        _, thread = start_http_server(serve, host, registry=measured.registry(space))
        typer.echo(f"metrics at http://{host}:{serve}/metrics; Ctrl-C stops", err=True)
        thread.join()
    else:
        typer.echo(generate_latest(measured.registry(space)), nl=False)
