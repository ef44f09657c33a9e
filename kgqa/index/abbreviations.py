"""Words that the columns of tables shorten, written out: `hire_dt` says a date, `mgr_emp_no` a manager's number."""

from __future__ import annotations

_WORDS = {
    "acct": "account", "addr": "address", "amt": "amount", "avg": "average", "cd": "code", "cntry": "country",
    "ctry": "country", "cust": "customer", "dept": "department", "desc": "description", "descr": "description",
    "dob": "date of birth", "dod": "date of death", "dt": "date", "dur": "duration", "emp": "employee",
    "fname": "first name", "freq": "frequency", "govt": "government", "grp": "group", "hrs": "hours", "ht": "height",
    "img": "image", "lang": "language", "lat": "latitude", "len": "length", "lname": "last name", "lng": "longitude",
    "loc": "location", "lvl": "level", "mfg": "manufacturer", "mfr": "manufacturer", "mgr": "manager", "nbr": "number",
    "nm": "name", "nr": "number", "num": "number", "org": "organization", "pct": "percent", "pmt": "payment",
    "pob": "place of birth", "prod": "product", "qtr": "quarter", "qty": "quantity", "sal": "salary",
    "shpmt": "shipment", "tel": "telephone", "temp": "temperature", "tot": "total", "univ": "university",
    "vol": "volume", "whse": "warehouse", "wt": "weight", "yr": "year", "yrs": "years",
}  # fmt: skip
_LAST_WORDS = {"no": "number"}


def written_out(label: str) -> str:
    """Return a label made from an IRI with its shortened words written out: "hire dt" gives "hire date"."""
    words = label.split(" ")
    found = [_WORDS.get(word, word) for word in words]
    if len(words) > 1:
        found[-1] = _LAST_WORDS.get(words[-1], found[-1])
    return " ".join(found)
