"""Does the cold interior point solve markets that are larger, and no longer monotone, without any help?"""

from __future__ import annotations

import numpy as np
import pytest

from bestresponse.complementarity.interior_point import Outcome
from experiments.benchmarks.complementarity_robustness import Variant, main, measure, table
from experiments.build import build

HARD = (
    Variant(40, (12.0, 60.0)),
    Variant(40, (10.0, 90.0)),
    Variant(10, (12.0, 24.0, 60.0), twice_the_stations=True),
)


@pytest.mark.parametrize("variant", HARD, ids=str)
def test_the_cold_interior_point_needs_no_help(variant):
    with_v2g = next(measure([variant], ["stress"]))
    assert with_v2g.found.outcome is Outcome.SOLVED
    assert with_v2g.found.best.residual <= 1e-10
    assert with_v2g.found.factorisations <= 45
    assert str(variant) in table([with_v2g]).markdown()


def test_values_of_time_come_apart_as_μ_falls():
    block = build(Variant(2, (12.0, 60.0)).case(), "base", True).player("traffic").block()
    n_paths, n_links = block.variables["path_flow"], block.variables["link_flow"]
    x = np.random.default_rng(0).uniform(0.0, 300.0, block.size)
    none, half, whole = (
        block.jacobian(x, mu).toarray()[:n_paths, n_paths : n_paths + n_links] for mu in (1e9, 1e-3, 0.0)
    )
    assert np.abs(whole).max() > 1e-3
    assert np.abs(none).max() <= 1e-9 * np.abs(whole).max()  # one value of time: monotone
    assert half == pytest.approx(0.5 * whole, rel=1e-12)


def test_an_unknown_scenario_is_refused(capsys):
    assert main("stres") == 2
    assert "no scenario" in capsys.readouterr().err
