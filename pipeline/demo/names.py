"""Invented people: word lists that nobody is called by, with the letters that break careless software.

Accents in composed and combining form, apostrophes, blanks inside, letters beyond the basic plane.
"""

from __future__ import annotations

from random import Random

_FIRST = (
    "Alder Briony Cass Dorrit Elowen Fenn Greer Hollis Isolde Juniper Kestrel Larkin Maren Nimue Orrin "
    "Perrin Quill Rowan Sorrel Tamsin Ulric Verity Wren Xanthe Yarrow Zephyr Ashby Bracken Clover Damson "
    "Ember Fable Garnet Heath Indigo Jasper Kit Linden Marlow North Oakley Posy Robin Sage Teal Umber "
    "Vesper Willow Aspen Birch"
)
PLAIN_FIRST = tuple(_FIRST.split())
RARE_FIRST = (
    "Zoë",
    "Renée",
    "Søren",
    "Łucja",
    "Jose\u0301",
    "Ana\u0308is",
    "Ngọc",
    "Müge",
    "Ólafur",
    "美咲",
    "小龍",
    "서연",
    "𠮷野",
    "Sunny🌞",
    "D'Arcy",
    "Mary Lou",
    "Анна",
    "Ιόλη",
    "مريم",
    "Ray\u2011Anne",
)
_LAST = (
    "Applewick Brambleford Candlemere Dapplewood Eaglethorn Featherby Gorsefield Hazelmoor Inkpenny "
    "Jackdaw Kettlewell Larkspur Mossbank Nettlecombe Oatmeadow Pebblewick Quillmark Rushbrook Saltmarsh "
    "Thistledown Underhollow Vinterby Wetherpool Yellowhammer Zinnery Ashcroftly Barleymow Cloverdell "
    "Duskwater Elderbrook Fernhollow Greenmantle Heronsgate Ivybridge Kingcup Lanternlow Meadowsweet "
    "Nightjarre Otterbourne"
)
PLAIN_LAST = tuple(_LAST.split())
RARE_LAST = (
    "O'Fennimoor",
    "D’Aubrac",
    "Nuñezal",
    "Gru\u0308nwaldt",
    "Straßberg",
    "Čapkovič",
    "Þorfinnsen",
    "Van der Wolde",
    "Smythe-Quill",
    "山ノ辺",
    "한별",
    "Đặngsơn",
    "Mc Tavvish",
    "Iğdırlı",
    "𝒞ardew",
)
_WORDS = (
    "reads aloud with growing confidence retells the story needs support with blends names most letters "
    "works well in pairs asks thoughtful questions practised sight words at home benefits from a quiet "
    "corner moved seat finished early chose a harder book spoke with family about attendance"
)
WORDS = tuple(_WORDS.split())


def first_name(random: Random) -> str:
    """Return an invented given name; about one in twelve is hard to handle."""
    return random.choice(RARE_FIRST if random.random() < 0.08 else PLAIN_FIRST)


def last_name(random: Random) -> str:
    """Return an invented family name; about one in twelve is hard to handle."""
    return random.choice(RARE_LAST if random.random() < 0.08 else PLAIN_LAST)


def sentence(random: Random) -> str:
    """Return a remark of five to twelve words."""
    return " ".join(random.choices(WORDS, k=random.randint(5, 12))).capitalize() + "."
