"""Complementarity problems of the catalogue, built from their data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bestresponse.complementarity import solve_mcp
from bestresponse.typing import Vector
from experiments.catalogue.map_model import TOLERANCE, MapModel
from experiments.catalogue.models import Derived, named
from experiments.catalogue.schema import (
    BimatrixData,
    ExchangeEconomyData,
    LinearComplementarityData,
    PathTrafficData,
    PolynomialData,
    SpatialData,
    TransportData,
    vector,
)


def linear(data: LinearComplementarityData) -> MapModel:
    """Return l ≤ x ≤ u ⊥ M x + q."""
    M, q = np.array(data.M), np.array(data.q)
    n = len(q)
    return _linear_model(
        M,
        q,
        (vector(data.lower, n, 0.0), vector(data.upper, n, np.inf)),
        tuple(f"x{i + 1}" for i in range(n)),
        lambda x: Derived(multipliers=named(complement=M @ x + q)),
        n,
        data.step,
    )


def polynomial(data: PolynomialData) -> MapModel:
    """Return l ≤ x ≤ u ⊥ F(x) with polynomial F."""
    terms = [(np.array([t[0] for t in row]), np.array([t[1:] for t in row])) for row in data.F]
    n = len(terms)

    def function(x: Vector) -> Vector:
        return np.array([coefficients @ np.prod(x**powers, axis=1) for coefficients, powers in terms])

    def jacobian(x: Vector) -> Vector:
        J = np.zeros((n, n))
        for i, (coefficients, powers) in enumerate(terms):
            for j in range(n):
                lowered = powers.copy()
                lowered[:, j] = np.maximum(powers[:, j] - 1.0, 0.0)
                J[i, j] = (coefficients * powers[:, j]) @ np.prod(x**lowered, axis=1)
        return J

    return MapModel(
        vector(data.lower, n, 0.0),
        vector(data.upper, n, np.inf),
        function,
        jacobian,
        tuple(f"x{i + 1}" for i in range(n)),
        lambda x: Derived(multipliers=named(complement=function(x))),
        n,
        None if data.start is None else np.array(data.start),
    )


def economy(data: ExchangeEconomyData) -> MapModel:
    """Return prices p ≥ 0 ⊥ −excess demand, the numeraire's price being 1.

    Consumer i spends its income p·eᵢ on wants aᵢ in fixed proportions: demand aᵢ (p·eᵢ) / (p·aᵢ).
    """
    wants, owned = np.array(data.wants), np.array(data.endowments)
    n = wants.shape[1]
    lower, upper = np.zeros(n), np.full(n, np.inf)
    lower[data.numeraire - 1] = upper[data.numeraire - 1] = 1.0

    def function(p: Vector) -> Vector:
        return owned.sum(axis=0) - wants.T @ ((owned @ p) / (wants @ p))

    def jacobian(p: Vector) -> Vector:
        income, spent = owned @ p, wants @ p
        change = owned / spent[:, None] - wants * (income / spent**2)[:, None]
        return -wants.T @ change

    def derive(p: Vector) -> Derived:
        return Derived(prices=named(goods=p), quantities=named(bundles=(owned @ p) / (wants @ p)))

    names = tuple(f"price of good {g + 1}" for g in range(n))
    return MapModel(lower, upper, function, jacobian, names, derive, n, np.linspace(0.5, 2.0, n))


def spatial(data: SpatialData) -> MapModel:
    """Return shipments ≥ 0 ⊥ supply price + transport cost − demand price."""
    c = np.array(data.transport_intercept)
    m, k = c.shape
    out, into = np.kron(np.eye(m), np.ones(k)), np.kron(np.ones(m), np.eye(k))  # (m, mk), (k, mk)
    supply, demand = np.array(data.supply_slope), np.array(data.demand_slope)
    M = out.T @ supply @ out + into.T @ demand @ into
    if data.transport_slope is not None:
        M = M + np.array(data.transport_slope)
    at_supply, at_demand = np.array(data.supply_intercept), np.array(data.demand_intercept)
    q = out.T @ at_supply + c.ravel() - into.T @ at_demand

    def derive(x: Vector) -> Derived:
        prices = named(supply=at_supply + supply @ out @ x, demand=at_demand - demand @ into @ x)
        return Derived(prices, quantities=named(supplied=out @ x, demanded=into @ x))

    names = tuple(f"shipment {i + 1}-{j + 1}" for i in range(m) for j in range(k))
    return _linear_model(M, q, (np.zeros(m * k), np.full(m * k, np.inf)), names, derive, m * k)


def transport(data: TransportData) -> MapModel:
    """Return shipments, supply prices and demand prices of the cheapest transport."""
    c = np.array(data.cost)
    m, k = c.shape
    out, into = np.kron(np.eye(m), np.ones(k)), np.kron(np.ones(m), np.eye(k))
    zero = np.zeros((m + k, m + k))
    M = np.block([[np.zeros((m * k, m * k)), out.T, -into.T], [np.vstack([-out, into]), zero]])
    q = np.concatenate([c.ravel(), data.supply, -np.array(data.demand)])
    n = len(q)

    def derive(w: Vector) -> Derived:
        prices = named(supply=w[m * k : m * k + m], demand=w[m * k + m :])
        return Derived(prices, quantities=named(cost=c.ravel() @ w[: m * k]))

    names = [f"shipment {i + 1}-{j + 1}" for i in range(m) for j in range(k)]
    names += [f"supply price {i + 1}" for i in range(m)] + [f"demand price {j + 1}" for j in range(k)]
    return _linear_model(M, q, (np.zeros(n), np.full(n, np.inf)), tuple(names), derive, m * k)


def bimatrix(data: BimatrixData) -> MapModel:
    """Return mixed strategies x, y and the players' values: v − A y ⊥ x ≥ 0, w − B'x ⊥ y ≥ 0, Σx = Σy = 1."""
    A, B = np.array(data.A), np.array(data.B)
    m, k = A.shape
    M = np.zeros((m + k + 2, m + k + 2))
    M[:m, m : m + k], M[:m, -2] = -A, 1.0
    M[m : m + k, :m], M[m : m + k, -1] = -B.T, 1.0
    M[-2, :m], M[-1, m : m + k] = -1.0, -1.0
    q = np.concatenate([np.zeros(m + k), [1.0, 1.0]])
    lower = np.append(np.zeros(m + k), [-np.inf, -np.inf])

    def derive(w: Vector) -> Derived:
        return Derived(quantities=named(values=w[-2:]))

    names = [f"x{i + 1}" for i in range(m)] + [f"y{j + 1}" for j in range(k)] + ["value of x", "value of y"]
    start = np.concatenate([np.full(m, 0.9 / m), np.full(k, 1.1 / k), [0.1, 0.1]])
    return _linear_model(M, q, (lower, np.full(len(q), np.inf)), tuple(names), derive, m + k, start=start)


def traffic(data: PathTrafficData) -> MapModel:
    """Return path flows f ≥ 0 ⊥ cost − μ and cheapest costs μ with Σ f = demand, by pair."""
    constant, slope = np.array(data.constant), np.array(data.slope)
    power, demand = vector(data.power, len(constant), 1.0), np.array(data.demand)
    uses = np.array([[float(link + 1 in path) for path in data.paths] for link in range(len(constant))])
    member = np.array([[float(pair == o + 1) for pair in data.pair] for o in range(len(demand))])
    n, k = len(data.paths), len(demand)

    def build(times: Callable[[Vector], Vector], slopes: Callable[[Vector], Vector]) -> MapModel:
        def function(w: Vector) -> Vector:
            f, mu = w[:n], w[n:]
            return np.concatenate([uses.T @ times(uses @ f) - member.T @ mu, member @ f - demand])

        def jacobian(w: Vector) -> Vector:
            own = uses.T @ (slopes(uses @ w[:n])[:, None] * uses)
            return np.block([[own, -member.T], [member, np.zeros((k, k))]])

        def derive(w: Vector) -> Derived:
            v = uses @ w[:n]
            total = v @ (constant + slope * v**power)
            return Derived(multipliers=named(path_cost=w[n:]), quantities=named(link_flow=v, total_cost=total))

        lower = np.append(np.zeros(n), np.full(k, -np.inf))
        names = tuple([f"path {p + 1}" for p in range(n)] + [f"cost of pair {o + 1}" for o in range(k)])
        share = member.T @ (demand / member.sum(axis=1))
        first = np.concatenate([share, np.zeros(k)])
        return MapModel(lower, np.full(n + k, np.inf), function, jacobian, names, derive, n, first)

    def time(v: Vector) -> Vector:
        return constant + slope * v**power

    def time_slope(v: Vector) -> Vector:
        return slope * power * v ** (power - 1.0)

    optimum = build(lambda v: constant + (power + 1.0) * slope * v**power, lambda v: (power + 1.0) * time_slope(v))
    model = build(time, time_slope)

    def derive(w: Vector) -> Derived:
        own = model.derive(w)
        best = solve_mcp(optimum.problem, optimum.start, TOLERANCE).x
        least = optimum.derive(best).quantities
        extra = {"optimal_path_flow": tuple(best[:n].tolist()), "least_total_cost": least["total_cost"]}
        return Derived(own.prices, own.multipliers, {**own.quantities, **extra})

    return MapModel(model.lower, model.upper, model.function, model.jacobian, model.names, derive, n, model.start)


def _linear_model(
    M: Vector,
    q: Vector,
    bounds: tuple[Vector, Vector],
    names: tuple[str, ...],
    derive: Callable[[Vector], Derived],
    n_answer: int,
    step: float | None = None,
    start: Vector | None = None,
) -> MapModel:
    return MapModel(*bounds, lambda x: M @ x + q, lambda x: M, names, derive, n_answer, start, step)
