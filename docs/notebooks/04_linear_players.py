# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 4 · Why linear players break tâtonnement, and the anchor
#
# A town needs 100 kW whatever it costs. A cheap plant gives up to 60 kW at a cost of 20 each, a dear one up to 80 kW at
# 50 each. The answer is plain: the cheap plant gives 60, the dear one the missing 40, and the price is 50, at
# which the dear plant does not care how much it gives.
#
# And there is the trouble. A plant with a **linear** cost answers all or nothing: below a price of 50 the dear plant
# gives 0, above it 80. It gives 40 at no price. Ask, and the market is short by 40 or has 40 too many.

# %%
import matplotlib.pyplot as plt
import numpy as np

NEED, PLANTS = 100.0, {"cheap": (20.0, 60.0), "dear": (50.0, 80.0)}  # cost of a unit, largest output


def gives(price, plant):
    unit_cost, most = PLANTS[plant]
    return most if price > unit_cost else 0.0


def excess(price):
    return NEED - sum(gives(price, plant) for plant in PLANTS)


def grope(step, rounds=400, price=30.0):
    path = [price]
    for round_ in range(rounds):
        path.append(path[-1] + step(round_) * excess(path[-1]))
    return np.array(path)


# %% [markdown]
# ## No fixed step settles
#
# In notebook 1 a small enough step was a cure. Here it is none: near 50 the excess is $+40$ or $-40$, however near, so
# the price goes on jumping by $40\,s$. A smaller step makes the jumps of the *price* smaller; the *trades* stay
# wrong by 40 kW in every single round.

# %%
for step in (0.5, 0.05, 0.005):
    path = grope(lambda _, step=step: step, rounds=4000)
    late = path[-100:]
    wrong = np.abs([excess(price) for price in late])
    print(f"step {step:5}: price between {late.min():.3f} and {late.max():.3f}, out of balance by {wrong.min():.0f} kW")
    assert (wrong == 40).all()
    assert np.ptp(late) <= 40 * step + 1e-9

# %% [markdown]
# Steps that shrink make the price converge, slowly. The trades still do not: the answer at *no* price is 40.

# %%
path = grope(lambda k: 0.5 / (k + 1) ** 0.6, rounds=20_000)
print(f"after {len(path) - 1} rounds: price {path[-1]:.4f}, out of balance by {abs(excess(path[-1])):.0f} kW")
assert abs(path[-1] - 50) < 0.1 and abs(excess(path[-1])) == 40

# %% [markdown]
# ## The anchor
#
# Give every player a pull towards a target trade $\tau$: it now minimises
#
# $$\text{cost}(t) + p\,t + \tfrac12 w\,(t - \tau)^2 .$$
#
# The derivative $c + p + w(t-\tau)$ now grows with $t$: all-or-nothing has become a ramp, and an output of 40 is
# somebody's answer. As the targets move to where the trades are, the pull vanishes, and what is left is a true best
# response to the price: the anchor changes the way, not the goal.

# %%
from players.convex_program import ConvexProgram, Formulation  # isort: skip
import cvxpy as cp

from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.market import Good, Market
from bestresponse.schemes.tatonnement import Tatonnement


class Town(ConvexProgram):
    def formulate(self):
        use = cp.Variable(1, name="use")
        return Formulation(cost=cp.Constant(0.0), trade=use, constraints={"need": use == NEED})


class Plant(ConvexProgram):
    def formulate(self):
        unit_cost, most = PLANTS[self.name]
        output = cp.Variable(1, name="output", bounds=[0, most])
        return Formulation(cost=unit_cost * cp.sum(output), trade=-output, constraints={})


goods = ("energy",)
energy = Good("energy", "energy", price_scale=10.0, quantity_scale=100.0)
market = Market((energy,), (Town("town", goods), *(Plant(name, goods) for name in PLANTS)))

groped = coordinate(market, np.array([30.0]), scheme=Tatonnement(step=0.5), sigma=1.0)
print(f"tâtonnement: {groped.stop}\n")
assert not groped.solved

anchored = coordinate(market, np.array([30.0]), sigma=0.5, acceleration=PLAIN, balancing=UNBALANCED)
print(f"{anchored.method}: {anchored.stop}\n{anchored.certificate}")
trades = {name: float(answer.trade[0]) for name, answer in anchored.responses.items()}
print({name: round(trade, 3) for name, trade in trades.items()}, "at a price of", round(anchored.price[0], 3))
assert anchored.solved
assert abs(anchored.price[0] - 50) < 1e-4 and abs(trades["dear"] + 40) < 1e-3

# %%
figure, axes = plt.subplots(figsize=(9, 5))
for found, line in ((groped, "o--"), (anchored, "s-")):
    axes.plot([record.price[0] for record in found.trace.records[:40]], line, label=found.method)
axes.axhline(50, color="black", linewidth=1)
axes.set(xlabel="sweep", ylabel="price [$/kWh]", title="Linear players, without and with the anchor")
axes.legend()
plt.show()

# %% [markdown]
# Real markets are full of linear players: a network operator's linear program, drivers who care for time and money
# only. That is why every scheme of this package but tâtonnement, the baseline, asks its questions with an anchor.
