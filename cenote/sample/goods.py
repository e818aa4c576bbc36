"""What the shop sells and what staff write about it: words for products and knowledge-base documents.

Belongs here: word lists and the composing of product and document texts. Must not: personal data, files.
"""
# ruff: noqa: E501 - tables and sentences

from dataclasses import dataclass
from random import Random

from cenote.sample.people import pick


@dataclass(frozen=True)
class Thing:
    """A kind of product: names in four languages (but for English with article), department, price range, use."""

    en: str
    es: str
    fr: str
    de: str
    category: str
    low: int
    high: int
    use: str


THINGS = (
    Thing("kettle", "la tetera", "la bouilloire", "der Wasserkocher", "kitchen", 25, 90, "boils a litre in under three minutes"),
    Thing("travel mug", "la taza térmica", "la tasse isotherme", "der Thermobecher", "kitchen", 12, 40, "keeps tea hot for six hours"),
    Thing("frying pan", "la sartén", "la poêle", "die Bratpfanne", "kitchen", 20, 110, "works on gas, ceramic and induction hobs"),
    Thing("coffee grinder", "el molinillo", "le moulin à café", "die Kaffeemühle", "kitchen", 35, 180, "grinds from espresso to French press"),
    Thing("headphones", "los auriculares", "le casque", "der Kopfhörer", "audio", 45, 340, "cancel the rumble of trains and planes"),
    Thing("speaker", "el altavoz", "l'enceinte", "der Lautsprecher", "audio", 30, 260, "fills a living room and survives a splash"),
    Thing("earbuds", "los cascos", "les écouteurs", "die Ohrhörer", "audio", 25, 190, "stay in place on a run"),
    Thing("desk lamp", "el flexo", "la lampe de bureau", "die Schreibtischlampe", "lighting", 22, 120, "dims from cool daylight to candle warmth"),
    Thing("reading light", "la luz de lectura", "la liseuse", "die Leselampe", "lighting", 10, 45, "clips on a book and spares the sleeper next to you"),
    Thing("lantern", "el farol", "la lanterne", "die Laterne", "lighting", 15, 70, "lights a tent for forty hours on one charge"),
    Thing("tent", "la tienda", "la tente", "das Zelt", "outdoor", 90, 480, "stands in five minutes and keeps out a night of rain"),
    Thing("backpack", "la mochila", "le sac à dos", "der Rucksack", "outdoor", 40, 220, "carries a weekend on padded straps"),
    Thing("sleeping mat", "la esterilla", "le matelas", "die Isomatte", "outdoor", 30, 160, "packs to the size of a bottle"),
    Thing("desk chair", "la silla", "la chaise", "der Schreibtischstuhl", "office", 110, 620, "supports the lower back through long days"),
    Thing("keyboard", "el teclado", "le clavier", "die Tastatur", "office", 35, 190, "types quietly and pairs with three devices"),
    Thing("monitor arm", "el brazo de monitor", "le bras d'écran", "der Monitorarm", "office", 40, 150, "lifts screens of up to nine kilograms"),
    Thing("air purifier", "el purificador", "le purificateur", "der Luftreiniger", "home", 80, 420, "clears a bedroom of pollen in half an hour"),
    Thing("wool blanket", "la manta", "la couverture", "die Wolldecke", "home", 35, 150, "keeps two people warm on a cold sofa"),
    Thing("humidifier", "el humidificador", "l'humidificateur", "der Luftbefeuchter", "home", 30, 140, "runs through the night without a sound"),
    Thing("yoga mat", "la colchoneta", "le tapis de yoga", "die Yogamatte", "sport", 18, 85, "grips even when it gets warm"),
    Thing("running watch", "el reloj", "la montre", "die Laufuhr", "sport", 90, 450, "finds satellites in seconds and lasts two weeks"),
    Thing("bike light", "la luz de bici", "le phare de vélo", "das Fahrradlicht", "sport", 15, 95, "is seen from three hundred metres"),
    Thing("suitcase", "la maleta", "la valise", "der Koffer", "travel", 60, 330, "rolls on four quiet wheels and fits the cabin"),
    Thing("power adapter", "el adaptador", "l'adaptateur", "der Reiseadapter", "travel", 12, 55, "fits sockets in a hundred and fifty countries"),
)  # fmt: skip
BRANDS = (
    "Aldaro",
    "Brisk & Bloom",
    "Cenit",
    "Dovetail",
    "Ekvator",
    "Fjordlys",
    "Glimmer",
    "Hearthside",
    "Ionica",
    "Juniper",
    "Kestrel",
    "Lumo",
)
_LINES = ("Classic", "Pro", "Mini", "Air", "Nova", "Trail", "Studio", "Everyday")
_MATERIALS = {
    "kitchen": ("brushed steel", "recycled aluminium", "enamelled steel"),
    "audio": ("matte black polymer", "recycled aluminium", "walnut wood and polymer"),
    "lighting": ("brushed steel", "beech wood", "recycled aluminium"),
    "outdoor": ("ripstop nylon", "recycled polyester", "waxed canvas"),
    "office": ("recycled aluminium", "matte black polymer", "beech wood"),
    "home": ("matte white polymer", "recycled plastic", "ash wood and polymer"),
    "sport": ("recycled polymer", "matte black polymer", "glass fibre"),
    "travel": ("recycled polycarbonate", "ripstop nylon", "matte black polymer"),
    "wool blanket": ("merino wool", "recycled wool", "organic cotton"),
    "yoga mat": ("natural rubber", "cork and rubber"),
}
_EXTRAS = (
    "Comes with a two-year warranty.", "Spare parts are available for ten years.", "Packed without plastic.",
    "Designed in a small studio and tested for a year.", "Winner of last year's readers' choice.", "Easy to clean and to repair.",
)  # fmt: skip
_FOR = (
    "small kitchens",
    "people on the move",
    "shared flats",
    "gifts",
    "long evenings",
    "first homes",
    "busy families",
)
_TAGS = ("bestseller", "new", "eco", "gift", "sale", "limited", "refurbished")


def product_texts(thing: Thing, rng: Random) -> dict[str, object]:
    """Name, description, category, brand and tags of a product of that kind."""
    brand, line, material = (
        pick(rng, BRANDS),
        pick(rng, _LINES),
        pick(rng, _MATERIALS.get(thing.en, _MATERIALS[thing.category])),
    )
    description = (
        f"A {thing.en} of {material} that {thing.use}. Made for {pick(rng, _FOR)}. {pick(rng, _EXTRAS)}"
        if not thing.en.endswith(("phones", "buds"))
        else f"Light {thing.en} with parts of {material} that {thing.use}. Made for {pick(rng, _FOR)}. {pick(rng, _EXTRAS)}"
    )
    tags = list(dict.fromkeys([thing.category, pick(rng, _TAGS), material.split()[-1]]))
    return {
        "name": f"{brand} {line} {thing.en}",
        "description": description,
        "category": thing.category,
        "brand": brand,
        "tags": tags,
    }


# Titles and sentences of knowledge-base documents by topic; {thing} is a product, {n} a small number, {region} a place
_TOPICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "care": ("How to clean and care for your {thing}", (
        "Wipe the {thing} with a damp cloth after each use and let it dry in the open.",
        "Do not put any part of the {thing} in the dishwasher unless its label says so.",
        "Once every {n} weeks, check seals, straps and cables for wear.",
        "Limescale comes off with a spoon of citric acid in warm water; rinse twice.",
        "Store the {thing} in a dry place, away from direct sun, with the battery half charged if it has one.",
    )),
    "warranty": ("Warranty and repairs: {thing}", (
        "Every {thing} carries a warranty of two years, counted from the day of delivery.",
        "Wear, scratches and damage by drops are not covered, but we repair them at cost.",
        "To open a case, have the order number at hand and describe what happens, with a photo if you can.",
        "Most repairs take {n} working days; we send a replacement when a part is out of stock.",
        "A repaired product keeps its old warranty, and the replaced part gets a new one.",
    )),
    "setup": ("First steps with your {thing}", (
        "Take everything out of the box and compare it with the list on the inside of the lid.",
        "Charge or connect the {thing} for at least {n} hours before you use it for the first time.",
        "Peel off the protective films; they are easy to miss on the underside.",
        "If the {thing} does not start, hold the main button for ten seconds to reset it.",
        "Register the product in the app to be told about safety notices.",
    )),
    "buying": ("Which {thing} is right for you?", (
        "Start from where you will use it: at home, at work or on the way.",
        "The Mini line saves space, the Pro line lasts longest, and the Classic line costs least.",
        "Look at weight first if you carry the {thing} every day.",
        "Customers who compare often choose a model that is one size too large; measure before you order.",
        "You can try any {thing} for {n} days and send it back when it does not suit you.",
    )),
    "trouble": ("Trouble with your {thing}? Try this first", (
        "Nine of ten problems with a {thing} go away after a reset and a clean contact.",
        "A strange smell in the first days comes from the packaging and is harmless.",
        "If the {thing} rattles, tighten the screw at its base by a quarter of a turn.",
        "When it stops after a few minutes, it protects itself from heat: let it cool for {n} minutes.",
        "Still no luck? The assistant can open a repair case for you at any hour.",
    )),
    "shipping": ("Delivery of large and small parcels: {thing}", (
        "A {thing} in stock leaves our warehouse on the same day when you order before noon.",
        "Delivery takes 1 to {n} working days, depending on the carrier and the distance.",
        "You get a link to follow the parcel as soon as it is handed over.",
        "If nobody is at home, the courier tries again the next day and then leaves it at a pick-up point.",
        "Islands and mountain villages take two days longer.",
    )),
    "returns": ("Sending back a {thing}", (
        "You can return a {thing} within thirty days, used or not, as long as it is complete.",
        "Print the label from your account, or show the code at any pick-up point.",
        "The refund arrives {n} working days after the parcel reached us, on the same means of payment.",
        "Hygiene articles must be unopened.",
        "Gifts can be returned for a voucher without the giver being told.",
    )),
    "business": ("Ordering a {thing} for your company", (
        "Companies with a tax number order without tax across borders within the Union.",
        "From {n} pieces of a {thing} on, the price falls by eight per cent.",
        "Invoices are due within thirty days and can carry your own order number.",
        "A framework contract fixes prices for a year.",
        "Ask the business desk for samples; they are lent for two weeks.",
    )),
    "safety": ("Safety notes for the {thing}", (
        "Keep the {thing} away from children under {n} unless an adult is near.",
        "Use only the charger that came in the box or one of the same rating.",
        "Stop using the {thing} when its cable, strap or glass is damaged.",
        "Lithium cells must not go into household waste; we take them back free of charge.",
        "Read the whole manual before the first use and keep it.",
    )),
    "sustainability": ("What your {thing} is made of", (
        "More than half of the material in the {thing} has been something else before.",
        "The factory runs on wind power for {n} months of the year.",
        "We publish the footprint of each product from raw material to doorstep.",
        "Every part of the {thing} can be replaced with ordinary tools.",
        "Bring back old products: we sell what works and recycle what does not.",
    )),
}  # fmt: skip
_INTROS = (
    "This page answers what customers ask us most about the {thing}.",
    "Our service team wrote this down after hundreds of conversations about the {thing}.",
    "Five minutes of reading will save you a call.",
    "The rules below apply to all shops and to the app.",
)
TOPICS = tuple(_TOPICS)


def document_texts(number: int, rng: Random, revision: int) -> dict[str, object]:
    """Title, body and tags of document ``number``; later revisions end with a note."""
    topic = TOPICS[number % len(TOPICS)]
    thing = THINGS[number // len(TOPICS) % len(THINGS)]
    title, sentences = _TOPICS[topic]
    chosen = [s for s in sentences if rng.random() < 0.85] or list(sentences)
    first, second = chosen[: len(chosen) // 2 + 1], chosen[len(chosen) // 2 + 1 :]
    paragraphs = [pick(rng, _INTROS), " ".join(first), " ".join(second)]
    if revision:
        paragraphs.append(f"Revision {revision + 1}: wording made clearer, facts unchanged.")
    body = "\n\n".join(p for p in paragraphs if p)
    slots = {"thing": thing.en, "n": pick(rng, (3, 5, 7, 10, 14))}
    return {"title": title.format(**slots), "body": body.format(**slots), "tags": [topic, thing.category]}
