"""The words that name detection knows: given names and surnames, titles, and words that are no names.

Belongs here: word lists and reading the packaged one. Must not: how words make a name (names.py). The names are
packaged in transforms/resources/names.txt (see the README there); reading it is reading code, not data.
"""

from functools import cache
from importlib.resources import files

TITLES = (
    "mr mrs ms miss mx dr prof professor sir madam dame lord lady rev reverend father sister brother captain capt sgt "
    "sergeant "
    "lt lieutenant judge justice senator attorney nurse doctor sr sra srta don doña dña dra doctora señor señora "
    "señorita "
    "d profesor profesora herr frau fräulein hr fr m mme mlle monsieur madame mademoiselle maître me docteur dott sig "
    "signor "
    "signora dipl ing mag uncle aunt grandma grandpa"
)
_STOP = (
    # English: words that begin sentences, and words that titles and forms capitalise
    "apartado avda avenida calle carrer ctra carretera domicilio paraje paseo plaza travesía urbanización "
    "i a an the this that these those there here it its he she they we you your yours my mine our his her their them "
    "us him "
    "who whom whose what when where why how which while whether if then than else and or but nor so yet for from to "
    "of in on at "
    "by with without within about above after before between into through during under over again once only very just "
    "also too "
    "not no yes ok okay please thanks thank hello hi hey dear regards sincerely cheers best kind greetings welcome "
    "sorry am is "
    "are was were be been being have has had do does did done can could should would might must shall let lets get "
    "got go went "
    "come came make made take took give gave see saw say said tell told ask asked call called need want like love "
    "know think "
    "one two three four five six seven eight nine ten first second third last next new old good great bad big small "
    "high low "
    "all any both each few many more most much other others some such same own every another nothing something "
    "everything "
    "everyone someone anyone nobody people person man woman men women child children boy girl family friend friends "
    "customer "
    "client user users patient name names address phone email mail fax mobile number date time day week month year "
    "today "
    "tomorrow yesterday morning afternoon evening night account card credit debit bank payment order orders invoice "
    "invoices "
    "product products service services support team office company business work job home house city town state "
    "country "
    "north south east west street road avenue lane drive square park bridge lake river mountain island beach hotel "
    "restaurant cafe bar shop store market mall school university college hospital clinic church museum library "
    "station "
    "airport government department ministry agency council committee commission board court police army navy union "
    "party "
    "president minister director manager chief officer ceo cto cfo vice senior junior general assistant engineer "
    "developer "
    "analyst teacher student author artist singer actor king queen prince princess january february march april may "
    "june july "
    "august september october november december monday tuesday wednesday thursday friday saturday sunday jan feb mar "
    "apr jun "
    "jul aug sep sept oct nov dec mon tue wed thu fri sat sun spring summer autumn winter christmas easter english "
    "spanish "
    "french german italian portuguese dutch russian chinese japanese korean arabic american british european african "
    "asian "
    "indian mexican canadian australian polish swedish danish norwegian finnish greek turkish irish scottish welsh "
    "swiss "
    "austrian belgian brazilian czech hungarian romanian croatian bot agent user system admin subject re fwd cc bcc "
    "sent from "
    "attached billing shipping delivery total tax price note notes question answer information info details status "
    "reason "
    "google facebook amazon apple microsoft twitter instagram whatsapp youtube linkedin internet web website online "
    "app "
    "however although because since until unless despite according additionally furthermore meanwhile finally actually "
    "maybe perhaps really still even ever never always often sometimes usually already soon later now looking sounds "
    "seems "
    "unfortunately hopefully currently recently regarding including following based using used did don't doesn't "
    "didn't can't "
    "couldn't won't wouldn't isn't aren't wasn't i'm i've i'll i'd it's that's there's what's he's she's you're we're "
    "they're "
    "email phone card iban account wallet ssn date birth_date age mrn licence passport device vehicle secret person "
    "mac url "
    "let's usb pdf html json xml http https api url id ip sms vat gps tv dvd cd uk usa us eu un nato vip faq diy hr "
    "pr ai "
    "apt suite ste unit flat floor box zip code po blvd ave rd st dr ln "
    # Spanish
    "el la los las un una unos unas lo al del de en y o u que se su sus mi mis tu tus es son era fue ser estar está "
    "están "
    "este esta estos estas ese esa esos esas aquel aquella no sí si con sin por para como cuando donde cuándo dónde "
    "qué quién "
    "cómo hay más menos muy ya también pero porque desde hasta entre sobre tras ante bajo según durante mediante "
    "paciente "
    "datos nombre apellidos apellido domicilio localidad provincia fecha edad sexo médico informe clínico ingreso "
    "nacimiento "
    "país españa calle avenida plaza hospital servicio correo electrónico teléfono remitido historia exploración se "
    "ante tras "
    "diagnóstico tratamiento antecedentes refiere presenta lunes martes miércoles jueves viernes sábado domingo enero "
    "febrero "
    "marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre asistenciales clínica universidad "
    "centro salud "
    "don't hola gracias saludos estimado estimada buenos buenas varón mujer hombre niño niña "
    # French
    "le les des du et ou où un une ce cette ces il elle ils elles nous vous je tu on que qui quoi dont mais donc or "
    "ni car "
    "avec sans pour par dans sur sous entre chez est sont été être avoir bonjour merci cordialement cher chère nom "
    "prénom "
    "adresse rue téléphone courriel lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril "
    "mai juin "
    "juillet août septembre octobre novembre décembre "
    # German
    "der die das den dem des ein eine einer einem einen und oder aber ist sind war waren sein haben hat nicht kein "
    "mit ohne "
    "für von vom zu zum zur bei beim nach aus auf im am an ich du er sie es wir ihr mein dein sein unser euer hallo "
    "danke "
    "bitte guten tag morgen abend liebe lieber sehr geehrte geehrter grüße name vorname nachname anschrift straße "
    "telefon "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz april mai juni juli oktober "
    "dezember"
)
ORGANISATIONS = (
    "inc ltd llc llp plc corp corporation co company gmbh ag sa sl srl bv nv ab as oy group holdings holding partners "
    "associates university college school academy institute hospital clinic bank insurance foundation trust society "
    "association club church museum library hotel airlines airways motors records studios pictures films entertainment "
    "systems technologies technology software solutions services industries international enterprises consulting "
    "capital "
    "ventures media news times post tribune journal magazine award awards prize cup league"
)
STREETS = (
    "street st avenue ave road rd boulevard blvd lane ln drive court ct place square terrace way parkway highway "
    "circle close "
    "crescent gardens grove park bridge river lake island bay beach hill hills valley mountain county city town "
    "village "
    "airport station stadium theatre theater center centre building tower hall house"
)
_PLACES = (
    "afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain "
    "bangladesh "
    "barbados belarus belgium belize benin bhutan bolivia bosnia botswana brazil brunei bulgaria burundi cambodia "
    "cameroon "
    "canada chile china colombia comoros congo croatia cuba cyprus denmark djibouti dominica ecuador egypt eritrea "
    "estonia "
    "ethiopia fiji finland france gabon gambia germany ghana greece greenland grenada guatemala guinea guyana haiti "
    "honduras "
    "hungary iceland india indonesia iran iraq ireland israel italy jamaica japan kazakhstan kenya kiribati korea "
    "kosovo kuwait "
    "kyrgyzstan laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg madagascar malawi "
    "malaysia "
    "maldives mali malta mauritania mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar "
    "namibia "
    "nauru nepal netherlands nicaragua niger nigeria norway oman pakistan palau panama paraguay peru philippines "
    "poland "
    "portugal qatar romania russia rwanda samoa senegal serbia seychelles singapore slovakia slovenia somalia spain "
    "sudan "
    "suriname sweden switzerland syria taiwan tajikistan tanzania thailand togo tonga tunisia turkey turkmenistan "
    "tuvalu "
    "uganda ukraine uruguay uzbekistan vanuatu venezuela vietnam yemen zambia zimbabwe england scotland wales europe "
    "africa "
    "asia america london paris berlin madrid barcelona rome milan vienna zurich geneva amsterdam brussels lisbon "
    "dublin "
    "edinburgh manchester birmingham liverpool moscow warsaw prague budapest athens istanbul cairo dubai delhi mumbai "
    "tokyo "
    "beijing shanghai seoul sydney melbourne toronto montreal vancouver york chicago boston seattle miami dallas "
    "houston "
    "denver detroit atlanta philadelphia angeles francisco vegas texas california florida ohio michigan arizona "
    "nevada oregon "
    "colorado alaska hawaii valencia sevilla málaga zaragoza bilbao murcia granada alicante munich münchen hamburg "
    "köln "
    "frankfurt stuttgart lyon marseille toulouse bordeaux nantes lille"
)
_WORDLIKE = (
    "will may mark rose faith grace hope joy art grant bill pat jack frank guy christian chase mason dean holly ivy "
    "summer autumn "
    "april june august sky dawn crystal amber ruby pearl ginger olive daisy lily violet iris heather robin jay drew "
    "rusty sandy "
    "sunny star page cash major duke earl king prince sue angel luz mercedes cruz rosa rey sol mar mia ana clay reed "
    "dale glen "
    "forest lane brook brooks cliff dusty gene jean max miles norm penny ray rich rob rod roman sage santa trinity "
    "victor wade "
    "young long short white black brown green gray grey gold silver stone wood woods field fields ford bush rice "
    "price bell "
    "ball cook baker butler carpenter carter cooper fisher gardener hunter miller parker porter potter sheppard smith "
    "tailor "
    "taylor turner walker weaver knight bishop pope church temple banks rivers lake marsh moss snow frost winter "
    "winters day "
    "weeks love moody sharp small little good best wise strong noble swift fox wolf lamb bird crane drake hawk martin "
    "peacock "
    "hill hills west east north north english french german welsh scott holland german france paris london jordan "
    "israel "
    "chelsea sydney austin dallas houston victoria virginia georgia carolina dakota montana madison jackson lincoln "
    "washington "
    "savannah charlotte florence valencia leon león blanco bravo cano calvo campos casado castillo cortes crespo "
    "delgado gallo "
    "guerra guerrero herrero hidalgo iglesias leal mayo merino montes moreno nieto pardo pastor prieto rico ríos "
    "rubio sala "
    "santos serrano sierra soler torres vera vega vidal pilar rocio dolores consuelo soledad milagros trinidad nieves "
    "luna bueno "
    "wagner koch weber schneider fischer müller becker richter klein lang jung groß weiß neumann kaiser könig graf "
    "herzog roy "
    "petit grand legrand blanc brun roux noel marie marin masson meunier boucher berger fontaine rose"
)
_PARTICLES = "de la las los del da das do dos di della van den der von zu bin ibn al el le du des ter ten y e af av d"
PARTICLES = frozenset(_PARTICLES.split())
ROLES = ("given", "surname", "either", "wordlike", "title", "stop", "organisation", "street", "place")
TITLE = ROLES.index("title") + 1


@cache
def _roles() -> dict[str, str]:
    """The role of each word (lower case). A name that is also a word or a place is ``wordlike``; ``stop`` is no
    name.
    """
    roles: dict[str, str] = {}
    packaged = files("transforms").joinpath("resources/names.txt").read_text(encoding="utf-8")
    for line in packaged.splitlines():
        word, marks = line.split(" ")
        roles[word] = {"g": "given", "s": "surname", "gs": "either"}[marks]
    places = _PLACES.split()
    wordlike = {word for word in (*_WORDLIKE.split(), *places) if word in roles}
    for role, words in zip(ROLES[4:8], (TITLES, _STOP, ORGANISATIONS, STREETS), strict=True):
        for word in words.split():
            if roles.get(word) not in ROLES[4:]:
                roles[word] = role
    for word in places:
        roles.setdefault(word, "place")
    return roles | dict.fromkeys(wordlike, "wordlike")


def roles() -> dict[str, int]:
    """The role of each word as its place in ``ROLES`` plus one."""
    return {word: ROLES.index(role) + 1 for word, role in _roles().items()}


@cache
def word_sets() -> tuple[frozenset[str], frozenset[str]]:
    """Words that are names, and words that are none."""
    roles = _roles()
    return frozenset(w for w, r in roles.items() if r in ROLES[:4]), frozenset(
        w for w, r in roles.items() if r == "stop"
    )
