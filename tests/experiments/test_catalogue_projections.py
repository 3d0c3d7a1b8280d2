"""Rates of projection methods next to the solutions of catalogued problems: against differences, plays and by hand."""

import numpy as np
import pytest

from bestresponse.games import linear_rate
from experiments.catalogue import load, solve
from experiments.catalogue.diagnosing import diagnose
from experiments.catalogue.projection_rates import projection_rates
from experiments.catalogue.solving import model_of


@pytest.mark.parametrize(
    "slug",
    ["mcp/josephy-1979", "mcp/ferris-munson-path-manual-2000", "spatial/miranda-fackler-2002", "traffic/braess-1968"],
)
def test_rates_of_projections_from_differences_of_their_steps(slug):
    """An iteration in plain numbers, its derivative by differences, and its rate from the play that is plotted."""
    entry = load(slug)
    model, solved = model_of(entry), solve(entry)
    x, h = model.complete(solved.found.x), 1e-6
    rates = projection_rates(model, x)

    def project(z):
        return np.minimum(np.maximum(z, model.lower), model.upper)

    def gradient_step(z):
        return project(z - rates.step * model.function(z))

    def extragradient_step(z):
        return project(z - rates.step * model.function(gradient_step(z)))

    assert rates.degenerate == ()
    for name, step in (("projection", gradient_step), ("extragradient", extragradient_step)):
        derivative = np.array([(step(x + h * unit) - step(x - h * unit)) / (2 * h) for unit in np.eye(len(x))]).T
        assert np.abs(np.linalg.eigvals(derivative)).max() == pytest.approx(rates.predicted[name], abs=1e-5)
        assert linear_rate(rates.residuals[name]) == pytest.approx(rates.predicted[name], abs=2e-3)


def test_price_adjustment_runs_away_from_the_equilibrium_of_scarf():
    """Excess demand turns prices around: eigenvalues ±i/4, and the step is half of what extragradient allows."""
    found = {row.name: row for row in diagnose(load("mcp/scarf-unstable-economy-1960")).rates}
    for name, by_hand in (("projection", 1.25**0.5), ("extragradient", (1 - 0.25 + 0.0625) ** 0.5)):
        assert found[name].predicted == pytest.approx(by_hand, abs=1e-9)
        assert found[name].measured == pytest.approx(by_hand, abs=1e-3)


def test_a_bound_without_force_makes_the_rates_of_projections_one_sided():
    assert any("path 1 without force" in hint for hint in diagnose(load("traffic/pigou-1920")).hints)
