"""Moments as sources write them: ISO 8601 in one time zone or another.

Belongs here: formatting of epoch seconds. Must not: choosing when things happen.
"""

from datetime import UTC, datetime
from functools import lru_cache

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_TWO = [f"{number:02d}" for number in range(60)]
_CLOCK = [f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60)]
_OFFSETS = {hours: f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00" for hours in range(-12, 15)}


def utc(at: int) -> str:
    """``2026-11-20T12:00:00Z``."""
    # by tables, since two thirds of the sample's time would go into strftime
    day, second = divmod(at, DAY)
    return f"{_date(day)}{_CLOCK[second // 60]}{_TWO[second % 60]}Z"


def stamp(at: int, chance: float, offset: int) -> str:
    """In UTC, in the zone of the customer (``offset`` hours) or, at times, in that of a server elsewhere (-05:00).

    ``chance``: a number from 0 to 1 that decides between them.
    """
    if chance < 0.6:
        return utc(at)
    hours = offset if chance < 0.92 else -5
    return utc(at + hours * HOUR)[:-1] + _OFFSETS[hours]


@lru_cache(maxsize=2048)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()
