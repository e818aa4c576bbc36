"""Tools for agents: a lake's doors as named functions with JSON schemas, safe to hand to whoever asks.

    from cenote.tools import Toolbox
    box = Toolbox(cenote.open())
    box.tools[1].spec()                      # name, description, inputSchema
    box.call("search", {"query": "my parcel never came"})

Belongs here: the tools and their limits. Must not: a protocol (cenote/mcp.py serves them over MCP). ``toolbox`` checks,
counts and audits calls; ``answers`` asks the lake; SQL runs in a process of its own (cenote/sandbox).
"""

from cenote.tools.toolbox import TOOLS, Tool, Toolbox

__all__ = ["TOOLS", "Tool", "Toolbox"]
