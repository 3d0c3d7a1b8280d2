"""What a case's market is like at its equilibrium: monotone or not, with a potential or not, how fast for which scheme.

The equilibrium solves a variational inequality in the plans of all players together: F, every player's gradient of
its own cost, over the plans that meet the players' rows and clear the markets. F is monotone at a point where the
symmetric part of its derivative is positive semidefinite on the directions that keep all equations; a potential
exists only where the derivative is symmetric. With one value of time among electric vehicles both hold. With several
neither does: one class's flow on a link costs the others time at their values, (Σ ω d)(Σ d) is indefinite, and
dividing a class's costs by its value of time would spoil what it pays for energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import qr

from bestresponse.complementarity.symmetric import symmetry
from bestresponse.errors import DataError
from bestresponse.map_diagnosis import MapDiagnosis, diagnose_map
from bestresponse.monolith import MonolithSolution, solve_monolith
from bestresponse.player import Response, stacked
from bestresponse.scheme_rates import SchemeRate, scheme_rate
from bestresponse.schemes.protocol import Scheme
from bestresponse.start import Start
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import Vector
from experiments.build import build
from experiments.case_schema import Case
from experiments.case_searches import refuse_generated

UNIQUE = "Every feasible direction has curvature: this equilibrium is the only one nearby."
FLAT = (
    "Some feasible directions have no curvature: what moves along them, such as path flows, single stations and the "
    "split among entities, need not be unique."
)
RANK = 1e-10  # relative size below which a row of equations counts as following from others


@dataclass(frozen=True)
class CaseDiagnosis:
    """What the market's derivative says at the equilibrium that the monolith found."""

    map: MapDiagnosis  # on the directions that keep all players' equations and clear the markets; the largest entry of
    # the derivative, in the scaled units of the complementarity system, counts as one
    values_of_time: tuple[float, ...]  # [$/h] of the classes of electric vehicles
    variables: int  # of all players
    equations: int
    solution: MonolithSolution
    rates: tuple[SchemeRate, ...]  # of the schemes asked for
    about: Mapping[str, Any]  # case, scenario, v2g, sigma

    def sentences(self) -> list[str]:
        """Return what this means."""
        eigenvalue, values = self.map.smallest_eigenvalue, sorted(set(self.values_of_time))
        if not self.map.is_monotone:
            found = [
                f"The market is not monotone: along one feasible direction the curvature is {eigenvalue:.1e}. Several "
                "equilibria are possible and no theorem promises convergence; trust the certificate only."
            ]
        else:
            found = ["The market is monotone at its equilibrium: no feasible direction has negative curvature."]
            found.append(UNIQUE if self.map.is_strongly_monotone else FLAT)
        if self.map.has_potential:
            found.append("The derivative is symmetric: the equilibrium is a stationary point of one common potential.")
        else:
            found.append("The derivative is not symmetric: no common potential exists.")
        if len(values) > 1:
            listed = ", ".join(f"{value:g}" for value in values)
            found.append(f"Electric vehicles differ in their value of time ({listed} $/h), which is enough for both.")
        for rate in self.rates[:1]:
            if rate.fixed_directions:
                size = f"of dimension {rate.fixed_directions}"
                found.append(f"The equilibrium lies in a continuum of fixed points of {rate.scheme}, {size}.")
        return found

    def data(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            **self.about,
            "stop": str(self.solution.equilibrium.stop),
            "variables": self.variables,
            "equations": self.equations,
            "smallest_eigenvalue": self.map.smallest_eigenvalue,
            "asymmetry": self.map.asymmetry,
            "monotone": self.map.is_monotone,
            "potential": self.map.has_potential,
            "values_of_time_usd_per_h": list(self.values_of_time),
            "hints": self.sentences(),
            "rates": [vars(rate) | {"moves": rate.moves.tolist()} for rate in self.rates],
        }


def diagnose(
    case: Case,
    scenario: str = "base",
    v2g: bool = True,
    schemes: Sequence[Scheme] = (),  # whose rates to predict and measure
    sigma: float = 1.0,  # of their penalties, as a multiple of the automatic ones
) -> CaseDiagnosis:
    """Return the diagnosis of one scenario of a case. Raises DataError where the case or its scenario does not fit."""
    refuse_generated(case, "diagnose")
    model = build(case, scenario, v2g)
    system = ComplementaritySystem(model.market)
    solution = solve_monolith(model.market, system=system)
    at = replace(Start.after(solution.equilibrium), sigma=sigma)
    scale = sparse.diags_array(np.concatenate([block.scale for block in system.blocks.values()]))
    equations = _equations(system) @ scale
    derivative = scale @ _derivative(system, solution.equilibrium.responses) @ scale
    directions = _null_space(equations.toarray())
    on_directions = directions.T @ (derivative / abs(derivative).max()) @ directions
    found = diagnose_map(lambda _: on_directions, [np.zeros(directions.shape[1])])
    return CaseDiagnosis(
        map=replace(found, asymmetry=0.0) if _is_symmetric_up_to_signs(derivative) else found,
        values_of_time=tuple(each.value_of_time_usd_per_h for each in case.vehicles.electric_classes),
        variables=scale.shape[0],
        equations=equations.shape[0],
        solution=solution,
        rates=tuple(scheme_rate(model.market, scheme, at) for scheme in schemes),
        about={"case": case.name, "scenario": scenario, "v2g": v2g, "sigma": sigma},
    )


def save_rate_figure(diagnosis: CaseDiagnosis, path: Path) -> None:
    """Plot the runs that the rates were measured on. Raises DataError if there are none."""
    from experiments.figures_rates import Play, rates_figure, save

    plays = [Play(r.scheme, r.moves.tolist(), r.measured, r.predicted) for r in diagnosis.rates if len(r.moves)]
    if not plays:
        raise DataError("no scheme has a rate here: there is nothing to plot")
    about = diagnosis.about
    save(
        rates_figure(plays, f"{about['case']} / {about['scenario']} / {'with' if about['v2g'] else 'without'} V2G"),
        path,
    )


def _derivative(system: ComplementaritySystem, responses: Mapping[str, Response]) -> sparse.csr_array:
    parts = [
        block.jacobian(stacked(responses[name].plan, block.variables), 0.0) for name, block in system.blocks.items()
    ]
    return sparse.csr_array(sparse.block_diag(parts))


def _is_symmetric_up_to_signs(derivative: sparse.csr_array) -> bool:
    """Whether turning the signs of some rows makes it symmetric: multipliers of a player that minimises have theirs."""
    columns = sparse.csc_array(derivative)
    found = symmetry(columns)
    return found is not None and found.holds(columns)


def _equations(system: ComplementaritySystem) -> sparse.csr_array:
    """Return the rows of all players' equations, and of the markets' clearing, over all variables."""
    market = system.market
    own = [block.A for block in system.blocks.values()]
    trades = [
        sparse.eye_array(market.n_goods, format="csc")[:, market.positions[name]] @ block.trade
        for name, block in system.blocks.items()
    ]
    return sparse.csr_array(sparse.vstack([sparse.block_diag(own), sparse.hstack(trades)]))


def _null_space(matrix: Vector) -> Vector:
    """Return (n, n - rank) an orthonormal basis; by pivoted QR, which takes a tenth of the time of singular values."""
    q, r, _ = qr(matrix.T, pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > RANK * diagonal.max(initial=0.0)).sum())
    return np.asarray(q[:, rank:], dtype=np.float64)
