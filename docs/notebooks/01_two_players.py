# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 1 · A market of two players, by hand
#
# A **market** here is a list of goods. A **player** hears a price and answers with a trade. We follow one sign rule
# everywhere: a trade above zero *takes* the good from the market, a trade below zero *gives* it.
#
# Our good is energy. The *town* enjoys the first kilowatt most; its cost, which is minus its enjoyment, of taking $t$
# is
#
# $$\text{cost}_{town}(t) = -12\,t + \tfrac12 \cdot 1 \cdot t^2 .$$
#
# The *plant* finds every further kilowatt dearer. It gives, so its trade is negative:
#
# $$\text{cost}_{plant}(t) = \tfrac12 \cdot 2 \cdot t^2 .$$
#
# At a price $p$ each player minimises its **outlay**, cost $+\,p\,t$. Set the derivative to zero:
#
# $$-12 + t + p = 0 \;\Rightarrow\; t_{town} = 12 - p, \qquad 2t + p = 0 \;\Rightarrow\; t_{plant} = -p/2 .$$
#
# The market **clears** where the trades sum to zero.

# %%
import matplotlib.pyplot as plt
import numpy as np

ENJOYMENT, TOWN, PLANT = 12.0, 1.0, 2.0


def town_takes(price):
    return (ENJOYMENT - price) / TOWN


def plant_gives(price):
    return -price / PLANT


clearing_price = ENJOYMENT * PLANT / (TOWN + PLANT)
traded = town_takes(clearing_price)
print(f"At {clearing_price:g} $/kWh the town takes {traded:g} kW and the plant gives as many.")
assert abs(town_takes(clearing_price) + plant_gives(clearing_price)) < 1e-12

# %% [markdown]
# ## Finding the price without knowing anybody's cost
#
# An auctioneer only sees trades. It raises the price while more is wanted than offered, and lowers it otherwise:
#
# $$p \leftarrow p + s\,(t_{town} + t_{plant}), \qquad s > 0 .$$
#
# That is called *tâtonnement*, French for groping. Let $e$ be the distance of $p$ from the clearing price. The trades
# sum to $-(1/1 + 1/2)\,e$, so that one round turns $e$ into
#
# $$\bigl(1 - s\,(1 + \tfrac12)\bigr)\, e .$$
#
# The factor decides everything: below one in absolute value the error shrinks; below zero the price jumps from
# side to side; at $-1$ it swings for ever; beyond, it runs away.

# %%
slope = 1 / TOWN + 1 / PLANT


def grope(step, rounds=12, price=2.0):
    path = [price]
    for _ in range(rounds):
        path.append(path[-1] + step * (town_takes(path[-1]) + plant_gives(path[-1])))
    return np.array(path)


steps = {"creeps": 0.3, "jumps and settles": 1.2, "swings for ever": 2 / slope, "runs away": 1.45}
for name, step in steps.items():
    error = grope(step) - clearing_price
    seen, predicted = error[1] / error[0], 1 - step * slope
    print(f"{name:18} step {step:.3f}: predicted factor {predicted:+.3f}, seen {seen:+.3f}")
    assert np.allclose(error[1:], predicted * error[:-1])

figure, axes = plt.subplots(figsize=(9, 5))
for (name, step), line in zip(steps.items(), ("-", "--", ":", "-."), strict=True):
    axes.plot(grope(step), line, marker="o", label=f"{name} (step {step:.2f})")
axes.axhline(clearing_price, color="black", linewidth=1)
axes.set(xlabel="round", ylabel="price [$/kWh]", title="The same auctioneer with four steps")
axes.legend()
plt.show()

# %% [markdown]
# ## The same market in bestresponse
#
# A player is anything with a name, its goods and a pure `best_response(signal)`. Besides the price, a signal may hold
# an **anchor**, a quadratic pull $\tfrac12 w (t - \tau)^2$ towards a target trade $\tau$. With it the derivative reads
# $\ell + c\,t + p + w\,(t - \tau) = 0$.

# %%
from dataclasses import dataclass

from bestresponse.coordinator import coordinate
from bestresponse.market import Good, Market
from bestresponse.player import Response
from bestresponse.schemes.tatonnement import Tatonnement


@dataclass(frozen=True)
class Trader:
    """Its cost is linear · t + ½ curvature · t²."""

    name: str
    linear: float
    curvature: float
    goods: tuple[str, ...] = ("energy",)

    def best_response(self, signal):
        weight, target = (signal.anchor.weight, signal.anchor.target) if signal.anchor else (0.0, 0.0)
        trade = (weight * target - self.linear - signal.price) / (self.curvature + weight)
        cost = float(self.linear * trade[0] + 0.5 * self.curvature * trade[0] ** 2)
        return Response(trade, cost, {"trade": trade})


energy = Good("energy", "energy", price_scale=1.0, quantity_scale=1.0)
market = Market((energy,), (Trader("town", -ENJOYMENT, TOWN), Trader("plant", 0.0, PLANT)))
groped = coordinate(market, np.array([2.0]), scheme=Tatonnement(step=0.3), sigma=1.0)
shared = coordinate(market, np.array([2.0]))  # the default scheme, which uses anchors
for found in (groped, shared):
    print(f"{found.method:12} {len(found.trace):3} sweeps, price {found.price[0]:.6f}. {found.certificate}")
    assert found.solved and abs(found.price[0] - clearing_price) < 1e-6

# %% [markdown]
# The last words of each line are a **certificate**: it asks everybody anew whether they could gain by answering
# otherwise. It does not believe the scheme, and neither should you. Notebook 4 shows a market in which groping fails
# with every fixed step, and what the anchor does about it.
