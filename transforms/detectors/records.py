"""Numbers that an organisation gives a person: medical record, insurance, licence, passport, vehicle, device,
membership.

Belongs here: identifiers told by the label before them. Must not: national numbers with check digits (national.py).
Labels in English, Spanish, French and German.
"""

import numpy as np

from transforms.detectors.cues import LABEL
from transforms.detectors.patterns import has
from transforms.detectors.scene import Scene
from transforms.detectors.sides import none_of
from transforms.detectors.spans import Spans
from transforms.detectors.tokens import ALNUM

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
_ALONE = none_of(left=(ALNUM,))
_BRIDGE = (
    r"(?:\s*(?:id|number|num|no|nr|núm|nº|n°|#|is|es|est|ist|del? paciente|of patient|code|card|plan|policy"
    r"|member|:|=|-|–|\.|,|\(|\)|\"|')){0,5}\s*$"
)


def labelled(scene: Scene) -> list[Spans]:
    """Identifiers that a label announces: "MRN: 123456", "NHC 368503", "passport no. X1234567"."""
    found = scene.shaped(_VALUE, _ALONE)
    found = found.where((found.size >= 4) & (found.digits >= 3))
    found = found.where(found.said(LABEL, 40))
    if not len(found):
        return []
    before, kind = found.before(40), np.full(len(found), -1)
    for place, (_, words) in reversed([*enumerate(_LABELS)]):
        kind[has(before, rf"(?:{words})[a-zà-ÿ ]{{0,10}}{_BRIDGE}")] = place
    return [found.where(kind == place).spans(name, 0.8) for place, (name, _) in enumerate(_LABELS)]
