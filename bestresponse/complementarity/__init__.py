"""Complementarity problems and variational inequalities: the engine under the monolith, usable on its own."""

from bestresponse.complementarity.lcp import LCPResult, LCPStatus, solve_lcp
from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual, worst_rows
from bestresponse.complementarity.result import MCPResult, Status
from bestresponse.complementarity.solve import solve_mcp

__all__ = [
    "ComplementarityProblem",
    "LCPResult",
    "LCPStatus",
    "MCPResult",
    "Status",
    "natural_residual",
    "solve_lcp",
    "solve_mcp",
    "worst_rows",
]
