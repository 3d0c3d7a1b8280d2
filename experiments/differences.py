"""What differs between two results, quantity by quantity: for people who changed one assumption."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestresponse.errors import DataError
from experiments.cross_check import NOT_UNIQUE, PRICE_UNIT, RELATIVE
from experiments.result import Result, load_result
from experiments.store import MANIFEST, MARKER, RUNS, load_run

SINGLE = "quantities"  # the section of quantities that are one number each
SECTIONS = {  # quantity by bus, link, …, in the order shown → what its entries are
    "dlmp_usd_per_kwh": "bus",
    "link_flow_veh_per_h": "link",
    "od_cost_usd": "OD pair",
    "station_net_kw": "station",
    "generation_kw": "entity",
    "generation_by_bus_kw": "bus",
    "load_shed_by_bus_kw": "bus",
    "household_price_usd_per_kwh": "bus",
    "voltage_pu": "bus",
}


@dataclass(frozen=True)
class Change:
    """One number in two results."""

    name: str  # of the quantity, or of the bus, link, … in its section
    a: float
    b: float
    unique: bool  # whether it could not differ between two equilibria of one market
    unit: float = 1.0  # smaller numbers are compared on this scale

    @property
    def absolute(self) -> float:
        """B − A."""
        return self.b - self.a

    @property
    def relative(self) -> float | None:
        """(B − A) / |A|; None where A is zero."""
        return None if self.a == 0 else self.absolute / abs(self.a)

    @property
    def size(self) -> float:
        """|B − A| on the scale of the larger of the two; infinite for what is no number."""
        size = abs(self.absolute) / max(abs(self.a), abs(self.b), self.unit)
        return math.inf if math.isnan(size) else size

    @property
    def same(self) -> bool:
        """Whether two routes to one answer could differ as much."""
        return self.size <= RELATIVE

    def data(self) -> dict[str, Any]:
        """Return the change as plain data."""
        fields = ("name", "a", "b", "absolute", "relative", "unique", "same")
        return {name: getattr(self, name) for name in fields}


@dataclass(frozen=True)
class Section:
    """All changes of one kind, the largest first, and what only one of the results has."""

    name: str
    of: str  # what the entries are
    changes: tuple[Change, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def load_any(path: Path) -> Result:
    """Return the result in a file of `solve --json` or in the folder of a stored run.

    Raises DataError, saying what it is instead and what to name, for anything else, a failed run, or a result without
    quantities.
    """
    folder = path.parent if path.name == MANIFEST else path
    if (folder / MANIFEST).is_file():
        run = load_run(folder)
        if run.result is None:
            raise DataError(f"{path}: this run failed and holds nothing to compare: {run.failure}")
        result = run.result
    elif (path / MARKER).is_file():
        first = next((path / RUNS).glob(f"*/{MANIFEST}"), path / RUNS / "NAME" / MANIFEST).parent
        raise DataError(f"{path}: is a whole folder of runs; compare two of a kind: name one run, such as {first}")
    elif path.is_dir():
        raise DataError(
            f"{path}: is a folder without a run; name a file of `solve --json` or the folder of a stored run"
        )
    else:
        result = load_result(path)
    if not result.quantities:
        raise DataError(f"{path}: holds no quantities to compare. {result.status}")
    return result


def differences(a: Result, b: Result) -> list[Section]:
    """Return what differs from result a to result b: single quantities, then quantities by bus, link and so on.

    Single quantities are sorted by their change relative to their size, all others by their absolute change.
    """
    sections = [_section(SINGLE, "quantity", _singles(a), _singles(b))]
    for name, of in SECTIONS.items():
        if name in a.quantities or name in b.quantities:
            sections.append(_section(name, of, a.quantities.get(name, {}), b.quantities.get(name, {})))
    return sections


def _singles(result: Result) -> dict[str, float]:
    return {name: float(value) for name, value in result.quantities.items() if isinstance(value, int | float)}


def _section(name: str, of: str, a: Mapping[str, float], b: Mapping[str, float]) -> Section:
    def rank(change: Change) -> tuple[float, float]:
        amount = math.inf if math.isnan(change.absolute) else abs(change.absolute)
        return (-change.size if name == SINGLE else 0.0, -amount)

    changes = tuple(sorted(_changes(name, a, b), key=rank))
    return Section(name, of, changes, tuple(key for key in a if key not in b), tuple(key for key in b if key not in a))


def _changes(section: str, a: Mapping[str, float], b: Mapping[str, float]) -> Iterator[Change]:
    for key in a:
        if key in b:
            quantity = key if section == SINGLE else section
            unique = quantity not in NOT_UNIQUE and not quantity.startswith("voltage")
            unit = PRICE_UNIT if "usd_per_kwh" in quantity else 1.0
            yield Change(key, float(a[key]), float(b[key]), unique, unit)
