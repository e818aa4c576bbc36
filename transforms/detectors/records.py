"""Numbers that an organisation gives a person: medical record, insurance, licence, passport, vehicle, device,
membership.

Belongs here: identifiers told by the label before them. Must not: national numbers with check digits (national.py).
Labels in English, Spanish, French and German.
"""

import polars as pl

from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.spans import no_spans, spans

_LABELS = (
    ("MRN", r"\bmrn|\bnhc\b|medical record|health record|hospital number|patient (?:id|number|no)|chart (?:no"
            r"|number)|historia clínica|historia clinica"
            r"|\bnº? ?historia|\bhc\b|episodio|dossier (?:médical|patient)|patientennummer|fallnummer|\bicu?\b n"
            r"|numéro de dossier|contacto asistencial"),
    ("HEALTH_ID", r"insurance|\bpolicy|member(?:ship)?\b|\bbeneficiary|health plan|\bnass\b|\bnuss\b|\bcip\b"
                  r"|tarjeta sanitaria|asegura|carte vitale|mutuelle"
                  r"|versicherten|krankenkasse|group (?:no|number)"),
    ("LICENCE", r"licen[cs]e|driver'?s? lic|\bdl\b|permis de conduire|carnet de conducir|permiso de conducir"
                r"|führerschein|n\.?º ?col|colegiad|\bdea\b|\bnpi\b"
                r"|\bncol\b|col\.? ?n|nºcol|nocol|n° ?col"),
    ("PASSPORT", r"passport|pasaporte|passeport|reisepass"),
    ("ID_NUMBER", r"\bnational id|identity (?:card|no|number)|\bid (?:card|number|no)\b|documento de identidad"
                  r"|carte d'identité|personalausweis|\bcédula|\bcedula"
                  r"|employee (?:id|number|no)|student (?:id|number|no)|customer (?:id|number|no)|account id|user ?id"),
    ("VEHICLE", r"\bvin\b|license plate|number plate|licence plate|registration (?:no|number)|matrícula|matricula"
                r"|immatriculation|kennzeichen"),
    ("DEVICE", r"\bimei\b|\bserial (?:no|number)|\budi\b|\bimsi\b|\bmeid\b|device id"),
)  # fmt: skip
KINDS = tuple(kind for kind, _ in _LABELS)
_VALUE = r"(?-u:\b)A{0,4}[-/]?9[A9./-]*(?: 9[9./-]*){0,4}(?-u:\b)"
_BRIDGE = (
    r"(?:\s*(?:id|number|num|no|nr|núm|nº|n°|#|is|es|est|ist|del? paciente|of patient|code|card|plan|policy"
    r"|member|:|=|-|–|\.|,|\(|\)|\"|')){0,5}\s*$"
)


_ANY = "|".join(words for _, words in _LABELS)


def labelled(scene: Scene) -> pl.DataFrame:
    """Identifiers that a label announces: "MRN: 123456", "NHC 368503", "passport no. X1234567"."""
    found = scene.shaped(_VALUE)
    found = found.filter((pl.col("text").str.len_bytes() >= 4) & (pl.col("text").str.count_matches("[0-9]") >= 3))
    if found.is_empty():
        return no_spans()
    found = found.with_columns(before=scene.buffer.before(found["start"].to_numpy(), 40))
    found = found.filter(has("before", _ANY) & ~has("before", r"[\d\p{L}]$"))
    kind = pl.coalesce(
        pl.when(has("before", rf"(?:{words})[a-zà-ÿ ]{{0,10}}{_BRIDGE}")).then(pl.lit(name)) for name, words in _LABELS
    )
    found = found.with_columns(kind=kind).filter(pl.col("kind").is_not_null())
    return spans(found, pl.col("kind"), 0.8)
