"""Sensitivities in fewer dimensions are the same sensitivities."""

import numpy as np
import pytest

from bestresponse.schemes.lockstep import Lockstep


def in_lockstep(seed, symmetric, n=30, k=7):
    """A sensitivity of n goods in k groups, some of which do not move, and the number of groups."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(k, k))
    M = -root @ root.T + (0.0 if symmetric else 1.0) * (root - root.T)
    R = np.zeros((n, k))
    moving, group = rng.random(n) < 0.8, rng.integers(k, size=n)
    R[moving, group[moving]] = rng.choice([-1.0, 1.0], size=moving.sum())
    return R @ M @ R.T, int(R.any(axis=0).sum())


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_groups_are_found_and_products_are_those_of_the_matrix(seed, symmetric):
    S, groups = in_lockstep(seed, symmetric)
    found, v = Lockstep.of(S), np.random.default_rng(seed).normal(size=len(S))
    assert len(found.M) == groups
    assert found @ v == pytest.approx(S @ v, abs=1e-12)
    assert found.among(len(S), np.arange(len(S))) == pytest.approx(S, abs=1e-12)
    rho, whole = np.random.default_rng(seed + 1).uniform(0.1, 3.0, len(S)), 1.2
    expected = S @ np.linalg.inv(whole * np.eye(len(S)) + rho[:, None] * S)
    damped = found.damped(rho, whole)
    assert damped @ v == pytest.approx(expected @ v, rel=1e-9, abs=1e-9)
    at = np.random.default_rng(seed + 2).permutation(len(S) + 5)[: len(S)]
    among = np.zeros((len(S) + 5, len(S) + 5))
    among[np.ix_(at, at)] = expected
    assert damped.among(len(S) + 5, at) == pytest.approx(among, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "S",
    [
        np.zeros((0, 0)),
        np.zeros((3, 3)),
        -np.eye(4),
        -np.eye(1030),
        np.diag([-1e11, *-np.linspace(0.5, 1.5, 40)]),
        np.array([[-2.0, -1.0], [-3.0, -1.0]]),
        np.array([[-1.0, -1.0], [0.0, 0.0]]),  # only answers to itself and the other
        np.array([[-1.0, 0.0], [-1.0, 0.0]]),  # equal rows, other columns
        np.array([[-1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),  # one sign by row, another by column
    ],
    ids=[
        "no goods",
        "nothing moves",
        "each by itself",
        "many",
        "one of them huge",
        "no order",
        "one row",
        "one column",
        "signs differ",
    ],
)
def test_what_is_not_in_lockstep_stays_apart(S):
    found = Lockstep.of(S)
    assert found.among(len(S), np.arange(len(S))) == pytest.approx(S, abs=1e-15)
    for column in np.eye(len(S)):
        assert found @ column == pytest.approx(S @ column, abs=1e-15)
