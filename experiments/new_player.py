"""A first player of one's own, written as a file to change, with its test."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.case_problems import shown

PLAYER = '''"""{title}: a player of the market, stated in CVXPY.

In a case file:

    [[players.extra]]
    model = "{module}:{title}"
    options = {{ bus = "5", most_kw = 20.0, worth_usd_per_kwh = 0.15 }}
"""

import cvxpy as cp

from players import goods
from players.convex_program import ConvexProgram, Formulation


class {title}(ConvexProgram):
    """Uses up to `most_kw` at a bus as long as a kWh there costs less than it is worth."""

    def __init__(self, bus: str, most_kw: float, worth_usd_per_kwh: float, name: str = "{title}") -> None:
        self.most_kw, self.worth_usd_per_kwh = most_kw, worth_usd_per_kwh
        # The goods it trades: energy where the feeder begins, and delivery from there to its bus.
        super().__init__(name, [goods.IMPORT, goods.delivery(bus)])

    def formulate(self) -> Formulation:
        """Return the problem: what it decides, what that costs it, what the market sees of it."""
        use = cp.Variable(1, name="use", bounds=[0, self.most_kw])  # [kW]
        return Formulation(
            # Its own cost [$/h], convex and at most quadratic, WITHOUT price · trade: the market adds that.
            cost=-self.worth_usd_per_kwh * cp.sum(use),
            # One entry for every good, in the order above: > 0 takes from the market, < 0 gives to it [kW].
            trade=cp.hstack([use, use]),
            # Further rows by name, as in {{"promise": cp.sum(use) >= 5.0}}.
            constraints={{}},
        )
'''

TEST = '''"""Whether {title} is a player as the market needs it, and does what it is meant to do. Run: pytest {test}"""

import numpy as np
import pytest

from bestresponse.player import Signal
from experiments.case import load_case
from experiments.checking_player import check
from {module} import {title}

OPTIONS = {{"bus": "5", "most_kw": 20.0, "worth_usd_per_kwh": 0.15}}


def test_it_conforms_and_the_market_clears_with_it():
    verdict = check(load_case("teaching"), "extra", "{module}:{title}", OPTIONS, "base", True)
    assert verdict.holds, (verdict.market, verdict.failures)


@pytest.mark.parametrize(("energy", "delivery", "use"), [(0.06, 0.08, 20.0), (0.06, 0.10, 0.0)])
def test_it_buys_what_costs_less_than_it_is_worth(energy, delivery, use):
    answer = {title}(**OPTIONS).best_response(Signal(np.array([energy, delivery])))
    assert answer.trade == pytest.approx([use, use], abs=1e-6)
'''


def write_player(name: str, folder: Path) -> list[Path]:
    """Write a player and its test and return their paths.

    Raises DataError for a name that is none in Python or that of another module, or a file that is already there.
    """
    module, title = _names(name)
    player, test = folder / f"{module}.py", folder / f"test_{module}.py"
    for path in (player, test):
        if path.exists():
            raise DataError(f"{path}: is already there and would be replaced; choose another name or --out")
    if find_spec(module) is not None:
        raise DataError(f"new-player: given {shown(name)}, but there is a module {module!r} that {player} would hide")
    for path, text in ((player, PLAYER), (test, TEST)):
        with replacing(path) as file:
            file.write(text.format(module=module, title=title, test=test.name))
    return [player, test]


def _names(name: str) -> tuple[str, str]:
    """Return the names of module and class: "my_load" and "MyLoad" for either of the two, or for "my-load"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    title = "".join(word.capitalize() for word in words.split("_"))
    if not (words.isascii() and words.isidentifier() and title.isidentifier()) or keyword.iskeyword(words):
        raise DataError(f"new-player: given {shown(name)}, must be a name in Python, as in my_load or MyLoad")
    return words, title
