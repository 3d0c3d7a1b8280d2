"""Names of columns in words, with their units."""

from __future__ import annotations

_UNITS = {
    "_usd_per_kwh": "$/kWh",
    "_usd_per_h": "$/h",
    "_h_per_h": "veh·h/h",
    "_veh_per_h": "veh/h",
    "_usd": "$",
    "_kwh": "kWh",
    "_kw": "kW",
    "_pu": "p.u.",
}
FACTOR = "factor of "  # begins the column of a key that is multiplied
_CAPITALS = {"dlmp": "DLMP", "v2g": "V2G", "od": "OD", "n": "number of", "min": "lowest", "max": "highest"}


def label(column: str) -> str:
    """Return a column's name in words with its unit, as in "load shed [kW]" of load_shed_kw; the last part of a key.

    A factor has no unit.
    """
    if column.startswith(FACTOR):
        return FACTOR + label(column.removeprefix(FACTOR)).partition(" [")[0]
    name, _, entry = column.partition(".")
    if entry and column.endswith(tuple(_UNITS)):
        name, entry = column.rsplit(".", 1)[-1], ""
    unit = next((ending for ending in _UNITS if name.endswith(ending)), "")
    words = [_CAPITALS.get(word, word) for word in name.removesuffix(unit).split("_")]
    if words[-1] in ("lowest", "highest", "mean"):
        words = [words[-1], *words[:-1]]
    text = " ".join(words) + (f" {entry}" if entry not in ("", "*") else "")
    return f"{text} [{_UNITS[unit]}]" if unit else text
