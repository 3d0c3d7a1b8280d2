"""Problems for the tests: linear and quadratic programs, random monotone systems, a road with a grid attached."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from bestresponse.complementarity.problem import ComplementarityProblem

INF = np.inf


def linear(M, q, lower=None, upper=None, names=None) -> ComplementarityProblem:
    """l ≤ x ≤ u ⊥ M x + q, l = 0 and u = ∞ if not given."""
    matrix, q = sparse.csc_array(np.asarray(M, dtype=float)), np.asarray(q, dtype=float)
    n = len(q)
    return ComplementarityProblem(
        np.zeros(n) if lower is None else np.asarray(lower, dtype=float),
        np.full(n, INF) if upper is None else np.asarray(upper, dtype=float),
        lambda x, smoothing: matrix @ x + q,
        lambda x, smoothing: matrix,
        names or [f"x{i}" for i in range(n)],
    )


@dataclass(frozen=True)
class Program:
    """min Σ quartic x⁴/4 + ½ x'Qx + c'x subject to A x = b, G x ≤ h, lower ≤ x ≤ upper."""

    Q: sparse.csc_array
    quartic: np.ndarray
    c: np.ndarray
    A: sparse.csr_array
    b: np.ndarray
    G: sparse.csr_array
    h: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    solution: np.ndarray  # (x, y, z): optimal, not necessarily the only one

    def cost(self, x):
        return float(np.sum(self.quartic * x**4) / 4 + 0.5 * x @ (self.Q @ x) + self.c @ x)

    def problem(self) -> ComplementarityProblem:
        """Its first-order conditions, the multipliers of G marked separable."""
        n, n_eq, n_in = len(self.c), len(self.b), len(self.h)
        skew = sparse.block_array([[self.Q, self.A.T, self.G.T], [-self.A, None, None], [-self.G, None, None]]).tocoo()
        size = n + n_eq + n_in
        rows, cols = (np.append(index, np.arange(size)) for index in skew.coords)
        matrix = sparse.csc_array((np.append(skew.data, np.zeros(size)), (rows, cols)), shape=(size, size))
        matrix.sum_duplicates()
        diagonal = np.flatnonzero(matrix.indices == np.repeat(np.arange(size), np.diff(matrix.indptr)))
        q = np.concatenate([self.c, self.b, self.h])
        quartic = np.append(self.quartic, np.zeros(n_eq + n_in))

        def jacobian(x, smoothing):
            J = matrix.copy()
            J.data[diagonal] += 3 * quartic * x**2
            return J

        return ComplementarityProblem(
            np.concatenate([self.lower, np.full(n_eq, -INF), np.zeros(n_in)]),
            np.concatenate([self.upper, np.full(n_eq + n_in, INF)]),
            lambda x, smoothing: matrix @ x + quartic * x**3 + q,
            jacobian,
            lambda i: f"x{i}" if i < n else f"equation{i - n}" if i < n + n_eq else f"row{i - n - n_eq}",
            np.arange(size) >= n + n_eq,
        )


def random_program(size: int, seed: int, *, degenerate: float = 0.05, linear_share: float = 0.0) -> Program:
    """A convex program built around a known solution, with redundant equations and free variables.

    `degenerate` is the share of bounds and rows that are met with a zero multiplier; `linear_share` of the variables
    have no curvature.
    """
    rng = np.random.default_rng(seed)
    n, n_eq = int(0.6 * size), max(4, int(0.15 * size))
    n_in = size - n - n_eq
    A = _local_rows(rng, n_eq - 2, n)
    A = sparse.csr_array(sparse.vstack([A, 2.0 * A[:1], A[:1] - A[1:2]]))
    G = _local_rows(rng, n_in, n)
    curved = rng.random(n) >= linear_share
    B = _local_rows(rng, n // 2, n) @ sparse.diags_array(curved.astype(float))
    quartic = np.where(curved, rng.random(n), 0.0)

    bounded = (rng.random(n) < 0.85) | ~curved
    lower = np.where(bounded, 0.0, -INF)
    upper = np.where(rng.random(n) < 0.4, 0.5 + 3 * rng.random(n), INF)
    x = np.where(np.isfinite(upper), upper * rng.uniform(0.1, 0.9, n), 2 * rng.random(n))
    gradient = np.zeros(n)
    where = rng.random(n)
    at_lower, at_upper = bounded & (where < 0.35), np.isfinite(upper) & (where > 0.85)
    x[at_lower], x[at_upper] = 0.0, upper[at_upper]
    strict = rng.random(n) >= degenerate
    gradient[at_lower & strict] = rng.uniform(0.0, 1.0, n)[at_lower & strict]
    gradient[at_upper & strict] = -rng.uniform(0.0, 1.0, n)[at_upper & strict]

    active = rng.random(n_in) < 0.5
    z = np.where(active & (rng.random(n_in) >= degenerate), rng.random(n_in), 0.0)
    y = rng.standard_normal(n_eq)
    Q = sparse.csc_array(B.T @ B)
    c = gradient - (quartic * x**3 + Q @ x + A.T @ y + G.T @ z)
    h = G @ x + np.where(active, 0.0, rng.random(n_in))
    return Program(Q, quartic, c, A, A @ x, G, h, lower, upper, np.concatenate([x, y, z]))


def random_monotone(size: int, seed: int, **shares: float) -> ComplementarityProblem:
    """A random program's conditions with a skew term S (x − x*) added: monotone, but no program's any more.

    x* is the program's known solution, where the term vanishes: it solves this problem too.
    """
    program = random_program(size, seed, **shares)
    problem, n = program.problem(), len(program.c)
    half = _local_rows(np.random.default_rng(seed), n, n, entries=2)
    skew = sparse.csc_array(half - half.T)
    skew.resize((size, size))
    return replace(
        problem,
        function=lambda x, smoothing: problem.function(x, smoothing) + skew @ (x - program.solution),
        jacobian=lambda x, smoothing: sparse.csc_array(problem.jacobian(x, smoothing) + skew),
    )


def _local_rows(rng, m: int, n: int, entries: int = 4) -> sparse.csr_array:
    """Rows with a few random entries near their place, a few far away."""
    rows = np.repeat(np.arange(m), entries)
    cols = (rows * n // max(m, 1) + np.rint(5 * rng.standard_normal(len(rows))).astype(int)) % n
    far = rng.random(len(rows)) < 0.03
    cols[far] = rng.integers(0, n, far.sum())
    matrix = sparse.csr_array((rng.standard_normal(len(rows)), (rows, cols)), shape=(m, n))
    matrix.sum_duplicates()
    return matrix


def congested_roads(n_paths: int, n_links: int, n_pairs: int, seed: int) -> ComplementarityProblem:
    """Wardrop's conditions with link flows v and their multipliers t as variables, path flows f marked separable.

    C_p = Σ t over the links of p;  0 ≤ f ⊥ C_p − μ_od;  t = time(v);  v = Σ f;  Σ f = demand. Time rises with v⁴.
    """
    rng = np.random.default_rng(seed)
    links = np.array([rng.choice(n_links, 9, replace=False) for _ in range(n_paths)])
    path = np.repeat(np.arange(n_paths), 9)
    uses = sparse.csr_array((np.ones(len(path)), (links.ravel(), path)), shape=(n_links, n_paths))
    pair = np.arange(n_paths) % n_pairs
    member = sparse.csr_array((np.ones(n_paths), (pair, np.arange(n_paths))), shape=(n_pairs, n_paths))
    free_time, capacity = 0.5 + rng.random(n_links), 2.0 + 3.0 * rng.random(n_links)
    demand = 1.0 + rng.random(n_pairs)
    eye = sparse.eye_array(n_links)
    zero = sparse.csr_array((n_paths, n_paths))
    M = sparse.csc_array(
        sparse.block_array(
            [
                [zero, None, uses.T, -member.T],  # f
                [None, eye, -eye, None],  # v: time(v) − t, the identity standing for the derivative of time
                [-uses, eye, None, None],  # t: v − Σ f
                [member, None, None, None],  # μ: Σ f − demand
            ]
        )
    )
    v = np.arange(n_paths, n_paths + n_links)
    own = np.flatnonzero((M.indices == np.repeat(np.arange(M.shape[0]), np.diff(M.indptr))) & np.isin(M.indices, v))

    def function(x, smoothing):
        F = M @ x
        F[v] += free_time * (1 + 0.15 * (x[v] / capacity) ** 4) - x[v]
        F[-n_pairs:] -= demand
        return F

    def jacobian(x, smoothing):
        J = M.copy()
        J.data[own] = 0.6 * free_time * x[v] ** 3 / capacity**4
        return J

    size = M.shape[0]
    is_path, is_flow = np.arange(size) < n_paths, np.arange(size) < n_paths + n_links
    return ComplementarityProblem(
        np.where(is_flow, 0.0, -INF), np.full(size, INF), function, jacobian, lambda i: f"row {i}", is_path
    )
