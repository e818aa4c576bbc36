"""Everything that the pipeline imports, loaded once for all attempts; nothing of it may run here.

Belongs here: imports. A library that starts threads when it is imported may not be among them; for the same reason the
project's own lake, which the pipeline's definitions would look at, is out of sight meanwhile.
"""

import os

os.environ["CENOTE_HOME"] = os.devnull + "/no-lake"

import dagster._core.storage.event_log
import dagster._core.storage.runs
import dagster._core.storage.schedules
import dagster._daemon  # noqa: F401
import deltalake  # noqa: F401
import duckdb  # noqa: F401
import feast  # noqa: F401
import polars  # noqa: F401
import pyarrow.parquet  # noqa: F401
import safetensors.torch  # noqa: F401
import sqlglot.optimizer  # noqa: F401
import tokenizers  # noqa: F401
import torch  # noqa: F401

import cenote.features
import cenote.gold
import cenote.graph
import cenote.silver
import cenote.vectors  # noqa: F401
import pipelines.definitions
import pipelines.run  # noqa: F401

del os.environ["CENOTE_HOME"]
