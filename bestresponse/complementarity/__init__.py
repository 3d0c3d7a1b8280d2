"""Mixed complementarity problems: the engine under the monolith."""

from bestresponse.complementarity.problem import ComplementarityProblem, natural_residual, worst_rows
from bestresponse.complementarity.result import MCPResult, Status
from bestresponse.complementarity.solve import solve_mcp

__all__ = [
    "ComplementarityProblem",
    "MCPResult",
    "Status",
    "natural_residual",
    "solve_mcp",
    "worst_rows",
]
