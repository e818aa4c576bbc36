"""Words that announce personal data: months, kinds of streets, labels, units of age.

Belongs here: single words as flags, looked up once for every token. Must not: patterns; each detector decides what the
text around a cue must look like.
"""

MONTH, STREET_LAST, STREET_FIRST, UNIT, SECRET, SAID, NAME, IS, SPELT, AGED, AGE_LABEL, NAMING = (
    1 << place for place in range(12)
)
LABEL, ISSUED, BANKING, DATING, BORN, POSTAL, HOME, WEEKDAY = (1 << place for place in range(12, 20))
RARE = (
    MONTH
    | HOME
    | WEEKDAY
    | STREET_LAST
    | STREET_FIRST
    | UNIT
    | SECRET
    | SAID
    | SPELT
    | LABEL
    | ISSUED
    | BANKING
    | BORN
    | POSTAL
)
"""Cues that are looked for in the text; the others are asked for beside something found, and are common words."""

MONTHS = (
    "january february march april may june july august september october november december jan feb mar apr jun jul "
    "aug sept "
    "sep oct nov dec enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre "
    "diciembre ene "
    "abr ago dic janvier février fevrier mars avril mai juin juillet août aout septembre octobre novembre décembre "
    "decembre "
    "janv févr avr juil déc januar jänner februar märz april juni juli oktober dezember okt dez gennaio febbraio "
    "aprile maggio "
    "giugno luglio settembre ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro "
    "dezembro"
)
_WORDS = {
    MONTH: MONTHS,
    STREET_LAST: (
        "street ave avenue road boulevard blvd lane drive court place square terrace way parkway pkwy highway hwy "
        "circle close crescent gardens grove mews row trail alley plaza loop pike turnpike quay walk st rd ln dr "
        "ct"
    ),
    STREET_FIRST: (
        "calle c cl avda av avenida avinguda paseo pº passeig plaza pza plaça carrer carretera ctra camino ronda "
        "travesía travesia glorieta urbanización urb rúa rua rambla rue avenue boulevard bd allée allées chemin "
        "impasse quai cours route place via viale piazza corso travessa praça largo estrada calçada"
    ),
    UNIT: "apt apartment suite ste unit flat box apartado apdo postfach bp",
    SECRET: (
        "password passwd pwd passphrase secret token key apikey api_key access_key secret_key client_secret "
        "auth_token access_token contraseña clave passe passwort kennwort bearer pin cvv cvc cvc2 begin"
    ),
    SAID: "name llamo appelle heiße heisse called",
    NAME: "name",
    IS: "is",
    SPELT: "dot at",
    AGED: "year years yr yrs yo y old año años ans jahre jahr jährige jähriger jähriges anni anos months meses",
    AGE_LABEL: "age aged edad âge âgé âgée alter turn turns turned turning am i'm is he's she's of m es was were tenía",
    NAMING: (
        "name names named nombre apellido apellidos llamo llama appelle nom prénom heiße heisse vorname nachname "
        "surname signed médico medico doctor doctora patient paciente por responsable attn holder beneficiary "
        "cardholder is am i'm m this dear hi hello hey regards sincerely thanks cheers love contact from to cc "
        "with for customer client employee hola estimado estimada querido querida bonjour cher chère liebe lieber "
        "geehrte geehrter soy saludos cordialement grüße grüßen author by met s est"
    ),
    DATING: (
        "in since on by until from of year date dated circa the el early late en desde año de del fecha depuis "
        "jahr im seit during till durante hasta pendant jusqu'en während bis"
    ),
    BORN: (
        "born birth dob d.o.b b bday day birthday birthdate birth_date date_of_birth dateofbirth nacido nacida "
        "nacimiento nac né née naissance geboren geborene geburt geburtsdatum geburtstag geb nascita nascito "
        "nascido nascida nascimento nato nata"
    ),
    HOME: "domicilio dirección direccion domicile adresse anschrift wohnhaft indirizzo residencia",
    WEEKDAY: (
        "monday tuesday wednesday thursday friday saturday sunday lunes martes miércoles jueves viernes lundi mardi "
        "mercredi jeudi vendredi samedi montag dienstag mittwoch donnerstag freitag samstag sonntag"
    ),
    POSTAL: (
        "zip zipcode zip_code postal postalcode postal_code post postcode cp c p plz cep postleitzahl"
    ),
}  # fmt: skip

# Words that announce a number; with each, what is written onto it: policynumber, policy_number, policies.
_LABELS = {
    LABEL: (
        "mrn nhc record hospital patient chart historia hc episodio dossier fall ic icu contacto asistencial "
        "insurance policy policyholder member membership beneficiary beneficiaries plan nass nuss cip tarjeta "
        "sanitaria asegurado asegurada asegurador aseguradora aseguramiento asegura carte vitale mutuelle "
        "versicherten versicherung krankenkasse krankenkassen krankenversicherung group license licence licencse "
        "driver dl permis carnet permiso führerschein col ncol nºcol nocol colegiado colegiada dea npi passport "
        "pasaporte passeport reisepass national identity id documento identidad identité personalausweis ausweis "
        "cédula cedula employee student customer account user vin plate registration matrícula matricula "
        "immatriculation kennzeichen imei serial udi imsi meid device licensed licenses insurances"
    ),
    ISSUED: (
        "npi provider nhs nas nass nss nuss seguridad social afiliación afiliacion bsn burgerservice sofi tfn tax "
        "medicare sin insurance nif contribuinte oib ssn sns ss security"
    ),
    BANKING: (
        "account acct a c bank checking savings sort routing aba bsb cuenta konto compte ccc clabe giro giros "
        "bankaccount bankkonto girokonto"
    ),
}
_ONTO = (
    "",
    "s",
    "number",
    "_number",
    "no",
    "_no",
    "id",
    "_id",
    "nummer",
    "snummer",
    "nr",
    "code",
    "_code",
    "num",
    "_num",
)


def flags() -> dict[str, int]:
    """What each word announces, as flags."""
    found: dict[str, int] = {}
    for flag, words in _WORDS.items():
        for word in words.split():
            found[word] = found.get(word, 0) | flag
    for flag, words in _LABELS.items():
        for word in (label + more for label in words.split() for more in _ONTO):
            found[word] = found.get(word, 0) | flag
    return found
