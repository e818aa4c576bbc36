"""Other people in a person's data: they have rights too (Article 15(4) GDPR), so they are left out.

Belongs here: replacing what names somebody else. Must not: reading the lake. What is replaced, and what is not:
docs/rights.md.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from transforms.contract import Contract, Subject
from transforms.json_columns import EACH, Steps, parse_path

OTHER = "<OTHER PERSON>"
WITHHELD = "<WITHHELD>"


class Others:
    """Replaces pseudonyms and natural ids of people who are not among ``mine``.

    ``mine``: the person's pseudonyms. ``entities``: kinds of people. ``pseudonym(entity, natural id)`` names one.
    """

    def __init__(self, mine: Collection[str], entities: Collection[str], pseudonym: Any) -> None:
        self._mine = frozenset(mine)
        self._pseudonym = pseudonym
        kinds = "|".join(map(re.escape, sorted(entities, key=len, reverse=True))) or "(?!)"
        self._token = re.compile(rf"(?<![A-Za-z0-9_])(?:{kinds})_[0-9a-f]{{24}}")

    def row(self, value: Any) -> Any:
        """A row of a derived table without other people's pseudonyms, in texts and inside lists too."""
        if isinstance(value, str):
            return self._token.sub(lambda found: found[0] if found[0] in self._mine else OTHER, value)
        if isinstance(value, Mapping):
            return {name: self.row(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.row(inner) for inner in value]
        return value

    def names_me(self, value: Any) -> bool:
        """Whether one of the person's pseudonyms stands in a row."""
        if isinstance(value, str):
            return any(pseudonym in value for pseudonym in self._mine)
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
        return any(self.names_me(part) for part in inner)

    def record(self, record: Any, contract: Contract) -> Any:
        """A raw record of the person without the natural ids of people whom it mentions; changed in place."""
        for mention in contract.mentions:
            for holder, key in _places(record, mention, contract):
                natural = holder[key]
                if isinstance(natural, (str, int)) and self._pseudonym(mention.entity, str(natural)) not in self._mine:
                    holder[key] = OTHER
        return record

    def mention(self, row: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
        """A masked row about somebody else that names the person: what others wrote is withheld."""
        fields = contract.fields
        kept = {f.name for f in fields if (f.classification, f.mask.strategy) == ("PUBLIC", "keep")}
        kept |= {f.name for f in fields if f.mask.strategy == "token"}
        shown = {name: value if name in kept else WITHHELD for name, value in row.items()}
        return {name: self.row(value) for name, value in shown.items()}


def _places(record: Any, mention: Subject, contract: Contract) -> Iterator[tuple[Any, Any]]:
    """Where a record has the natural ids that a contract declares: in the row, or in both images of an envelope."""
    envelope = contract.change.envelope
    starts: list[tuple[Steps, Steps]]
    if mention.path.startswith("$envelope"):
        starts = [((), parse_path("$" + mention.path.removeprefix("$envelope")))]
    elif envelope:
        starts = [(parse_path(image), parse_path(mention.path)) for image in (envelope.after, envelope.before)]
    else:
        starts = [((), parse_path(mention.path))]
    roots = [record, record["payload"]] if isinstance(record, dict) and "payload" in record else [record]
    for root in roots:
        for image, path in starts:
            yield from _at(root, (*image, *path))


def _at(value: Any, steps: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    step, *rest = steps
    if step == EACH:
        keys: Sequence[Any] = range(len(value)) if isinstance(value, list) else ()
    else:
        fits = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list) and step < len(value)
        keys = [step] if fits and (not isinstance(value, dict) or step in value) else ()
    for key in keys:
        if rest:
            yield from _at(value[key], rest)
        else:
            yield value, key
