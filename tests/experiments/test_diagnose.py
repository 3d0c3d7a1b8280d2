"""What `bestresponse diagnose` finds, shows, writes and refuses."""

import json

import numpy as np
import pytest

from experiments.case import case_from, load_case
from experiments.diagnosing import diagnose
from experiments.figures_rates import Play, rates_figure
from experiments.grid import chosen
from tests.experiments.case_tables import CASES, tables
from tests.experiments.command_line import unwrapped
from tests.experiments.runs import TEACHING

SHOWN = (
    "smallest eigenvalue of the symmetric part",
    "The market is monotone",
    "need not be unique",
    "common potential",
)
TWO_CLASSES = """
[[vehicles.classes]]
name = "slow"
share = 0.5
value_of_time_usd_per_h = 12

[[vehicles.classes]]
name = "fast"
share = 0.5
value_of_time_usd_per_h = 60
battery_kwh = 30
"""


def test_predicted_and_measured_rates_agree_on_a_market():
    found = diagnose(load_case(TEACHING), "base", True, chosen("sharing,gauss_seidel"))
    for rate in found.rates:
        assert rate.measured == pytest.approx(rate.predicted, abs=1e-5), rate.scheme
        assert rate.fixed_directions == 8 and rate.note == ""
    sharing, gauss_seidel = found.rates
    assert gauss_seidel.predicted < 0.9 < sharing.predicted < 0.93


def test_the_diagnosis_is_shown_and_written(call, tmp_path):
    shown = call(
        *("diagnose", TEACHING, "--schemes", "sharing,tatonnement", "--sigma", "2"),
        *("--json", "d.json", "--figure", "d.png"),
    )
    assert (shown.code, shown.err) == (0, "")
    for text in (*SHOWN, "continuum of fixed points of sharing, of dimension 8", "does not stay at the"):
        assert text in unwrapped(shown.out)
    data = json.loads((tmp_path / "d.json").read_text())
    assert (data["monotone"], data["potential"], data["sigma"]) == (True, True, 2.0)
    sharing, tatonnement = data["rates"]
    assert sharing["measured"] == pytest.approx(sharing["predicted"], abs=1e-5) and len(sharing["moves"]) > 50
    assert f"{sharing['predicted']:.6f}" in shown.out and abs(sharing["predicted"] - 0.926356) > 1e-3  # that of σ = 1
    assert tatonnement["predicted"] is None and tatonnement["note"]
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_several_values_of_time_are_found_non_monotone_from_the_command_line(call, tmp_path):
    """The value-of-time result of the model, from a case file to the screen."""
    (tmp_path / "case.toml").write_text((CASES / f"{TEACHING}.toml").read_text(encoding="utf-8") + TWO_CLASSES)
    shown = call("diagnose", "case.toml", "--scenario", "stress", "--schemes", "none", "--json", "d.json")
    assert shown.code == 0, shown.err
    words = unwrapped(shown.out)
    for text in ("The market is not monotone", "Several equilibria are possible", "not symmetric", "(12, 60 $/h)"):
        assert text in words
    data = json.loads((tmp_path / "d.json").read_text())
    assert not data["monotone"] and not data["potential"] and data["smallest_eigenvalue"] < -1e-4
    assert data["values_of_time_usd_per_h"] == [12.0, 60.0] and data["rates"] == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--schemes", "sharng"), 'did you mean "sharing"'),
        (("--sigma", "-1"), "sigma=-1"),
        (("--scenario", "stres"), "stress"),
        (("--schemes", "golden_ratio", "--figure", "x.png"), "nothing to plot"),
    ],
)
def test_bad_input_is_named(call, words, complaint):
    refused = call("diagnose", TEACHING, *words)
    assert refused.code == 2 and complaint in refused.err


def test_a_rate_plot_shows_moves_and_the_predicted_slope():
    moves = (0.5 ** np.arange(20)).tolist()
    (axes,) = rates_figure([Play("halves", moves, 0.5, 0.6), Play("unpredicted", moves)], "headline").axes
    drawn = [line for line in axes.lines if line.get_gid() != "predicted"]
    (slope,) = [line for line in axes.lines if line.get_gid() == "predicted"]
    assert [line.get_ydata().tolist() for line in drawn] == [moves, moves]
    assert drawn[0].get_label() == "halves\nmeasured 0.5000\npredicted 0.6000"
    values = slope.get_ydata()
    assert values[1:] / values[:-1] == pytest.approx(0.6) and values[10] == moves[10]


@pytest.mark.parametrize("players", [{"traffic": "logit"}, {"dso": "socp"}])
def test_multipliers_in_a_block_do_not_hide_a_potential(players):
    """Fisk's potential, and a cone program: their blocks hold multipliers, whose coupling is skew."""
    data = tables("teaching", players=players)
    data["vehicles"]["fv_value_of_time_usd_per_h"] = data["vehicles"]["ev_value_of_time_usd_per_h"]
    assert diagnose(case_from(data, "c"), "base").map.has_potential
