"""The command that serves agents: mcp.

Belongs here: options. Must not: the server; cenote/mcp.py has it.
"""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(mcp)


def mcp(
    list_tools: Annotated[
        bool, typer.Option("--list", help="Print the tools with their JSON schemas and stop.")
    ] = False,
) -> None:
    """Serve the lake's tools to agents over the Model Context Protocol, on standard input and output.

    Masked data only; every call is audited, so it needs the vault's key. Limits: CENOTE_TOOL_CALLS_PER_MINUTE,
    CENOTE_TOOL_ROWS, CENOTE_TOOL_SECONDS.

    [bold]Examples[/bold]

      cenote mcp
      cenote mcp --list
    """
    if list_tools:
        import json

        from cenote.tools import TOOLS

        typer.echo(json.dumps([tool.spec() for tool in TOOLS], indent=2))
        return
    import cenote
    from cenote.mcp import serve

    serve(cenote.open())
