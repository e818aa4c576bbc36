"""Conversations of customers with the assistant: states, turns, and what each stage took and cost.

Belongs here: their records. Must not: what is said (texts.py), mishaps, files.
"""

from collections.abc import Mapping
from itertools import count
from random import Random
from typing import Any

from cenote.sample.catalogue import Catalogue, product_id
from cenote.sample.feed import Feed, Version
from cenote.sample.moments import MINUTE, stamp
from cenote.sample.people import Person, pick
from cenote.sample.texts import Texts


class Assistant:
    """Writes conversations and turns."""

    def __init__(self, catalogue: Catalogue, texts: Texts, feeds: Mapping[str, Feed], begin: int = 1) -> None:
        self._catalogue, self._texts, self._feeds = catalogue, texts, feeds
        self._numbers = count(begin)

    def conversation(self, rng: Random, person: Person, started: int) -> None:
        """Write a session with the assistant: its states and its turns."""
        conversation = f"V{next(self._numbers):08d}"
        voice = rng.random() < 0.4
        language = person.language if rng.random() < 0.85 else "en"
        exchanges = pick(rng, (1, 1, 2, 2, 3))
        at = started
        for turn in range(exchanges):
            at = self._exchange(rng, person, conversation, language, voice, turn * 2, at)
        chance = rng.random()
        end = "resolved" if chance < 0.7 else "handed_over" if chance < 0.85 else "abandoned"
        base = {
            "conversation_id": conversation,
            "customer_id": person.customer_id,
            "channel": "voice" if voice else "chat",
            "language": language,
            "started_at": stamp(started, rng.random(), person.offset),
        }
        steps = [("open", started)] if rng.random() < 0.6 else []
        versions = []
        for state, moment in [*steps, (end, at + MINUTE)]:
            over = state != "open"
            written = stamp(moment, rng.random(), person.offset)
            record = {
                **base, "state": state, "ended_at": written if over else None, "updated_at": written,
                "satisfaction": 1 + int(rng.random() ** 0.5 * 5) if over and rng.random() < 0.45 else None,
            }  # fmt: skip
            versions.append(Version(moment, record, record, state=state))
        self._feeds["conversations"].put(conversation, versions)

    def _exchange(
        self, rng: Random, person: Person, conversation: str, language: str, voice: bool, index: int, at: int
    ) -> int:
        """A question and its answer; returns when the next exchange begins."""
        product = self._catalogue.popular(rng.random())
        texts = self._texts.talk(rng, person, language, int(rng.random() * 64), self._catalogue.thing(product))
        about = product_id(product) if rng.random() < 0.5 else None
        for role, text in zip(("customer", "assistant"), texts, strict=True):
            turn = f"T{conversation[1:]}-{index:02d}"
            record = {
                "turn_id": turn, "conversation_id": conversation, "customer_id": person.customer_id,
                "turn_index": index, "role": role, "said_at": stamp(at, rng.random(), person.offset),
                "transcript": text, "stages": _stages(rng, role, voice), "product_id": about,
            }  # fmt: skip
            self._feeds["turns"].put(turn, [Version(at, record, record)])
            index += 1
            at += 2 + int(rng.random() * 8)
        return at + 5 + int(rng.random() * 60)


def _stages(rng: Random, role: str, voice: bool) -> list[dict[str, Any]]:
    """What processed a turn: speech to text for what customers say; search, model and speech for answers."""
    if role == "customer":
        return [_stage(rng, "asr", ("murmur", "papagayo"), 180, 0.0012)] if voice else []
    stages = [_stage(rng, "retrieval", ("cenote",), 45, 0.0)] if rng.random() < 0.4 else []
    stages.append(_stage(rng, "llm", ("lumen-large", "lumen-small", "oriole"), 700, 0.009))
    if voice:
        stages.append(_stage(rng, "tts", ("echo", "papagayo"), 220, 0.003))
    return stages


def _stage(rng: Random, stage: str, providers: tuple[str, ...], latency: int, cost: float) -> dict[str, Any]:
    slow = 6 if rng.random() < 0.02 else 1
    return {
        "stage": stage,
        "provider": pick(rng, providers),
        "latency_ms": int(latency * (0.5 + rng.random()) * slow),
        "cost_usd": round(cost * (0.4 + 1.2 * rng.random()), 6),
    }
