"""Models that installed packages announce as entry points: listed, chosen by name, and refused if they are broken."""

import pytest

from experiments.build import build
from experiments.case import load_case
from experiments.models.registry import MODELS

CODE = '''
import cvxpy as cp

from experiments.models.grid import linear
from players import goods
from players.convex_program import ConvexProgram, Formulation


class Boiler(ConvexProgram):
    """Heats water."""

    def __init__(self, bus: str, most_kw: float = 5.0) -> None:
        self.most_kw = most_kw
        super().__init__("Boiler", (goods.IMPORT, goods.delivery(bus)))

    def formulate(self):
        use = cp.Variable(1, name="use", bounds=[0, self.most_kw])
        return Formulation(cost=-cp.sum(use), trade=cp.hstack([use, use]), constraints={})


def quiet(setting, *, name: str = "Quiet"):
    """The linear operator under another name."""
    operator = linear(setting)
    operator.name = name
    return operator
'''
ANNOUNCED = """[bestresponse.players]
extra.boiler = planted_models:Boiler
dso.quiet = planted_models:quiet
lse.lost = planted_models:nowhere
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package as an installation leaves it: its module, and its metadata with the entry points."""
    (tmp_path / "planted_models.py").write_text(CODE, encoding="utf-8")
    metadata = tmp_path / "planted_models-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: planted-models\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(ANNOUNCED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_announced_models_are_listed_beside_the_shipped_ones(package, call):
    shown = call("models")
    assert shown.code == 0
    for text in ("linear *", "quiet", 'name: str = "Quiet"', "boiler", "Heats water.", "most_kw: float = 5.0"):
        assert text in shown.out
    assert "module planted_models has no nowhere" in shown.out


def test_a_case_chooses_announced_models_by_their_names(package):
    plain = load_case("teaching").model_dump(mode="json")
    chosen = {"dso": "quiet", "extra": [{"model": "boiler", "options": {"bus": "5"}}]}
    case = type(load_case("teaching")).model_validate(plain | {"players": chosen})
    model = build(case, "base", True)
    assert model.player("dso").name == "Quiet" and [player.name for player in model.extra] == ["Boiler"]


def test_models_of_one_role_and_roles_that_do_not_exist(call):
    shown = call("models", "dso")
    assert "linear *" in shown.out and "enumerated" not in shown.out
    refused = call("models", "dos")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f'error: no role "dos"; did you mean "dso"? Roles: {", ".join(MODELS)}, extra\n'
