"""Where OpenLineage events go: a file for each day in the lake, and an HTTP endpoint where one is set.

Belongs here: sending, by the transports of OpenLineage's own client. Must not: what an event says. An endpoint that
does not answer is left alone for a minute, so that it cannot slow a run down; its events are in the file.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cenote.workspace import Workspace

FOLDER = "openlineage"
TIMEOUT = 3.0
PATIENCE = 60.0
log = logging.getLogger("cenote")
_silent_until: dict[str, float] = {}


def send(space: Workspace, events: Sequence[Any]) -> None:
    """Hand events to every transport of the lake."""
    if space.settings.openlineage_days:
        _to_file(space, events)
    if space.settings.openlineage_url:
        key = space.settings.openlineage_api_key
        _to_endpoint(space.settings.openlineage_url.get_secret_value(), key.get_secret_value() if key else None, events)


def _to_file(space: Workspace, events: Sequence[Any]) -> None:
    """Append to the day's file; its first event removes the files that are past keeping."""
    from openlineage.client.transport.file import FileConfig, FileTransport

    now = space.clock()
    file = space.path(FOLDER, f"{now:%Y-%m-%d}.jsonl")
    with space.lock(FOLDER):  # lines of several processes must not mix
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            _forget(file.parent, f"{now - timedelta(days=space.settings.openlineage_days):%Y-%m-%d}")
        transport = FileTransport(FileConfig(log_file_path=str(file), append=True))
        for event in events:
            transport.emit(event)


def _forget(folder: Path, oldest: str) -> None:
    for file in folder.glob("*.jsonl"):
        if file.stem <= oldest:
            file.unlink(missing_ok=True)


def _to_endpoint(url: str, key: str | None, events: Sequence[Any]) -> None:
    if time.monotonic() < _silent_until.get(url, 0.0):
        return
    try:
        for event in events:
            _http(url, key).emit(event)
    except Exception as error:  # whatever is wrong with it, the run goes on
        _silent_until[url] = time.monotonic() + PATIENCE
        log.warning("OpenLineage's endpoint takes no events (%s); left alone for a minute", type(error).__name__)


@lru_cache(maxsize=4)
def _http(url: str, key: str | None) -> Any:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
    return HttpTransport(HttpConfig(url=url, timeout=TIMEOUT, auth=auth, retry={"total": 0}))
