"""Which files of a table can hold a value: told by their footers, so that a lookup opens no others.

Belongs here: ranges of columns in Parquet files. Must not: reading rows, knowing tables. A compacted table has its rows
sorted by person and cut into files (cenote/compaction.py): few of them hold a person, and the database, which looks at
every file that a view names, is told of these alone.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow.parquet import ColumnChunkMetaData

_MOST = 2**16  # footers' facts that are kept
_Range = tuple[str, str] | None  # least and greatest text; None where that is not known
_NOTHING = ("\U0010ffff", "")  # of a column without values: nothing lies between


class Files:
    """Facts of footers, each read once: files never change. Two texts are kept of a file and column."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[str, str], _Range] = {}
        self._names: dict[str, frozenset[str]] = {}

    def holding(self, files: Sequence[str], column: str, texts: Collection[str]) -> list[str]:
        """Those of some files that can hold a row whose ``column`` is one of some texts.

        They have all columns that the files have together: where those that can hold it do not, all files are given.
        """
        found = [file for file in files if _may_hold(self._range(file, column), texts)]
        names = [self._names.get(file) for file in files]
        kept = [self._names.get(file) for file in found]
        return found if _together(kept) == _together(names) else list(files)

    def _range(self, file: str, column: str) -> _Range:
        if (file, column) not in self._ranges:
            if len(self._ranges) >= _MOST:
                self._ranges.clear()
            self._ranges[file, column] = self._look(file, column)
        return self._ranges[file, column]

    def _look(self, file: str, column: str) -> _Range:
        import pyarrow.parquet as pq

        try:
            footer = pq.read_metadata(file)
        except OSError:
            return None  # whoever reads it says what is the matter
        paths = [footer.schema.column(n).path.lower() for n in range(footer.num_columns)]
        self._names[file] = frozenset(path.partition(".")[0] for path in paths)
        if column not in self._names[file]:
            return _NOTHING
        if column not in paths:
            return None
        place = paths.index(column)
        return _range_of(footer.row_group(n).column(place) for n in range(footer.num_row_groups))


def _range_of(chunks: "Iterable[ColumnChunkMetaData]") -> _Range:
    least, most = _NOTHING
    for chunk in chunks:
        told = chunk.statistics
        if told is None or not (told.has_min_max or told.null_count == chunk.num_values):
            return None
        if told.has_min_max:
            if not isinstance(told.min, str):
                return None
            least, most = min(least, told.min), max(most, told.max)
    return least, most


def _may_hold(known: _Range, texts: Collection[str]) -> bool:
    return known is None or any(known[0] <= text <= known[1] for text in texts)


def _together(names: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(held or () for held in names))
