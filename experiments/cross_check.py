"""Two routes to one equilibrium, compared quantity by quantity.

Not everything is unique: path flows, single stations and the split among entities are not, a price is not where its
market sits at a kink, and generation by entity is not where generators have the same constant marginal cost. The unique
quantities decide whether the routes agree. One of the last two kinds that differs counts as not unique only if the
plans of each route are best responses at the prices of the other, which at a true equilibrium of a monotone market
holds for every pair of plans and prices.

With electric classes of several values of time the market is not monotone and may have several equilibria: nothing
is unique then by any theorem, and no quantity decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from experiments.quantities import Quantities

RELATIVE = 1e-6
ABSOLUTE_KW = 1e-3
PRICE_UNIT = 0.1  # [$/kWh] prices are compared on this scale at least, everything else on one unit
SMALL_ENTRY = 0.01  # entries of a quantity smaller than this share of its largest are compared on that scale
SHIFTED = ("link_flow_veh_per_h",)  # compared on the largest: what a detour gains on one road it takes from a full one

UNIQUE = (
    "social_cost_usd_per_h",
    "generation_cost_usd_per_h",
    "travel_cost_usd_per_h",
    "import_cost_usd_per_h",
    "shortage_cost_usd_per_h",
    "degradation_cost_usd_per_h",
    "load_shed_kw",
    "import_kw",
    "household_kw",
    "charged_kw",
    "discharged_kw",
    "link_flow_veh_per_h",
)
UNIQUE_BUT_AT_KINKS = ("generation_kw", "dlmp_usd_per_kwh", "od_cost_usd", "household_price_usd_per_kwh")
NOT_UNIQUE = ("station_net_kw", "stop_share", "discharge_share", "station_time_h_per_h", "discharging_od_pairs")


@dataclass(frozen=True)
class Comparison:
    """One quantity by both routes; of several values the one where they differ most."""

    coordinator: float
    monolith: float
    relative_difference: float  # to the larger of the two, at least to one unit and a share of the largest entry
    unique: bool  # whether it decides
    agrees: bool
    at: str | None = None  # which entry of a quantity by bus, link or OD pair


def compare(
    coordinator: Quantities,
    monolith: Quantities,
    exchangeable: bool,
    monotone: bool = True,
    free: Collection[str] = (),
) -> dict[str, Comparison]:
    """Return a comparison for every quantity; `exchangeable` says whether plans and prices may be exchanged.

    No quantity is unique where the market is not monotone, and none of those that cost nothing (`free`). What a player
    without a report does not tell is left out.
    """

    def told(names: Iterable[str]) -> list[str]:
        return [name for name in names if name in coordinator and name in monolith]

    rows = {
        name: _compare(name, coordinator[name], monolith[name], unique=monotone and name not in free)
        for name in told(UNIQUE)
    }
    for name in told(UNIQUE_BUT_AT_KINKS):
        row = _compare(name, coordinator[name], monolith[name], unique=monotone)
        at_a_kink = not monotone or (not row.agrees and exchangeable)
        rows[name] = _compare(name, coordinator[name], monolith[name], unique=not at_a_kink)
    return rows | {name: _compare(name, coordinator[name], monolith[name], unique=False) for name in told(NOT_UNIQUE)}


def disagreements(rows: Mapping[str, Comparison]) -> list[str]:
    """Return the unique quantities in which the routes differ."""
    return [name for name, row in rows.items() if row.unique and not row.agrees]


def differences(rows: Mapping[str, Comparison]) -> list[str]:
    """Return the quantities that would be unique in a monotone market, and in which the routes differ."""
    return [name for name in (*UNIQUE, *UNIQUE_BUT_AT_KINKS) if name in rows and not rows[name].agrees]


def as_data(rows: Mapping[str, Comparison]) -> dict[str, dict[str, object]]:
    """Return the comparisons as plain data."""
    return {name: asdict(row) for name, row in rows.items()}


def _compare(name: str, one: object, other: object, unique: bool) -> Comparison:
    unit = PRICE_UNIT if "usd_per_kwh" in name else 1.0
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return _numbers(name, one, other, unique, unit)
    if not one:
        return _numbers(name, 0.0, 0.0, unique, unit)
    share = 1.0 if name in SHIFTED else SMALL_ENTRY
    unit = max(unit, share * max((abs(value) for value in other.values()), default=0.0))
    rows = [_numbers(name, one[key], other[key], unique, unit, key) for key in one]
    return max(rows, key=lambda row: (not row.agrees, np.nan_to_num(row.relative_difference, nan=np.inf)))


def _numbers(name: str, one: object, other: object, unique: bool, unit: float, at: str | None = None) -> Comparison:
    a, b = float(one), float(other)  # type: ignore[arg-type]
    difference = abs(a - b)
    relative = difference / max(abs(a), abs(b), unit)
    close = relative <= RELATIVE or (name.endswith("_kw") and difference <= ABSOLUTE_KW)
    return Comparison(a, b, relative, unique, bool(close), at)
