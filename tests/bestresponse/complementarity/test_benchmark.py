"""The complementarity benchmark: its problems are what they are said to be, and it runs."""

import json

import numpy as np
import pytest

from bestresponse.complementarity import solve_mcp
from experiments.benchmarks import complementarity as benchmark
from experiments.benchmarks.complementarity_problems import feeder_program, spatial_market


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
    other, _ = benchmark._clarabel(program)
    x, y = result.x[: len(program.c)], other[: len(program.c)]
    cost = [0.5 * point @ (program.P @ point) + program.c @ point for point in (x, y)]
    assert result.converged, result.reason
    assert cost[0] == pytest.approx(cost[1], rel=1e-7)
    assert len(program.polyhedron.h) == (12 * 122 if rated else 0)


def test_the_benchmark_prints_and_writes_every_repetition(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "MARKET", (5, 4))
    assert benchmark.main(["--repeat", "2", "--json", str(tmp_path / "times.json")]) == 0
    printed = capsys.readouterr().out
    data = json.loads((tmp_path / "times.json").read_text())
    assert len(data["measurements"]) >= 6
    for measurement in data["measurements"]:
        assert len(measurement["seconds"]) == 2
        assert measurement["residual"] <= 1e-5
        assert measurement["solver"] in printed
    assert "Siconos: not measured" in printed


def test_bad_arguments_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["--repeat", "0"])
    assert benchmark.main(["--json", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err
