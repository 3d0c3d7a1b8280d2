"""What the derivative of a case's market says at its equilibrium: whether it is monotone and has a potential.

The equilibrium solves a variational inequality in the plans of all players together: F, every player's gradient of
its own cost, over the plans that meet the players' rows and clear the markets. F is monotone at a point where the
symmetric part of its derivative is positive semidefinite on the directions that keep all equations; a potential
exists only where the derivative is symmetric. With one value of time among electric vehicles both hold. With several
neither does: one class's flow on a link costs the others time at their values, (Σ ω d)(Σ d) is indefinite, and
dividing a class's costs by its value of time would spoil what it pays for energy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import qr

from bestresponse.diagnostics import MapDiagnosis, diagnose_map
from bestresponse.monolith import MonolithSolution, solve_monolith
from bestresponse.player import Response
from bestresponse.system import ComplementaritySystem
from bestresponse.typing import Vector
from experiments.build import build
from experiments.case_schema import Case

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

    def sentences(self) -> list[str]:
        """Return what this means."""
        eigenvalue, values = self.map.smallest_eigenvalue, sorted(set(self.values_of_time))
        if self.map.is_monotone:
            found = ["The market is monotone at its equilibrium: no feasible direction has negative curvature."]
        else:
            found = [
                f"The market is not monotone: along one feasible direction the curvature is {eigenvalue:.1e}. Several "
                "equilibria are possible and no theorem promises convergence; trust the certificate only."
            ]
        if self.map.has_potential:
            found.append("The derivative is symmetric: the equilibrium is a stationary point of one common potential.")
        else:
            found.append("The derivative is not symmetric: no common potential exists.")
        if len(values) > 1:
            listed = ", ".join(f"{value:g}" for value in values)
            found.append(f"Electric vehicles differ in their value of time ({listed} $/h), which is enough for both.")
        return found


def diagnose(case: Case, scenario: str = "base", v2g: bool = True) -> CaseDiagnosis:
    """Return the diagnosis of one scenario of a case. Raises DataError where the case or its scenario does not fit."""
    model = build(case, scenario, v2g)
    system = ComplementaritySystem(model.market)
    solution = solve_monolith(model.market, system=system)
    scale = sparse.diags_array(np.concatenate([block.scale for block in system.blocks.values()]))
    equations = _equations(system) @ scale
    derivative = scale @ _derivative(system, solution.equilibrium.responses) @ scale
    directions = _null_space(equations.toarray())
    on_directions = directions.T @ (derivative / abs(derivative).max()) @ directions
    return CaseDiagnosis(
        map=diagnose_map(lambda _: on_directions, [np.zeros(directions.shape[1])]),
        values_of_time=tuple(each.value_of_time_usd_per_h for each in case.vehicles.electric_classes),
        variables=scale.shape[0],
        equations=equations.shape[0],
        solution=solution,
    )


def _derivative(system: ComplementaritySystem, responses: Mapping[str, Response]) -> sparse.csr_array:
    parts = [
        block.jacobian(np.concatenate([responses[name].plan[key] for key in block.variables]), 0.0)
        for name, block in system.blocks.items()
    ]
    return sparse.csr_array(sparse.block_diag(parts))


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
