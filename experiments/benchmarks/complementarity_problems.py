"""What the complementarity benchmark solves: a large spatial market, and quadratic programs over a real feeder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, Polyhedron
from bestresponse.typing import Vector
from experiments.benchmarks.quadratic import Quadratic
from networks.feeder import load_feeder
from players.distribution_operator import DistributionOperator
from players.grid_terms import ImportContract, VoltageLimits

CONTRACT = ImportContract(price_usd_per_kwh=0.06, p_max_kw=2500.0, q_min_kvar=-3000.0, q_max_kvar=3000.0)
VOLTAGES = VoltageLimits(source_pu=1.03, min_pu=0.95, max_pu=1.05)
RETAIL = 0.1  # [$/kWh] price of delivered energy
MONEY = 10.0  # [$/h] by which costs are divided
STIFFNESS = 1e-3  # [$/kWh/kW] slope of the price a bus pays for delivered power


def spatial_market(width: int, height: int, seed: int = 0) -> ComplementarityProblem:
    """Return a market on a torus of width × height places, 8 variables a place, everything but prices separable.

    flow:    cost (1 + 0.15 (f / capacity)⁴) + p_tail − p_head  ⊥  0 ≤ f ≤ limit      four arcs leave every place
    supply:  c₀ + c₁ s − p  ⊥  0 ≤ s ≤ limit                                           two suppliers, one with c₁ = 0
    demand:  p − (a − b d)  ⊥  d ≥ 0
    price:   supply + inflow − outflow − demand = 0  ⊥  p free
    """
    rng = np.random.default_rng(seed)
    n = width * height
    place = np.arange(n).reshape(height, width)
    tail = np.tile(np.arange(n), 4)
    head = np.concatenate([np.roll(place, shift, axis).ravel() for axis in (0, 1) for shift in (1, -1)])
    arcs, both = np.arange(4 * n), np.tile(np.arange(n), 2)
    into = sparse.csr_array((np.ones(4 * n), (head, arcs)), shape=(n, 4 * n))
    out = sparse.csr_array((np.ones(4 * n), (tail, arcs)), shape=(n, 4 * n))
    made = sparse.csr_array((np.ones(2 * n), (both, np.arange(2 * n))), shape=(n, 2 * n))
    balance = sparse.hstack([into - out, made, -sparse.eye_array(n)])  # what arrives at every place
    slope = np.concatenate([np.zeros(4 * n), 0.2 * rng.random(n), np.zeros(n), 0.5 + rng.random(n)])
    matrix = sparse.csc_array(
        sparse.block_array([[sparse.diags_array(slope), -balance.T], [balance, sparse.csr_array((n, n))]])
    )
    cost, capacity = 0.2 + rng.random(4 * n), 0.5 + rng.random(4 * n)
    constant = np.concatenate([cost, 2 + 3 * rng.random(2 * n), -(6 + 8 * rng.random(n)), np.zeros(n)])
    limit = np.concatenate([3 * capacity, 1 + 3 * rng.random(2 * n), np.full(n, np.inf)])
    flow = slice(0, 4 * n)
    pattern = sparse.csc_array(matrix + sparse.diags_array(np.append(np.full(4 * n, 1e-300), np.zeros(4 * n))))
    column = np.repeat(np.arange(8 * n), np.diff(pattern.indptr))
    own = np.flatnonzero((pattern.indices == column) & (column < 4 * n))

    def function(x: Vector, smoothing: float) -> Vector:
        F = matrix @ x + constant
        F[flow] += 0.15 * cost * (x[flow] / capacity) ** 4
        return F

    def jacobian(x: Vector, smoothing: float) -> sparse.csc_array:
        J = pattern.copy()
        J.data[own] = 0.6 * cost * (x[flow] / capacity) ** 3 / capacity
        return J

    return ComplementarityProblem(
        lower=np.concatenate([np.zeros(7 * n), np.full(n, -np.inf)]),
        upper=np.append(limit, np.full(n, np.inf)),
        function=function,
        jacobian=jacobian,
        names=lambda i: f"row {i}",
        separable=np.arange(8 * n) < 7 * n,
    )


def feeder_program(*, rated: bool, seed: int = 0) -> Quadratic:
    """Return the distribution operator's program on the IEEE 123-bus feeder, every load with a falling demand curve.

    `rated` keeps the lines' ratings, 12 linear rows each; without them no row is an inequality, only bounds are. The
    source voltage and the reactive power on lines to buses with a given load and no lines behind them are data.
    """
    feeder = load_feeder("ieee123")
    if not rated:
        feeder = replace(feeder, rate_kva=np.full(feeder.n_lines, np.inf))
    loaded = np.flatnonzero(feeder.p_kw > 0)
    operator = DistributionOperator(
        feeder, [feeder.buses[i] for i in loaded], CONTRACT, VOLTAGES, np.where(feeder.cap_kvar > 0, 100.0, 0.0)
    )
    program = operator.program
    wanted = feeder.p_kw[loaded] * np.random.default_rng(seed).uniform(0.8, 1.6, len(loaded))
    weight = np.append(np.full(len(loaded), STIFFNESS), 0.0)  # per trade; the last one is the import
    target = np.append(-wanted, 0.0)  # what is delivered counts as given away
    price = np.append(np.full(len(loaded), RETAIL), 0.0)
    S = sparse.diags_array(program.scale)
    rows_A, rows_G = program.row_scale
    whole = Quadratic(
        P=sparse.csr_array(S @ program.curvature(weight) @ S / MONEY),
        c=program.scale * (program.q + program.trade.T @ (price - weight * target)) / MONEY,
        polyhedron=Polyhedron.of(
            A=sparse.diags_array(1.0 / rows_A) @ program.A @ S,
            b=program.b / rows_A,
            G=sparse.diags_array(1.0 / rows_G) @ program.G @ S,
            h=program.h / rows_G,
            lower=program.lower / program.scale,
            upper=program.upper / program.scale,
        ),
    )
    return whole.without_known_variables()
