"""The notebooks of the documentation run from top to bottom; what they teach is asserted in them."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("[0-9]*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, monkeypatch, capsys):
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    runpy.run_path(str(notebook), run_name="notebook")
    assert capsys.readouterr().out.strip() and not plt.get_fignums()


def test_there_are_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{k + 1:02}" for k in range(len(NOTEBOOKS))] != []
