"""The thirteen findings of Section IV of Hou, Li, Pang (arXiv:2605.16765), judged on the runs of a case.

Every finding is a function that yields checks: what is claimed, what was measured, and whether it holds. A finding
holds if all its checks do. Where a quantity is not unique, a check holds if it does in some equilibrium, and what was
measured says the whole range. The thresholds for words such as "far higher" are the constants below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from experiments.reproduction.evidence import Evidence, Name, NoEvidence, Span
from experiments.reproduction.finding import Check, Checks, Finding, Judge, judged
from experiments.reproduction.trips import dominant_path, path_text
from experiments.store import StoredRun

STRESSED = ("stress", "island")
EVERY = ("base", *STRESSED)

NO_SHED_KW = 0.01  # less load shed is none
SAME_PRICE = 0.01  # relative difference of prices that are the same
EXCEPTIONAL_PRICE = 5.0  # times the Base price
BACK_TO_NORMAL = 0.2  # share of the rise over Base that may be left
SAME_SHARE = 0.01  # of trips: one percentage point
ABOUT_SHARE = 0.04  # of trips, around the paper's values
FAR_HIGHER = 5.0  # times
CLEARLY_KW, CLEARLY_H = 0.1, 0.005  # by which energy [kW] and station time [h/h] must differ
ABOUT_COST = 0.02  # relative, around the paper's costs of OD 3
NOT_MORE_USD = 0.005  # costs that are equal to the cent
MARGINAL_SAVING, ABOUT_SAVING = 0.005, 0.03  # of the social cost
CLEAR_RISE = 1.25  # times the local generation of Base

OD_3, NEVER_LOSE = "1-20", ("3-18", "3-22")  # OD 14 and 17
ROUTE_WITHOUT = [1, 2, 6, 8, 7, 18, 20]
ROUTE_WITH, DISCHARGE_AT = [1, 3, 12, 13, 24, 21, 20], 12


_JUDGES: list[tuple[str, str, Judge]] = []


def findings(runs: Mapping[Name, StoredRun]) -> list[Finding]:
    """Return F1 to F13, judged on runs by scenario and V2G."""
    return [judged(f"F{k}", *entry, Evidence(runs)) for k, entry in enumerate(_JUDGES, start=1)]


def _finding(statement: str, paper: str) -> Callable[[Judge], Judge]:
    def register(judge: Judge) -> Judge:
        _JUDGES.append((statement, paper, judge))
        return judge

    return register


@_finding("Base: no load shedding; the maximum DLMP is normal and the same with and without V2G.", "0 kW; same, normal")
def base_is_normal(e: Evidence) -> Checks:
    """F1. Normal is at most the price at which households take their load."""
    shed = [e.quantity("base", v2g, "load_shed_kw") for v2g in (False, True)]
    yield Check("no load shed in Base", f"shed {_pair(shed, '.1f')} kW", all(kw <= NO_SHED_KW for kw in shed))
    one, other = price = [_top_price(e, "base", v2g) for v2g in (False, True)]
    reference = e.keys("base", False)["households"]["reference_price_usd_per_kwh"]
    measured = f"maximum DLMP {_pair(price, '.4f')} $/kWh"
    same = abs(one - other) <= SAME_PRICE * max(abs(one), abs(other)) and max(price) <= reference
    yield Check(f"the same within {SAME_PRICE:.0%} and at most {reference:g} $/kWh", measured, same)


@_finding("Stress and Island without V2G: load is shed, and the maximum DLMP is exceptionally high.", "> 0 kW; high")
def scarcity_without_v2g(e: Evidence) -> Checks:
    """F2."""
    normal = _top_price(e, "base", False)
    for scenario in STRESSED:
        shed, price = e.quantity(scenario, False, "load_shed_kw"), _top_price(e, scenario, False)
        yield Check(f"load is shed in {_title(scenario)}", f"{_title(scenario)} sheds {shed:.1f} kW", shed > NO_SHED_KW)
        high = price >= EXCEPTIONAL_PRICE * normal
        measured = f"{_title(scenario)} {price:#.3g} $/kWh ({_over(price, normal):.3g}× Base)"
        yield Check(f"maximum DLMP at least {EXCEPTIONAL_PRICE:g}× Base in {_title(scenario)}", measured, high)


@_finding(
    "With V2G, Stress and Island: no load is shed, and the maximum DLMP is back near normal.", "0 kW; near normal"
)
def v2g_ends_scarcity(e: Evidence) -> Checks:
    """F3."""
    normal = _top_price(e, "base", True)
    for scenario in STRESSED:
        title, shed = _title(scenario), e.quantity(scenario, True, "load_shed_kw")
        yield Check(f"no load shed in {title}", f"{title} sheds {shed:.1f} kW", shed <= NO_SHED_KW)
        price, before = _top_price(e, scenario, True), _top_price(e, scenario, False)
        near = price - normal <= BACK_TO_NORMAL * (before - normal)
        claim = f"at most {BACK_TO_NORMAL:.0%} of the rise over Base left in {title}"
        yield Check(claim, f"{title} {before:#.3g} → {price:#.3g} $/kWh ({_over(price, normal):.2f}× Base)", near)


@_finding(
    "EV trips that stop at a station: the same share in all cases without V2G and in Base with V2G; more in Stress and "
    "most in Island with V2G.",
    "same; about 22 %; about 34 %",
)
def who_stops(e: Evidence) -> Checks:
    """F4."""
    without = [e.span(scenario, False, "stop_share") for scenario in EVERY]
    same = _apart(without) <= SAME_SHARE
    yield Check("the same without V2G, within a point", f"without V2G {_percent(without)}", same)
    base = e.span("base", True, "stop_share")
    measured = f"Base with V2G {_percent([base])}"
    yield Check("the same in Base with V2G, within a point", measured, _apart([*without, base]) <= SAME_SHARE)
    for scenario, paper in zip(STRESSED, (0.22, 0.34), strict=True):
        share, title = e.span(scenario, True, "stop_share"), _title(scenario)
        about = share.high >= paper - ABOUT_SHARE and share.low <= paper + ABOUT_SHARE
        yield Check(
            f"within {100 * ABOUT_SHARE:.0f} points of {paper:.0%} in {title}", f"{title} {_percent([share])}", about
        )


@_finding("Discharging paths are used far more in Stress and Island than in Base with V2G.", "far higher")
def who_discharges(e: Evidence) -> Checks:
    """F5."""
    base = e.span("base", True, "discharge_share")
    for scenario in STRESSED:
        share, title = e.span(scenario, True, "discharge_share"), _title(scenario)
        higher = share.high >= FAR_HIGHER * base.low and share.high >= base.low + SAME_SHARE
        measured = f"{title} {_percent([share])}, Base {_percent([base])}"
        yield Check(f"at least {FAR_HIGHER:g}× Base in {title}", measured, higher)


@_finding(
    "V2G lowers gross charging in every scenario; discharging is higher in Stress and highest in Island.",
    "lower; rising",
)
def energy_at_stations(e: Evidence) -> Checks:
    """F6."""
    for scenario in EVERY:
        before, after = (e.quantity(scenario, v2g, "charged_kw") for v2g in (False, True))
        measured = f"charged in {_title(scenario)} {before:.0f} → {after:.0f} kW"
        yield Check(f"V2G lowers charging in {_title(scenario)}", measured, after <= before - CLEARLY_KW)
    base, stress, island = given = [e.quantity(scenario, True, "discharged_kw") for scenario in EVERY]
    rising = stress >= base + CLEARLY_KW and island >= stress + CLEARLY_KW
    yield Check("discharging rises", f"discharged {', '.join(f'{kw:.0f}' for kw in given)} kW", rising)


@_finding(
    "Station time (waiting and dwell): V2G lowers it in Stress and Island and raises it in Base.", "lower; higher"
)
def time_at_stations(e: Evidence) -> Checks:
    """F7."""
    for scenario in EVERY:
        before, after = (e.span(scenario, v2g, "station_time_h_per_h") for v2g in (False, True))
        rise = scenario == "base"
        low, high = (before, after) if rise else (after, before)
        measured = f"{_title(scenario)} {before.text('.2f')} → {after.text('.2f')} veh·h/h"
        claim = f"V2G {'raises' if rise else 'lowers'} it in {_title(scenario)}"
        yield Check(claim, measured, high.high >= low.low + CLEARLY_H)


@_finding("OD pairs that discharge: more in Stress, most in Island.", "rising")
def pairs_that_discharge(e: Evidence) -> Checks:
    """F8. Of a range, the lower end counts the pairs that discharge in every equilibrium, the upper those in some."""
    base, stress, island = pairs = [e.span(scenario, True, "discharging_od_pairs") for scenario in EVERY]
    rising = stress.high > base.low and island.high > stress.low and island.high > base.low
    yield Check("rising from Base to Stress to Island", ", ".join(span.text(".0f") for span in pairs), rising)


@_finding(
    "OD 3 (1→20) costs far more without V2G than with; OD 14 (3→18) and 17 (3→22) never lose by V2G.",
    "36.4 $ (Stress), 528.7 $ (Island); about 14.7 $ with V2G",
)
def what_trips_cost(e: Evidence) -> Checks:
    """F9."""
    for scenario, paper in zip(STRESSED, (36.4, 528.7), strict=True):
        for v2g, expected in ((False, paper), (True, 14.7)):
            cost, where = _od_cost(e, scenario, v2g, OD_3), f"{_title(scenario)}{' with V2G' if v2g else ''}"
            about = abs(cost - expected) <= ABOUT_COST * expected
            yield Check(f"within {ABOUT_COST:.0%} of {expected:g} $ in {where}", f"OD 3 {where} {cost:.2f} $", about)
    losers = [
        f"{pair} in {_title(scenario)}"
        for pair in NEVER_LOSE
        for scenario in EVERY
        if not _od_cost(e, scenario, True, pair) <= _od_cost(e, scenario, False, pair) + NOT_MORE_USD
    ]
    measured = f"{', '.join(losers)} pays more" if losers else "OD 14 and 17 never more"
    yield Check("OD 14 and 17 never pay more with V2G", measured, not losers)


@_finding(
    "OD 3's dominant path in Stress and Island changes with V2G to one with a discharge at station 12.",
    "1-2-6-8-7-18-20; 1-3-12-13-24-21-20, discharge at 12",
)
def where_trips_go(e: Evidence) -> Checks:
    """F10."""
    for scenario in STRESSED:
        for v2g, route in ((False, ROUTE_WITHOUT), (True, ROUTE_WITH)):
            path = dominant_path(e.quantity(scenario, v2g, "paths"), OD_3)
            if path is None:
                raise NoEvidence(f"this case has no electric vehicles from {OD_3.replace('-', ' to ')}")
            discharges = [stop["node"] for stop in path["stops"] if stop["action"] == "discharge"]
            same = path["route"] == route and discharges == ([DISCHARGE_AT] if v2g else [])
            where = f"{_title(scenario)} {'with' if v2g else 'without'} V2G"
            yield Check(f"the paper's path in {where}", f"{where} {path_text(path)}{_taken_by(e, scenario, v2g)}", same)


@_finding(
    "V2G saves little of the social cost in Base and about 6 % in Stress and in Island, mostly avoided shortage.",
    "marginal; about 6 %; about 6 %",
)
def what_v2g_saves(e: Evidence) -> Checks:
    """F11."""
    for scenario in EVERY:
        before, after = (e.quantity(scenario, v2g, "social_cost_usd_per_h") for v2g in (False, True))
        saving, title = _over(before - after, before), _title(scenario)
        if scenario == "base":
            marginal = -1e-6 <= saving <= MARGINAL_SAVING
            yield Check(f"at most {MARGINAL_SAVING:.1%} in Base", f"Base {100 * saving:.3f} %", marginal)
            continue
        about = abs(saving - 0.06) <= ABOUT_SAVING
        yield Check(f"6 % ± {100 * ABOUT_SAVING:.0f} in {title}", f"{title} {100 * saving:.2f} %", about)
        shortage = [e.quantity(scenario, v2g, "shortage_cost_usd_per_h") for v2g in (False, True)]
        part = _over(shortage[0] - shortage[1], before - after)
        measured = f"avoided shortage is {part:.0%} of the saving in {title}"
        yield Check(f"mostly avoided shortage in {title}", measured, before > after and part >= 0.5)


@_finding("Island with V2G: discharging exceeds charging, the stations' net load is below zero.", "net load < 0")
def stations_supply_the_island(e: Evidence) -> Checks:
    """F12."""
    net = e.quantity("island", True, "charged_kw") - e.quantity("island", True, "discharged_kw")
    yield Check("net load below zero", f"net load {net:.0f} kW".replace("-", "−"), net <= -CLEARLY_KW)


@_finding("Local generation rises clearly in Stress and Island.", "significantly higher")
def local_generation_rises(e: Evidence) -> Checks:
    """F13."""
    for v2g in (False, True):
        base, *rest = (sum(e.quantity(scenario, v2g, "generation_kw").values()) for scenario in EVERY)
        words = ", ".join(f"{kw / 1000:.2f}" for kw in (base, *rest))
        claim = f"at least {CLEAR_RISE:g}× Base {'with' if v2g else 'without'} V2G"
        measured = f"{'with' if v2g else 'without'} V2G {words} MW"
        yield Check(claim, measured, all(kw >= CLEAR_RISE * base for kw in rest))


def _title(scenario: str) -> str:
    return scenario.capitalize()


def _pair(values: list[float], digits: str) -> str:
    return " / ".join(f"{value:{digits}}" for value in values)


def _percent(spans: list[Span]) -> str:
    shown = [span.text(".2f", 100.0) for span in spans]
    return f"{shown[0] if len(set(shown)) == 1 else ' / '.join(shown)} %"


def _over(one: float, other: float) -> float:
    """The quotient, which is no number, and so fails every comparison, over zero."""
    return one / other if other != 0 else math.nan


def _apart(spans: list[Span]) -> float:
    """How far spans are apart at least."""
    return max(span.low for span in spans) - min(span.high for span in spans)


def _top_price(e: Evidence, scenario: str, v2g: bool) -> float:
    return max(e.quantity(scenario, v2g, "dlmp_usd_per_kwh").values())


def _taken_by(e: Evidence, scenario: str, v2g: bool) -> str:
    """Which share of OD 3's vehicles may take its dominant path, where that is not unique."""
    low, high = e.ends(scenario, v2g, "dominant_path_share", OD_3) or (1.0, 1.0)
    return f" ({low:.0%} to {high:.0%} of them)" if high - low > SAME_SHARE else ""


def _od_cost(e: Evidence, scenario: str, v2g: bool, pair: str) -> float:
    costs: Mapping[str, float] = e.quantity(scenario, v2g, "od_cost_usd")
    if pair not in costs:
        raise NoEvidence(f"this case has no trips from {pair.replace('-', ' to ')}")
    return costs[pair]
