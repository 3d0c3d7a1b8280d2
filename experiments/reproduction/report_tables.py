"""The tables of numbers of a report: a column for every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from experiments.quantities import SOCIAL_COST_PARTS
from experiments.reproduction.evidence import Evidence, Name, Span
from experiments.reproduction.folder import Reproduction
from experiments.store import MANIFEST, RUNS

_ROWS = (
    ("Social cost [$/h]", "social_cost_usd_per_h", ",.2f"),
    *((f"– {words} [$/h]", key, ",.2f") for key, words in SOCIAL_COST_PARTS.items()),
    ("Load shed [kW]", "load_shed_kw", ",.2f"),
    ("Import [kW]", "import_kw", ",.1f"),
    ("Household use [kW]", "household_kw", ",.1f"),
    ("Charged [kW]", "charged_kw", ",.2f"),
    ("Discharged [kW]", "discharged_kw", ",.2f"),
    ("EV trips that stop [share]", "stop_share", ".4f"),
    ("EV trips that discharge [share]", "discharge_share", ".4f"),
    ("Station time [veh·h/h]", "station_time_h_per_h", ".3f"),
    ("Discharging OD pairs", "discharging_od_pairs", ".0f"),
    ("Wardrop gap", "wardrop_gap", ".1e"),
)


@dataclass(frozen=True)
class Table:
    """A table for readers."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def number_tables(found: Reproduction) -> list[Table]:
    """Return the tables: single numbers, prices, local generation, stations, OD pairs."""
    e, names = Evidence(found.runs), found.names
    heads = [f"{scenario.capitalize()}, {'V2G' if v2g else 'no V2G'}" for scenario, v2g in names]
    singles = [[label, *(_text(e.known_span(name, key), digits) for name in names)] for label, key, digits in _ROWS]
    prices = {name: list((e.known(name, "dlmp_usd_per_kwh") or {}).values()) for name in names}
    price_rows = [
        [f"DLMP, {label} [$/kWh]", *(f"{of(prices[name]):.4f}" if prices[name] else "–" for name in names)]
        for label, of in (("lowest", min), ("mean over buses", fmean), ("highest", max))
    ]
    return [
        Table(_source(MANIFEST, "quantities and ranges"), ["Quantity", *heads], singles),
        Table(_source("buses.parquet", "dlmp_usd_per_kwh"), ["Price", *heads], price_rows),
        Table(
            _source("entities.parquet", "generation_kw"),
            ["Local generation [kW]", *heads],
            _by_key(e, names, "generation_kw", ",.1f"),
        ),
        Table(
            _source("stations.parquet", "net_kw; ranges in manifest.json"),
            ["Net load of the station at road node [kW]", *heads],
            _stations(e, names),
        ),
        Table(
            _source("od_pairs.parquet", "cost_usd"),
            ["Cheapest EV trip of an OD pair [$]", *heads],
            _by_key(e, names, "od_cost_usd", ",.2f"),
        ),
    ]


def _source(file: str, what: str) -> str:
    return f"From {RUNS}/…/{file}: {what}. The folder of every run stands under Runs and certificates."


def _by_key(e: Evidence, names: Sequence[Name], key: str, digits: str) -> list[list[str]]:
    values = [e.known(name, key) or {} for name in names]
    keys = list(dict.fromkeys(key for entry in values for key in entry))
    return [[key, *(f"{entry[key]:{digits}}" if key in entry else "–" for entry in values)] for key in keys]


def _stations(e: Evidence, names: Sequence[Name]) -> list[list[str]]:
    columns = [e.known_spans(name, "station_net_kw") for name in names]
    nodes = list(dict.fromkeys(node for column in columns for node in column))
    return [[node, *(_text(column.get(node), ",.1f") for column in columns)] for node in nodes]


def _text(span: Span | None, digits: str) -> str:
    return "–" if span is None else span.text(digits)
