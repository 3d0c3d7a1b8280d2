"""Static traffic assignment on big networks, compiled: path-based and link-based algorithms, and their judge."""

from players.traffic.network_assignment.evaluate import Evaluation, evaluate
from players.traffic.network_assignment.principles import (
    PRINCIPLES,
    SYSTEM_OPTIMUM,
    USER_EQUILIBRIUM,
    evaluate_by,
    heeded,
)
from players.traffic.network_assignment.problem import AssignmentProblem
from players.traffic.network_assignment.solve import ALGORITHMS, ITERATION_LIMIT, Assigned, assign, warm_up

__all__ = [
    "ALGORITHMS",
    "ITERATION_LIMIT",
    "PRINCIPLES",
    "SYSTEM_OPTIMUM",
    "USER_EQUILIBRIUM",
    "Assigned",
    "AssignmentProblem",
    "Evaluation",
    "assign",
    "evaluate",
    "evaluate_by",
    "heeded",
    "warm_up",
]
