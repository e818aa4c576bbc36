"""What Dagster loads: the definitions of the lake that the environment names.

Belongs here: `defs`, and nothing else; `cenote run` builds its own definitions, and need not build these too.
"""

from pipelines.assembly import build_definitions

defs = build_definitions()
