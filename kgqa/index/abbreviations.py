"""What the columns of tables shorten or add, put right: `hire_dt` says a date, `ref-SUPERVISOR_ID` a supervisor."""

from __future__ import annotations

_WORDS = {
    "acct": "account", "addr": "address", "amt": "amount", "avg": "average", "cd": "code", "cntry": "country",
    "ctry": "country", "cust": "customer", "dept": "department", "desc": "description", "descr": "description",
    "dob": "date of birth", "dod": "date of death", "dt": "date", "dur": "duration", "emp": "employee",
    "fname": "first name", "freq": "frequency", "govt": "government", "grp": "group", "hrs": "hours", "ht": "height",
    "img": "image", "lang": "language", "lat": "latitude", "len": "length", "lname": "last name", "lng": "longitude",
    "loc": "location", "lvl": "level", "mfg": "manufacturer", "mfr": "manufacturer",
    "mgr": "manager", "nbr": "number", "nm": "name", "nr": "number", "num": "number", "org": "organization",
    "pct": "percent", "pmt": "payment",
    "pob": "place of birth", "prod": "product", "qtr": "quarter", "qty": "quantity", "sal": "salary",
    "shpmt": "shipment", "tel": "telephone", "temp": "temperature", "tot": "total", "univ": "university",
    "vol": "volume", "whse": "warehouse", "wt": "weight", "yr": "year", "yrs": "years",
}  # fmt: skip
_LAST_WORDS, _LONE_WORDS = {"no": "number"}, {"long": "longitude"}
_KEYS = frozenset("id ids number code key fk uri iri ref identifier".split())


def thing_referred_to(label: str) -> str:
    """Return the label of a column that refers to rows of a table, without what only says so.

    "ref SUPERVISOR ID", as the W3C's direct mapping of relational data names it, gives "SUPERVISOR".
    """
    words = label.split(" ")
    if len(words) > 1 and words[0].lower() in ("ref", "fk"):
        words = words[1:]
    while len(words) > 1 and words[-1].lower() in _KEYS:
        words = words[:-1]
    return " ".join(words)


def written_out(label: str) -> str:
    """Return a label made from an IRI with its shortened words written out: "hire dt" gives "hire date"."""
    words = label.split(" ")
    found = [_WORDS.get(word, word) for word in words]
    found[-1] = (_LAST_WORDS if len(words) > 1 else _LONE_WORDS).get(words[-1], found[-1])
    return " ".join(found)
