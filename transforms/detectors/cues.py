"""Words that announce personal data: months, kinds of streets, labels, units of age.

Belongs here: single words as flags, looked up once for every token. Must not: patterns; each detector decides what the
text around a cue must look like.
"""

from transforms.detectors.vocabulary import Vocabulary

MONTH, STREET_LAST, STREET_FIRST, UNIT, SECRET, SAID, SPELT, AGED, AGE_LABEL, NAMING = (
    1 << place for place in range(10)
)

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
        "circle close "
        "crescent gardens grove mews row trail alley plaza loop pike turnpike quay walk st rd ln dr ct"
    ),
    STREET_FIRST: (
        "calle c cl avda av avenida avinguda paseo pº passeig plaza pza plaça carrer carretera ctra camino ronda "
        "travesía "
        "travesia glorieta urbanización urb rúa rua rambla rue avenue boulevard bd allée allées chemin impasse quai "
        "cours route "
        "place via viale piazza corso travessa praça largo estrada calçada"
    ),
    UNIT: "apt apartment suite ste unit flat box apartado apdo postfach bp",
    SECRET: (
        "password passwd pwd passphrase secret token key apikey api_key access_key secret_key client_secret auth_token "
        "access_token contraseña clave passe passwort kennwort bearer pin cvv cvc cvc2 begin"
    ),
    SAID: "name llamo m'appelle appelle heiße heisse called",
    SPELT: "dot at",
    AGED: "year years yr yrs yo y old año años ans jahre jahr jährige jähriger jähriges anni anos months meses",
    AGE_LABEL: "age aged edad âge âgé âgée alter turns turned turning am i'm is he's she's of m es",
    NAMING: (
        "name names named nombre apellido apellidos llamo llama appelle nom prénom heiße heisse vorname nachname "
        "surname signed "
        "médico medico doctor doctora patient paciente por responsable attn holder beneficiary cardholder is am i'm m "
        "this "
        "dear hi hello hey regards sincerely thanks cheers love contact from to cc with for customer client employee "
        "hola "
        "estimado estimada querido querida bonjour cher chère liebe lieber geehrte geehrter soy saludos cordialement "
        "grüße "
        "grüßen author by met s est"
    ),
}  # fmt: skip


def _flags() -> dict[str, int]:
    flags: dict[str, int] = {}
    for flag, words in _WORDS.items():
        for word in words.split():
            flags[word] = flags.get(word, 0) | flag
    return flags


CUES = Vocabulary(_flags())
