"""Consent: what people answered, whom a purpose may not use for it, and which rows that leaves.

Belongs here: the rule. Must not: where answers are kept (cenote/erasure/consent.py). Of a person's answers for a
purpose the newest counts. Whoever never answered has withdrawn nothing.
"""

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from transforms.contract import Consents

Withdrawn = Mapping[str, Collection[str]]
"""Subject ids by purpose."""


def withdrawn(answers: pl.DataFrame, consents: Consents) -> dict[str, frozenset[str]]:
    """Who has withdrawn their consent, by purpose: silver rows of answers -> subject ids.

    ``answers`` has ``subject_id``, ``landed_at``, ``lineage_id`` and the columns that ``consents`` names; of a keyed
    dataset, the current rows.
    """
    person, purpose = pl.col("subject_id"), pl.col(consents.purpose).alias("purpose")
    newest = (
        answers.drop_nulls(["subject_id", consents.purpose])
        .sort(consents.at, "landed_at", "lineage_id")
        .group_by(person, purpose)
        .agg(pl.last(consents.granted).alias("granted"))
    )
    out = newest.filter(~pl.col("granted").fill_null(False)).group_by("purpose").agg("subject_id")
    return {name: frozenset(people) for name, people in out.iter_rows()}


def outsiders(purposes: Iterable[str], answers: Withdrawn) -> list[str]:
    """The people whom none of the purposes may use, sorted: those who withdrew one of them."""
    return sorted({person for purpose in purposes for person in answers.get(purpose, ())})


def allowed(purposes: Iterable[str], answers: Withdrawn) -> pl.Expr:
    """Whether a row may be used for purposes: it is about nobody, and names nobody, who withdrew one of them."""
    people = outsiders(purposes, answers)
    if not people:
        return pl.lit(True)
    named = pl.col("mentions").list.set_intersection(people).list.len() > 0
    return ~(pl.col("subject_id").is_in(people).fill_null(False) | named.fill_null(False))
