"""Runs that several tests look at, each solved once per session; and cases of one's own, as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import experiments.routes
import experiments.solving
from bestresponse.acceleration import Anderson
from experiments.build import Model, build
from experiments.result import Result
from experiments.solving import solve
from players.convex_program import ConvexProgram
from players.quadratic_solver import Counters
from tests.one_program import OneProgramResult, solve_one_program

ROBUST, PAPER, TEACHING = "sioux_falls_ieee123", "paper_findings", "teaching"
SCENARIOS = {
    ROBUST: ("base", "stress", "island", "congested"),
    PAPER: ("base", "stress", "island"),
    TEACHING: ("base", "stress", "island"),
}

Run = tuple[str, str, bool]  # case, scenario, whether with V2G


def runs_of(*cases: str) -> list[Run]:
    return [(case, scenario, v2g) for case in cases for scenario in SCENARIOS[case] for v2g in (False, True)]


def run_name(run: Run) -> str:
    case, scenario, v2g = run
    return f"{case}/{scenario}/{'v2g' if v2g else 'no-v2g'}"


@dataclass(frozen=True)
class Solved:
    """A result with the market it belongs to."""

    result: Result
    model: Model

    @property
    def counters(self) -> dict[str, Counters]:
        """How the anchored answers of the players that are convex programs were found: one for every sweep."""
        return {player.name: player.counters for player in self.model.market if isinstance(player, ConvexProgram)}


@cache
def solved(run: Run, method: str = "both") -> Solved:
    built: list[Model] = []

    def build_and_keep(*arguments: Any) -> Model:
        built.append(build(*arguments))
        return built[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments.solving, "build", build_and_keep)
        result = solve(*run, method=method)
    return Solved(result, built[-1])


def without_newton(patch: pytest.MonkeyPatch) -> None:
    """Let `solve` coordinate as where players do not know how their trades answer to prices."""
    patch.setattr(experiments.routes, "default_acceleration", lambda scheme, market: Anderson())


@cache
def third_route(case: str | Path, scenario: str, v2g: bool) -> OneProgramResult:
    return solve_one_program(case, scenario, v2g)


def assert_confirmed(found: Mapping[str, Any], third: OneProgramResult, *unconfirmed: str) -> None:
    """Quantities of either route against the one program's, which shares no code with them."""
    compared = [name for name in third.unique if name in found and name not in unconfirmed]
    assert len(compared) >= 16 - len(unconfirmed)
    apart = {name: difference(name, found[name], third.unique[name]) for name in compared}
    assert {name: size for name, size in apart.items() if not size <= 1e-6} == {}
    for name in compared:
        if name.endswith("_kw"):
            assert found[name] == pytest.approx(third.unique[name], rel=0, abs=1e-3), name


def difference(name: str, one: Any, other: Any) -> float:
    """Relative to the larger of two numbers, or of two tables where it is largest, and to at least one unit."""
    if isinstance(one, Mapping):
        assert one.keys() == other.keys(), name
        return max(difference(name, one[key], other[key]) for key in one)
    return abs(one - other) / max(abs(one), abs(other), 0.1 if "usd_per_kwh" in name else 1.0)


def case_file(folder: Path, tables: Mapping[str, Any], name: str = "mine.toml") -> Path:
    """A case file with these tables."""
    path = folder / name
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in tables.items()), encoding="utf-8")
    return path


def toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool) else repr(value)
