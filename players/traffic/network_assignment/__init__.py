"""Static traffic assignment on big networks, compiled: path-based and link-based algorithms, and their judge."""

from players.traffic.network_assignment.evaluate import Evaluation, evaluate
from players.traffic.network_assignment.problem import AssignmentProblem
from players.traffic.network_assignment.solve import ALGORITHMS, ITERATION_LIMIT, Assigned, assign, warm_up

__all__ = [
    "ALGORITHMS",
    "ITERATION_LIMIT",
    "Assigned",
    "AssignmentProblem",
    "Evaluation",
    "assign",
    "evaluate",
    "warm_up",
]
