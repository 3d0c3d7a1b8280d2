"""Names of the goods of the vehicle-to-grid market, so that players who never meet agree on them."""

from __future__ import annotations

IMPORT = "import"
FAMILIES = ("charging", "retail_to_cno", "discharging", "cno_to_retail", "delivery", IMPORT, "household")
"""In the order in which markets list them."""


def charging(node: int) -> str:
    """Energy charged at a station: traffic takes, the charging operator gives."""
    return f"charging[{node}]"


def discharging(node: int) -> str:
    """Energy discharged at a station: the charging operator takes, traffic gives."""
    return f"discharging[{node}]"


def retail_to_cno(place: str) -> str:
    """Energy for the stations at a bus, or for one station: charging operators take, load serving entities give."""
    return f"retail_to_cno[{place}]"


def cno_to_retail(place: str) -> str:
    """Energy from the stations at a bus, or from one station: load serving entities take, charging operators give."""
    return f"cno_to_retail[{place}]"


def station(node: int) -> str:
    """Return the place of retail that is one station."""
    return f"station {node}"


def delivery(bus: str) -> str:
    """Delivery from the hub to a bus: load serving entities take, the distribution operator gives."""
    return f"delivery[{bus}]"


def household(bus: str) -> str:
    """Energy for the households at a bus: they take, load serving entities give."""
    return f"household[{bus}]"


def family(good: str) -> str:
    """Return the family a good belongs to: its name without the place."""
    return good.split("[", 1)[0]


def place(good: str) -> str:
    """Return where a good is traded, the node or bus in its name; empty for a good without a place."""
    return good.partition("[")[2].removesuffix("]")


def rank(good: str) -> int:
    """Return the position of a good's family among the families; other families come last."""
    return FAMILIES.index(family(good)) if family(good) in FAMILIES else len(FAMILIES)
