"""The complementarity benchmark: its problems are what they are said to be, and it runs."""

import json

import numpy as np
import pytest
from scipy import sparse

from bestresponse.complementarity import Polyhedron, natural_residual, solve_mcp
from bestresponse.errors import FormulationError
from experiments.benchmarks import complementarity as benchmark
from experiments.benchmarks import siconos_adapter
from experiments.benchmarks.complementarity_problems import feeder_program, spatial_market
from experiments.benchmarks.complementarity_solvers import absent, clarabel_on, siconos
from experiments.benchmarks.quadratic import Quadratic
from tests.bestresponse.complementarity.problems import linear


def test_the_spatial_market_is_monotone_with_the_jacobian_it_says_and_clears():
    problem = spatial_market(4, 3)
    result = solve_mcp(problem, check_jacobian=True)
    assert result.converged, result.reason
    n = 12
    J = problem.jacobian(result.x, 0.0).toarray()
    assert np.linalg.eigvalsh(J + J.T).min() >= -1e-12
    flow, price = result.x[: 4 * n], result.x[7 * n :]
    assert problem.value(result.x)[7 * n :] == pytest.approx(np.zeros(n), abs=1e-9)
    assert flow.max() > 0.1  # there is trade
    assert price.min() > 0


@pytest.mark.parametrize("rated", [False, True])
def test_the_feeder_program_has_one_answer_for_two_solvers(rated):
    program = feeder_program(rated=rated)
    result = solve_mcp(program.conditions())
    other = clarabel_on(program)().x
    x, y = result.x[: len(program.c)], other[: len(program.c)]
    cost = [0.5 * point @ (program.P @ point) + program.c @ point for point in (x, y)]
    assert result.converged, result.reason
    assert cost[0] == pytest.approx(cost[1], rel=1e-7)
    assert program.rows == (2145 if rated else 741)  # GAMSPy's licence: at most 1000


def test_what_is_known_leaves_a_program_and_its_answer_stays():
    rng = np.random.default_rng(5)
    n = 12
    root = rng.standard_normal((n, n))
    A = np.vstack([np.eye(n)[3] * 2.0, rng.standard_normal((3, n))])  # 2 x₃ = 1
    point = rng.random(n)
    point[3], point[7] = 0.5, 0.25
    G = np.vstack([np.eye(n)[7], np.eye(n)[3] + np.eye(n)[1]])  # the first one says nothing once x₇ is known
    lower, upper = np.full(n, -1.0), np.full(n, 2.0)
    lower[7] = upper[7] = 0.25
    K = Polyhedron.of(A=A, b=A @ point, G=G, h=G @ point + 0.1, lower=lower, upper=upper)
    program = Quadratic(sparse.csr_array(root @ root.T), rng.standard_normal(n), K)
    smaller = program.without_known_variables()
    assert smaller.rows == (n - 2) + 3 + 1
    left = np.setdiff1d(np.arange(n), [3, 7])
    whole = solve_mcp(program.conditions())
    assert solve_mcp(smaller.conditions()).x[: n - 2] == pytest.approx(whole.x[left], abs=1e-8)
    assert whole.x[[3, 7]] == pytest.approx([0.5, 0.25])


def test_the_benchmark_prints_and_writes_every_repetition(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "MARKET", (5, 4))
    monkeypatch.setattr(siconos_adapter, "is_installed", lambda: False)  # it takes seconds
    assert benchmark.main(["--repeat", "2", "--json", str(tmp_path / "times.json")]) == 0
    printed = capsys.readouterr().out
    data = json.loads((tmp_path / "times.json").read_text())
    assert len(data["measurements"]) >= 6
    for measurement in data["measurements"]:
        assert len(measurement["seconds"]) == 2
        assert measurement["residual"] <= 1e-5
        assert measurement["solver"] in printed
    assert "Siconos: not installed, /usr/bin/python3 cannot import it" in printed


def test_bad_arguments_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["--repeat", "0"])
    assert benchmark.main(["--json", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err


def test_siconos_is_told_the_same_problem():
    problem = feeder_program(rated=False).conditions()
    stated = siconos_adapter.Stated.of(problem)
    k = len(stated.q)
    lower = np.where(np.arange(k) < stated.n_free, -np.inf, 0.0)
    y = solve_mcp(lambda y: stated.M @ y + stated.q, lambda y: stated.M, lower, np.full(k, np.inf)).x
    assert natural_residual(problem, stated.back(y)) <= 1e-9
    with pytest.raises(FormulationError, match="x0 has an upper bound only"):
        siconos_adapter.Stated.of(linear([[1.0]], [-1.0], [-np.inf], [1.0]))


def test_without_the_python_that_has_it_siconos_is_not_installed(monkeypatch):
    monkeypatch.setattr(siconos_adapter, "PYTHON", "/nowhere/python3")
    siconos_adapter.is_installed.cache_clear()
    assert not siconos_adapter.is_installed()
    assert "Siconos: not installed, /nowhere/python3 cannot import it" in absent()[1]
    siconos_adapter.is_installed.cache_clear()


@pytest.mark.skipif(not siconos_adapter.is_installed(), reason="Siconos is not installed")
def test_siconos_itself_solves_a_box():
    lower, upper = [-np.inf, 0.0, 1.0], [np.inf, 2.0, 3.0]
    problem = linear(np.diag([2.0, 1.0, 4.0]), [-2.0, -5.0, 3.0], lower, upper)
    answer = siconos(problem)
    assert answer.x == pytest.approx([1.0, 2.0, 1.0], abs=1e-8)
    assert answer.seconds is not None
