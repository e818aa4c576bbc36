"""Commit orders that are broken on purpose, to see that the harness catches them.

Belongs here: one wrong order each. Must not: be imported by anything but an attempt.
"""

from typing import Any


def files_first() -> None:
    """Landed files leave the landing zone before bronze has them."""
    from cenote.bronze import _Landing

    commit = _Landing._commit

    def taken_first(self: Any, files: list[Any]) -> Any:
        for number, file in enumerate(files):
            aside = self.space.path(".tmp", f"taken-{number}{file.path.suffix}")
            aside.parent.mkdir(exist_ok=True)
            file.path = file.path.replace(aside)
        return commit(self, files)

    _Landing._commit = taken_first  # type: ignore[method-assign]


def progress_first() -> None:
    """Passages are called written before they are."""
    from cenote.vectors.stage import _Build

    run = _Build.run

    def told_first(self: Any) -> Any:
        self._remember()
        return run(self)

    _Build.run = told_first  # type: ignore[method-assign]
