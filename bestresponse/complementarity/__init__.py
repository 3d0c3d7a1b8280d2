"""Complementarity problems and variational inequalities: the engine under the monolith, usable on its own.

| problem                                                     | call                                            |
|-------------------------------------------------------------|-------------------------------------------------|
| l ≤ x ≤ u, F(x) ≥ 0 at l, ≤ 0 at u, = 0 in between          | solve_mcp(F, J, lower, upper)                   |
| z ≥ 0, M z + q ≥ 0, z'(M z + q) = 0                         | solve_lcp(M, q)                                 |
| x in K: F(x)'(y − x) ≥ 0 for all y in K, a polyhedron       | solve_vi(F, J, A, b, G, h, lower, upper)        |
| the same, with F and a projection onto K, no Jacobian       | extragradient, adaptive_golden_ratio,           |
|                                                             | projected_gradient                              |
| any of the first three, by PATH where GAMSPy is installed   | path.solve_with_path(problem)                   |
"""

from bestresponse.complementarity.lcp import LCPResult, LCPStatus, solve_lcp
from bestresponse.complementarity.polyhedron import Polyhedron
from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual, worst_rows
from bestresponse.complementarity.projection import box_projection, polyhedron_projection, vi_residual
from bestresponse.complementarity.projection_methods import adaptive_golden_ratio, extragradient, projected_gradient
from bestresponse.complementarity.projection_run import Limits, ProjectionResult, ProjectionStatus
from bestresponse.complementarity.result import MCPResult, Status
from bestresponse.complementarity.solve import solve_mcp
from bestresponse.complementarity.variational import VIResult, solve_vi

__all__ = [
    "ComplementarityProblem",
    "LCPResult",
    "LCPStatus",
    "Limits",
    "MCPResult",
    "Polyhedron",
    "ProjectionResult",
    "ProjectionStatus",
    "Status",
    "VIResult",
    "adaptive_golden_ratio",
    "box_projection",
    "extragradient",
    "natural_residual",
    "polyhedron_projection",
    "projected_gradient",
    "solve_lcp",
    "solve_mcp",
    "solve_vi",
    "vi_residual",
    "worst_rows",
]
