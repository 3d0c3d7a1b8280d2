"""PATH through GAMSPy: what is said without it, and the translation, with another solver in PATH's place.

Where GAMSPy is installed and licensed the last test asks PATH itself.
"""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import ComplementarityProblem, Status, solve_lcp, solve_mcp
from bestresponse.complementarity.path import AffineProblem, linearised, load_gamspy, refused, solve_with_path
from bestresponse.errors import DataError, SolverError
from tests.bestresponse.complementarity.problems import INF, congested_roads, linear

has_gamspy = importlib.util.find_spec("gamspy") is not None


def ours(affine):
    """The affine problem by the interior point."""
    M = affine.M.tocsr()
    return solve_mcp(
        lambda x: M @ x + affine.q, lambda x: M, affine.lower, affine.upper, start=affine.start, tolerance=1e-11
    ).x


def test_importing_the_engine_imports_no_gamspy():
    code = "import sys, bestresponse.complementarity, bestresponse.complementarity.path; print('gamspy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_a_missing_package_is_named_with_the_way_to_install_it_and_the_limits_of_its_licence(monkeypatch):
    monkeypatch.setitem(sys.modules, "gamspy", None)  # as Python marks a module that cannot be imported
    with pytest.raises(SolverError, match=r"pip install 'bestresponse\[path\]'.*1000 rows and expires"):
        load_gamspy()
    with pytest.raises(SolverError, match="GAMSPy, which is not installed"):
        solve_with_path(linear(np.eye(1), [-1.0]))


def test_a_refusal_comes_with_gams_s_own_words_and_the_licence():
    def affine(n):
        return AffineProblem(sparse.coo_array((n, n)), np.zeros(n), np.zeros(n), np.ones(n), np.zeros(n))

    small = refused(affine(10), RuntimeError("no licence found"))
    assert "no licence found" in small
    assert "expires" in small
    assert "1000" not in small
    assert "limited to 1000 rows" in refused(affine(1001), RuntimeError("model exceeds the limits"))


def test_records_rebuild_the_problem():
    problem = congested_roads(n_paths=20, n_links=10, n_pairs=4, seed=0)
    x = np.random.default_rng(0).random(problem.size)
    affine = linearised(problem, x)
    n = problem.size
    M, q = np.zeros((n, n)), np.zeros(n)
    for i, j, value in affine.matrix_records():
        assert M[int(i), int(j)] == 0.0  # every place once: GAMS refuses duplicates
        M[int(i), int(j)] = value
    for i, value in affine.vector_records(affine.q):
        q[int(i)] = value
    assert affine.labels() == [str(i) for i in range(n)]
    assert pytest.approx(problem.jacobian(x, 0.0).toarray()) == M
    assert M @ x + q == pytest.approx(problem.value(x))
    assert dict(affine.vector_records(affine.upper))["0"] == INF


def test_an_affine_problem_takes_one_model():
    M, q = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]], [2, 2, -2, -6]
    result = solve_with_path(linear(M, q), solve_affine=ours)
    assert result.converged
    assert result.x == pytest.approx([2.8, 0, 0.8, 1.2], abs=1e-8)
    assert "1 linearised problems" in result.reason


def test_a_nonlinear_problem_takes_a_few_and_agrees_with_the_interior_point():
    problem = congested_roads(n_paths=60, n_links=20, n_pairs=6, seed=1)
    result = solve_with_path(problem, solve_affine=ours)
    assert result.converged, result.reason
    links = slice(60, 80)  # path flows are not unique
    assert result.x[links] == pytest.approx(solve_mcp(problem).x[links], abs=1e-6)


def test_not_converging_is_a_result():
    problem = ComplementarityProblem.of(lambda x: x**2 + 1.0, lambda x: np.diag(2 * x), [-INF], [INF])
    result = solve_with_path(problem, [3.0], max_steps=4, solve_affine=lambda affine: affine.start - 0.1)
    assert result.status is Status.NOT_SOLVED
    assert "4 linearised problems" in result.reason
    lost = solve_with_path(problem, [3.0], solve_affine=lambda affine: affine.start * np.nan)
    assert lost.status is Status.NOT_SOLVED
    assert lost.x == pytest.approx([3.0])


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="tolerance"):
        solve_with_path(linear(np.eye(1), [-1.0]), tolerance=0.0, solve_affine=ours)
    with pytest.raises(DataError, match="has shape"):
        solve_with_path(linear(np.eye(1), [-1.0]), np.zeros(2), solve_affine=ours)


@pytest.mark.skipif(not has_gamspy, reason="GAMSPy is not installed")
def test_path_itself_agrees_with_lemke():
    M, q = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]], [2, 2, -2, -6]
    assert solve_with_path(linear(M, q)).x == pytest.approx(solve_lcp(M, q, method="lemke").z, abs=1e-6)
