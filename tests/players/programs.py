"""Programs to test the solvers with, and the optimality conditions written out once more."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bestresponse.market import MONEY_SCALE
from players.canonical import CanonicalProgram

N = 12

KINDS = {
    "a vertex in general position": {},
    "a linear program": {"rank": 0},
    "a singular Hessian": {"rank": 4},
    "fixed variables": {"rank": 4, "fixed": 4},
    "nothing but fixed variables": {"fixed": N},
    "redundant rows": {"rank": 6, "redundant": True},
    "many rows through one point": {"rank": 4, "tight": 1.0, "whole_numbers": True},
    "no rows": {"rank": 6, "n_equalities": 0, "n_inequalities": 0},
    "no bounds": {"bounded": False},
}


def random_program(
    seed: int,
    rank: int = N,  # of the Hessian
    fixed: int = 0,  # variables with equal bounds
    redundant: bool = False,
    tight: float = 0.5,  # share of inequalities that the known feasible point meets with equality
    whole_numbers: bool = False,  # small integers: rows that depend on one another, ties
    n_equalities: int = 3,
    n_inequalities: int = 6,
    bounded: bool = True,
) -> tuple[CanonicalProgram, np.ndarray]:
    """Return a program and a point of its set."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.integers(-2, 3, shape).astype(float) if whole_numbers else rng.normal(size=shape)

    point, root = draw(N), draw(rank, N)
    A, G = draw(n_equalities, N), draw(n_inequalities, N)
    if redundant:
        A[-1], G[-1] = A[0] - A[1], 2 * G[0]
    slack = np.where(rng.random(n_inequalities) < tight, 0.0, rng.random(n_inequalities))
    if redundant:
        slack[-1] = 2 * slack[0]
    at_bound = rng.random((2, N)) < 0.3
    low, high = np.where(at_bound, point, point + np.array([[-1.0], [1.0]]) * rng.random((2, N)))
    held = rng.choice(N, fixed, replace=False)
    low[held] = high[held] = point[held]
    if not bounded:
        low, high = np.full(N, -np.inf), np.full(N, np.inf)
    program = CanonicalProgram(
        variables={"x": slice(0, N)},
        equalities={"equal": slice(0, n_equalities)},
        inequalities={"at most": slice(0, n_inequalities)},
        P=sparse.csr_array(root.T @ root),
        q=np.zeros(N),
        constant=0.0,
        A=sparse.csr_array(A),
        b=A @ point,
        G=sparse.csr_array(G),
        h=G @ point + slack,
        lower=low,
        upper=high,
        trade=sparse.csr_array(np.eye(3, N)),
        trade_offset=np.zeros(3),
        scale=rng.uniform(0.5, 2.0, N),
    )
    program.P.eliminate_zeros()
    return program, point


def optimality_error(program, H, c, solution) -> float:
    """The largest error in stationarity, rows, bounds, signs and complementary slackness, in scaled units."""
    s = program.scale
    rows_equal, rows_at_most = program.row_scale
    x = solution.x / s
    slope = s * (H @ solution.x + c + program.A.T @ solution.y + program.G.T @ solution.z) / MONEY_SCALE
    room = (program.h - program.G @ solution.x) / rows_at_most
    parts = [
        x - np.clip(x - slope, program.lower / s, program.upper / s),
        (program.A @ solution.x - program.b) / rows_equal,
        np.minimum(room, solution.z * rows_at_most / MONEY_SCALE),
    ]
    return float(np.max(np.abs(np.concatenate(parts))))
