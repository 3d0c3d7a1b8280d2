# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 9 · Write your own player
#
# A cold store would like to run its compressors at a comfortable power. With less the goods get warmer, with more they
# freeze harder than needed; either costs more and more, $\tfrac12 k\,(\text{use} - \text{comfort})^2$. A promise to
# its customers says how little is too little. The package has no such player. We write it, test it, plant bugs in it,
# and put it into the market of vehicles and grid.
#
# ## Twenty lines of CVXPY
#
# `bestresponse new-player ColdStore` writes a file to start from, and a test for it. This is what we made of that
# file. It states what the player decides, what that costs *itself*, and what the market sees; prices are the market's
# business. At a bus of the grid a kilowatt is two goods, energy at the head of the feeder and its delivery to the bus,
# so it trades both.

# %%
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

folder = TemporaryDirectory()
Path(folder.name, "cold_store.py").write_text(
    '''
import cvxpy as cp

from players import goods
from players.convex_program import ConvexProgram, Formulation


class ColdStore(ConvexProgram):
    """Keeps goods cold: being off its comfortable power costs it ½ k (use − comfort)²."""

    def __init__(self, bus: str, comfort_kw: float, promised_kw: float, most_kw: float, k_usd_per_kw2: float) -> None:
        self.comfort_kw, self.promised_kw, self.most_kw, self.k = comfort_kw, promised_kw, most_kw, k_usd_per_kw2
        super().__init__("ColdStore", [goods.IMPORT, goods.delivery(bus)])

    def formulate(self) -> Formulation:
        use = cp.Variable(1, name="use", bounds=[0, self.most_kw])
        return Formulation(
            cost=0.5 * self.k * cp.sum_squares(use - self.comfort_kw),
            trade=cp.hstack([use, use]),
            constraints={"promise": use >= self.promised_kw},
        )
''',
    encoding="utf-8",
)
sys.path.insert(0, folder.name)

# %% [markdown]
# Ask it at some prices, before there is any market. Calculus says what to expect: the derivative
# $k\,(\text{use} - \text{comfort}) + p$ is zero at $\text{use} = \text{comfort} - p/k$, unless that is less than
# promised.

# %%
import numpy as np
from cold_store import ColdStore

from bestresponse.player import Signal

OPTIONS = {"bus": "5", "comfort_kw": 60.0, "promised_kw": 25.0, "most_kw": 90.0, "k_usd_per_kw2": 0.01}
COMFORT, PROMISED, MOST, K = list(OPTIONS.values())[1:]
store = ColdStore(**OPTIONS)
prices = np.linspace(0, 0.9, 91)  # of energy and delivery together
use = np.array([store.best_response(Signal(np.array([0.06, price - 0.06]))).plan["use"][0] for price in prices])
by_hand = np.maximum(COMFORT - prices / K, PROMISED)
print(f"largest difference between CVXPY and calculus: {np.abs(use - by_hand).max():.0e} kW")
assert np.allclose(use, by_hand, atol=1e-6)

# %% [markdown]
# ## Does it keep the contract?
#
# A market believes a player on its word. The **conformance checks** do not: they ask the player at many prices around
# those of a market, and hold the answers against one another. `check` does what
# `bestresponse check-player cold_store:ColdStore` does: it puts the player into the market of a case, solves that, and
# asks at the prices found there.

# %%
from textwrap import fill

from experiments import load_case
from experiments.checking_player import check
from experiments.conformance_words import WORDS


def say(label, words):
    print(fill(f"{label} {words}", 96, subsequent_indent="        "))


verdict = check(load_case("teaching"), "extra", "cold_store:ColdStore", OPTIONS, "base", True)
say("The market with it:", verdict.market)
for finding in verdict.findings:
    say(f"{finding.check}: {'FAILS' if finding.seen else 'passes'}.", WORDS[finding.check].asks)
assert verdict.holds

# %% [markdown]
# ## Five ways to get it wrong
#
# A `ConvexProgram` can hardly break the contract, for it is solved from its own statement. A player written by hand
# can. Here is the cold store by hand, for a market with one good, and five faults that beginners (and others) make.

# %%
from dataclasses import dataclass

from bestresponse.conformance import check_player
from bestresponse.coordinator import coordinate
from bestresponse.market import Good, Market
from bestresponse.player import Anchor, Response

NO_ANCHOR = Anchor(np.zeros(1), np.zeros(1))


class ByHand:
    name, goods, least = "cold store", ("energy",), PROMISED

    def use(self, price, anchor):
        wanted = (K * COMFORT - price + anchor.weight * anchor.target) / (K + anchor.weight)
        return np.clip(wanted, self.least, MOST)

    def cost(self, use, price):
        return 0.5 * K * float((use[0] - COMFORT) ** 2)

    def best_response(self, signal):
        use = self.use(signal.price, signal.anchor or NO_ANCHOR)
        return Response(use, self.cost(use, signal.price), {"use": use})

    def violation(self, plan):
        return max(PROMISED - plan["use"][0], plan["use"][0] - MOST, 0.0) / MOST


class WrongSign(ByHand):
    def use(self, price, anchor):
        return super().use(-price, anchor)


class PaysTwice(ByHand):
    def cost(self, use, price):
        return super().cost(use, price) + float(price @ use)  # but the market adds the payment


class Remembers(ByHand):
    seen = 0.0

    def use(self, price, anchor):
        self.seen = 0.5 * (self.seen + price)  # "to be less nervous"
        return super().use(self.seen, anchor)


class ForgetsTheAnchor(ByHand):
    def use(self, price, anchor):
        return super().use(price, NO_ANCHOR)


class BreaksItsPromise(ByHand):
    least = 0.0


# %% [markdown]
# The plant that it meets gives at rising cost. Of every fault we read the first failure: what the check asks, what it
# saw, what to do. And we let the player loose in the market, to see what comes of not having checked.


# %%
@dataclass(frozen=True)
class Plant:
    slope: float = 0.01  # [$/kWh per kW] of its marginal cost
    name: str = "plant"
    goods: tuple[str, ...] = ("energy",)

    def best_response(self, signal):
        anchor = signal.anchor or NO_ANCHOR
        trade = (anchor.weight * anchor.target - signal.price) / (self.slope + anchor.weight)
        return Response(trade, 0.5 * self.slope * float(trade[0] ** 2), {"output": -trade})


energy = Good("energy", "energy", price_scale=0.2, quantity_scale=50.0)
for kind in (ByHand, WrongSign, PaysTwice, Remembers, ForgetsTheAnchor, BreaksItsPromise):
    market = Market((energy,), (kind(), Plant()))
    failures = check_player(kind(), market, price=np.array([0.3]))
    failing = ", ".join(dict.fromkeys(failure.check for failure in failures))
    print(f"{kind.__name__}: {f'fails {failing}' if failures else 'conforms'}")
    for first in failures[:1]:
        say("    It asks:", WORDS[first.check].asks)
        say("    Seen:", first.detail)
        say("    What to do:", WORDS[first.check].advice)
    result = coordinate(market, np.array([0.2]))
    say("    In the market:", f"{result.stop} {result.certificate}")
    assert bool(failures) == (kind is not ByHand)
    assert result.solved == (kind in (ByHand, BreaksItsPromise))

# %% [markdown]
# Look at the last lines of each. The market *clears* with every one of these players: a run that looks at the
# imbalance alone would call all of them solved. The certificate, which asks the player once more, sees that something
# is wrong with four. It passes the fifth, for at these prices the promise is not broken. The checks ask at other
# prices, too, and say *what* is wrong: run them before the market, not after.
#
# ## Into a case file
#
# A case names a player of yours as `module:Class` and gives it its options. Here is the teaching case with the cold
# store at bus 5. The store is in the market of drivers, stations, feeder and all, and since it states its problem in
# CVXPY, it is part of the monolith, too: `solve` takes both routes.

# %%
ENTRY = """
[[players.extra]]
model = "cold_store:ColdStore"
options = { bus = "5", comfort_kw = 60.0, promised_kw = 25.0, most_kw = 90.0, k_usd_per_kw2 = 0.01 }
"""

import matplotlib.pyplot as plt

from experiments import solve
from experiments.build import build
from experiments.case import BUILT_IN

case_file = Path(folder.name, "with_a_cold_store.toml")
case_file.write_text((BUILT_IN / "teaching.toml").read_text(encoding="utf-8") + ENTRY, encoding="utf-8")
case = load_case(case_file)
assert case.players.extra[0].options == OPTIONS

figure, axes = plt.subplots(figsize=(9, 5))
axes.plot(prices, use, label="what it answers")
axes.plot(prices, by_hand, ":", color="black", linewidth=3, label="comfort − p / k, but no less than promised")
for scenario, marker in (("base", "o"), ("stress", "s"), ("island", "x")):
    with_it = solve(case, scenario)
    model = build(case, scenario, v2g=True)
    found = coordinate(model.market, model.first_price)
    used = found.responses["ColdStore"].plan["use"][0]
    price = with_it.quantities["dlmp_usd_per_kwh"][OPTIONS["bus"]]
    without = solve("teaching", scenario, method="monolith").quantities["dlmp_usd_per_kwh"][OPTIONS["bus"]]
    print(f"{scenario:6} at {price:.4f} $/kWh it uses {used:.2f} kW. Without it the bus would pay {without:.4f} $/kWh.")
    say("       ", with_it.status)
    axes.plot(price, used, marker, markersize=12, fillstyle="none", markeredgewidth=2, label=scenario)
    assert with_it.solved and with_it.routes_agree and abs(used - max(COMFORT - price / K, PROMISED)) < 1e-3
axes.set(
    xlabel="price of energy at its bus [$/kWh]",
    ylabel="power used [kW]",
    title="The cold store's answers, and three markets",
)
axes.legend()
plt.show()

# %% [markdown]
# From the command line it is `bestresponse check-player cold_store:ColdStore --options ...` and
# `bestresponse solve with_a_cold_store.toml`, run from the folder of the file. A player need not be a `ConvexProgram`:
# anything with a name, goods and a pure `best_response` will do, such as the one by hand above. It states no block, so
# the monolith could not take part, the certificate would speak alone, and the status would say so.

# %%
sys.path.remove(folder.name)
folder.cleanup()
