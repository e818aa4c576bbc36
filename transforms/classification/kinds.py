"""The kinds of personal data that a field's name can stand for: words, level, and how each is best masked.

Belongs here: the table of kinds. Must not: taking names apart (words.py), deciding (transforms/classify.py). Levels:

- HIGH: names a person, reaches them, opens something of theirs, or is text that may hold any of this;
- MEDIUM: tells something about a person or narrows down who it is (a quasi-identifier): harmless only beside a
  pseudonym;
- LOW: of the business, not of a person; PUBLIC: anybody may see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.classification import lexicon


@dataclass(frozen=True)
class Kind:
    """A kind of personal data: phrases (words that must all be there), level, and the mask that fits.

    A phrase that begins with ``=`` is the whole name. ``organization``: the level in an organization's record.
    ``types``: the logical types that can hold it. ``needs_person``: it counts only in records about people.
    ``flags``: a boolean may tell it, too.
    """

    name: str
    what: str
    phrases: tuple[frozenset[str], ...]
    level: str = "HIGH"
    organization: str = "HIGH"
    mask: str = "redact"
    options: Mapping[str, Any] = field(default_factory=dict)
    types: tuple[str, ...] = ("string",)
    needs_person: bool = False
    flags: bool = False


def _kind(name: str, what: str, phrases: str, **more: Any) -> Kind:
    return Kind(name, what, tuple(frozenset(phrase.split()) for phrase in phrases.split(", ")), **more)


_ANY = ("string", "integer", "number", "boolean", "date", "timestamp", "time")
_NUMBERS = ("string", "integer")
KINDS: tuple[Kind, ...] = (
    _kind(
        "SECRET",
        "a secret that opens something",
        "password, secret, client secret, api key, apikey, private key, access token, refresh token, auth "
        "token, bearer, jwt, session token, id token, reset token, connection token, cvv, cvc, csc, pin, "
        "otp, passcode, credential, authorization header, =authorization, cookie, mnemonic, seed phrase, "
        "cvc token, security answer, hashed password",
        mask="drop",
        types=_NUMBERS,
    ),
    _kind(
        "EMAIL",
        "an e-mail address",
        "email",
        mask="token",
        options={"entity": "email"},
    ),
    _kind(
        "BIRTH_DATE",
        "a date of birth",
        "birth date, birth, birth year, birth month, birth day",
        organization="LOW",
        mask="generalize",
        options={"to": "year"},
        types=("string", "date", "timestamp", "integer"),
    ),
    _kind(
        "BIRTH_PLACE",
        "a place of birth",
        "birth place, birth city, birth country, birth state",
        level="MEDIUM",
    ),
    _kind(
        "NATIONAL_ID",
        "a number that an authority gave to a person",
        "ssn, social security, national id, identity number, identity card, national number, nin, nino, "
        "nhs, passport, dni, nie, nir, curp, cpf, rfc, aadhaar, pan number, tax id, tin, itin, driver "
        "license, license number, medical record, mrn, health id, insurance number, insurance id, "
        "insurance member, voter id, citizen id, government id, id number, npi, dea number, personal "
        "number, identity document, social insurance, driver id",
        organization="LOW",
        types=_NUMBERS,
    ),
    _kind(
        "ACCOUNT",
        "an account or card number",
        "card number, iban, account number, account numbers, bank account, account identifier, pan, ccn, "
        "credit card, debit card, primary account identifier, wallet address, cbu, clabe, bban",
        organization="HIGH",
        mask="partial",
        options={"keep": 4},
        types=_NUMBERS,
    ),
    _kind(
        "CARD_DETAIL",
        "a part of a card or account that narrows down whose it is",
        "last 4, last four, fingerprint, exp month, expiry month, expiry year, card expiry, expiry date card, card bin",
        level="MEDIUM",
        organization="MEDIUM",
        mask="keep",
        types=_ANY,
    ),
    _kind(
        "PHONE",
        "a phone number",
        "phone, mobile, fax, whatsapp, pager, phone number, phone home, phone work",
        organization="LOW",
        mask="partial",
        options={"keep": 4},
        types=_NUMBERS,
    ),
    _kind(
        "IP",
        "an address in the network",
        "ip, ip address, ipaddress, ipv 4, ipv 6, remote address, forwarded for, client address",
        mask="generalize",
        options={"to": "subnet"},
    ),
    _kind(
        "POSTAL_CODE",
        "a postal code",
        "postal code, postal",
        organization="LOW",
        mask="generalize",
        options={"to": "zip3"},
        types=_NUMBERS,
    ),
    _kind(
        "ADDRESS",
        "a postal address",
        "street, street address, address line, line 1, line 2, line 3, address 1, address 2, address 3, "
        "address, house number, apartment, address raw, po box",
        organization="LOW",
        types=_NUMBERS,
    ),
    _kind(
        "CITY",
        "a place that narrows down who it is",
        "city, district, county, hometown, suburb, postal town",
        level="MEDIUM",
        organization="LOW",
        mask="keep",
    ),
    _kind(
        "STATE",
        "a part of a country",
        "state, province, region",
        level="MEDIUM",
        organization="LOW",
        mask="keep",
    ),
    _kind(
        "GEO",
        "where somebody is",
        "latitude, longitude, coordinates, geo point, gps, geolocation, geo hash, lat lon",
        level="HIGH",
        organization="LOW",
        types=("string", "number"),
    ),
    _kind(
        "SALUTATION",
        "a form of address, which tells sex and degree",
        "salutation, title salutation, name prefix, name suffix, name title, prefix name",
        level="MEDIUM",
    ),
    _kind(
        "NAME",
        "a person's name",
        "first name, family name, full name, middle name, maiden name, given name, family name, surname, "
        "nick name, nickname, initials, username, login, handle, screen name, name family, name given, "
        "name first, name last, legal name, preferred name, card name, alias name, author name, account "
        "holder",
        organization="HIGH",
        types=("string",),
    ),
    _kind(
        "GENDER",
        "sex or gender",
        "gender",
        level="MEDIUM",
        mask="keep",
        types=_ANY,
        needs_person=False,
    ),
    _kind(
        "SPECIAL",
        "a special category of personal data (Article 9 GDPR)",
        "race, ethnicity, religion, sexual orientation, orientation, political, union member, trade "
        "union, genetic, biometric, disability, disability status, criminal, caste, religious",
        level="MEDIUM",
        types=_ANY,
        flags=True,
    ),
    _kind(
        "CIVIL",
        "a person's circumstances",
        "marital status, nationality, citizen, language, occupation, household, education, veteran, "
        "veteran status, immigration status, deceased, dependents, preferred language, locales, preferred "
        "locale, civil state",
        level="MEDIUM",
        mask="keep",
        types=_ANY,
        needs_person=True,
    ),
    _kind(
        "INCOME",
        "a person's income",
        "salary, income, wage, net worth, credit score, bonus",
        level="MEDIUM",
        mask="keep",
        types=("string", "integer", "number"),
    ),
    _kind(
        "HIRED",
        "a date in a person's life",
        "hire date, hire, employment date, entry date, employee start, termination date, admission date, "
        "discharge date, admission, discharge, wedding, anniversary, death date, death",
        level="MEDIUM",
        mask="keep",
        types=("string", "date", "timestamp"),
    ),
    _kind(
        "AGE",
        "an age",
        "age, age years, age group",
        level="MEDIUM",
        mask="generalize",
        options={"to": "band", "width": 10},
        types=("integer", "number"),
    ),
    _kind(
        "HEALTH",
        "health",
        "diagnosis, medication, medications, allergy, allergies, blood type, blood, smoking, symptom, "
        "disease, condition medical, pregnant, vaccine, dosage, prescription, bmi, medical history, "
        "illness, injury, therapy, insurance plan, disorder, height, weight, smoking status, health "
        "status, health insurance, treatment",
        level="MEDIUM",
        mask="keep",
        types=_ANY,
        needs_person=True,
        flags=True,
    ),
    _kind(
        "DEVICE",
        "a device or session of a person",
        "device id, device fingerprint, imei, imsi, idfa, gaid, advertising id, session id, browser id, "
        "visitor id, cookie id, vehicle number, license plate, vin, mac, mac address, vehicle id, android "
        "id, machine id",
        mask="token",
        options={"entity": "device"},
        types=_NUMBERS,
    ),
    _kind(
        "AGENT",
        "the program and device that a person uses",
        "user agent, browser, device platform, session device, session platform",
        level="MEDIUM",
        mask="keep",
    ),
    _kind(
        "IMAGE",
        "an image or sign of a person",
        "avatar, photo, profile image, profile picture, picture url, signature, voice recording, profile "
        "url, linkedin, linkedin url, twitter, facebook, instagram, selfie, social url, document front, "
        "document back",
        level="HIGH",
        organization="LOW",
        mask="drop",
    ),
    _kind(
        "PRIVATE_LINK",
        "a link that opens a person's document without asking who one is",
        "receipt url, invoice url, invoice pdf, hosted url, login url, download url, session url, link "
        "url, magic link, reset url, signed url, onboarding url, unsubscribe url, account link url, "
        "invite url, receipt link, pdf",
        level="MEDIUM",
        organization="MEDIUM",
        mask="drop",
    ),
    _kind(
        "COMPANY",
        "a company, which with a place may point to one person",
        "company, company name, business name, employer",
        level="MEDIUM",
        organization="LOW",
        mask="redact",
        needs_person=True,
    ),
    _kind(
        "TEXT",
        "free text, which may hold anything about anybody",
        "note, comment, memo, remark, bio, feedback, transcript, message, explanation, rebuttal, "
        "conversation, resume, cv, cover letter, narrative, biography, statement personal, uncategorized "
        "text, chat, review text, review body, resume text, activity log, communication, complaint, "
        "answer text, reply",
        mask="text",
        organization="HIGH",
    ),
)
VOCABULARY = frozenset(
    {word.removeprefix("=") for kind in KINDS for phrase in kind.phrases for word in phrase}
    | {word for name, words in vars(lexicon).items() if name.isupper() for word in words}
) - {str(n) for n in range(10)}
"""All words that some rule knows, in English; numbers are left out, since they are parts of words."""
