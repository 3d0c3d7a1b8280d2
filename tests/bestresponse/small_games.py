"""Games for the tests: equal firms, a shared budget, random quadratic players."""

import numpy as np

from bestresponse.games import (
    CournotCost,
    Game,
    Layout,
    LinearDemand,
    ProductionCost,
    QuadraticCost,
    Rows,
    SmoothPlayer,
)

INF = np.inf


def cournot(n, *, upper=INF, shared=None, player=SmoothPlayer):
    """n equal firms, price 13 − Q, unit cost 1: everybody sells 12 / (n + 1)."""
    layout = Layout({f"firm {i + 1}": 1 for i in range(n)})
    rows = shared or Rows.none(n)
    nothing, one = np.zeros(1), np.ones(1)
    production = ProductionCost(one, nothing, np.full(1, np.nan), one, nothing)
    players = [
        player(name, layout, CournotCost(at, LinearDemand(13, 1), production), nothing, one * upper, Rows.none(n), rows)
        for name, at in layout.places.items()
    ]
    return Game(tuple(players), rows)


def budget_game():
    """(x − 1)² and (y − ½)² with x + y ≤ 1."""
    layout, shared = Layout({"a": 1, "b": 1}), Rows(np.ones((1, 2)), np.ones(1), ("budget",))
    free = np.full(1, INF)
    players = [
        SmoothPlayer(
            name,
            layout,
            QuadraticCost(at, np.array([[2.0]]), np.zeros((1, 1)), np.array([b])),
            -free,
            free,
            Rows.none(2),
            shared,
        )
        for (name, at), b in zip(layout.places.items(), (-2.0, -1.0), strict=True)
    ]
    return Game(tuple(players), shared)


def random_game(seed, sizes=(2, 3, 2), shared_rows=1):
    """A strongly monotone quadratic game with own rows, shared rows and bounds."""
    rng = np.random.default_rng(seed)
    layout = Layout({f"player {i + 1}": size for i, size in enumerate(sizes)})
    n = layout.size
    M = rng.normal(size=(n, n))
    M = 0.3 * (M - M.T) + M @ M.T / n + 2 * np.eye(n)
    G = rng.normal(size=(shared_rows, n))
    shared = Rows(G, 0.1 * np.abs(rng.normal(size=shared_rows)))
    players = []
    for name, at in layout.places.items():
        size = at.stop - at.start
        block = 0.5 * (M[at, at] + M[at, at].T)
        others = np.delete(M[at], np.arange(at.start, at.stop), axis=1)
        cost = QuadraticCost(at, block, others, rng.normal(size=size) * 2)
        own = np.zeros((1, n))
        own[0, at] = 1.0
        rows = Rows(own, np.array([0.5]))
        players.append(SmoothPlayer(name, layout, cost, np.full(size, -1.0), np.full(size, 2.0), rows, shared))
    return Game(tuple(players), shared)
