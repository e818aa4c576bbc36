"""Strategies that put a keyed stand-in where a value was: ``token`` and ``pseudonym_name``.

Belongs here: stand-ins that are the same for the same value, so rows still join. Must not: subject ids themselves
(transforms/pseudonyms.py). A stand-in is pseudonymous, not anonymous: who holds the key can make it again.
"""

import hashlib
import hmac

import polars as pl

from transforms.pseudonyms import subject_tokens, without_prefix
from transforms.strategies.base import Context, Options, Strategy, as_text, map_distinct, to_string

_GIVEN_WORDS = (
    "Alder Amber Anise Arbor Aspen Aster Autumn Azure Basil Bay Birch Blaze Briar Brook Bryony Cedar Clay Clover "
    "Cobalt "
    "Copper Coral Cosmos Cove Crimson Cypress Dale Dawn Dune Ebony Elm Ember Fern Fjord Flax Flint Forest Frost Garnet "
    "Ginger Glade Granite Grove Harbor Hazel Heath Heron Holly Indigo Iris Ivory Ivy Jade Jasper Juniper Lake Larch "
    "Lark Laurel Linden Lotus Maple Marigold Marsh Meadow Mesa Mica Mist Moss Myrtle Nettle Oak Ocean Olive Onyx Opal "
    "Orchid Pearl Pebble Pepper Pine Plum Poplar Poppy Prairie Quartz Quill Rain Raven Reed Ridge River Robin Rowan "
    "Saffron Sage Sky Slate Sorrel Sparrow Storm Summer Sylvan Tansy Teal Thyme Timber Topaz Umber Vale Verbena Violet "
    "Willow Winter Wren Yarrow Zephyr"
)
_FAMILY_HEADS = (
    "Apple Ash Barley Black Blue Bright Broad Cherry Cold Crane Deer Down East Elder Fair Fallow Fox Gold Gray Green "
    "Hare Hart High Honey Hawk Lime Long Low Mead Mill Moon North Oat Otter Red Rose Rush Salt Sand Shell Silver South "
    "Spring Star Stone Sun Swan Sweet Thistle Thorn Wheat White Wild Wind Wolf Wood"
)
_FAMILY_TAILS = (
    "bank beck bourne bridge brook bury by combe cote croft dale dell field ford gate grove ham haven hill holm hurst "
    "land ley low mere moor mouth ridge shaw side stead stow thorpe ton view wade water way well wick worth"
)

_GIVEN, _FAMILY_HEAD, _FAMILY_TAIL = (words.split() for words in (_GIVEN_WORDS, _FAMILY_HEADS, _FAMILY_TAILS))


def _token(values: pl.Series, options: Options, context: Context) -> pl.Series:
    entity = str(options.get("entity", context.name))
    ids = without_prefix(as_text(values), options.get("strip", ()))
    return subject_tokens(entity, ids, context.keys.pseudonym)


def _check_token(options: Options) -> str | None:
    entity, strip = options.get("entity", "value"), options.get("strip", [])
    if not isinstance(entity, str) or not entity.replace("_", "").isalnum():
        return "entity must be a name of letters, digits and underscores"
    listed = isinstance(strip, list) and all(isinstance(prefix, str) for prefix in strip)
    return None if listed else "strip must be a list of texts"


def _name(values: pl.Series, options: Options, context: Context) -> pl.Series:
    """A made-up name, drawn by HMAC: the same for the same value, out of some 280,000."""
    key, part = context.keys.derive("pseudonym_name"), options.get("part", "full")

    def draw(value: str) -> str:
        drawn = int.from_bytes(hmac.digest(key, value.encode(), hashlib.sha256)[:12])
        drawn, given = divmod(drawn, len(_GIVEN))
        drawn, head = divmod(drawn, len(_FAMILY_HEAD))
        family = _FAMILY_HEAD[head] + _FAMILY_TAIL[drawn % len(_FAMILY_TAIL)]
        return {"given": _GIVEN[given], "family": family}.get(part, f"{_GIVEN[given]} {family}")

    return map_distinct(as_text(values), draw)


def _check_name(options: Options) -> str | None:
    return None if options.get("part", "full") in ("full", "given", "family") else "part must be full, given or family"


token = Strategy(_token, to_string, ("entity", "strip"), check=_check_token)
pseudonym_name = Strategy(_name, to_string, ("part",), types=("string",), check=_check_name)
