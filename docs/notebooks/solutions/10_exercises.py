# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Solutions of the exercises
#
# Each is one of many ways. What matters is the derivation, in a sentence before it.

# %%
import cvxpy as cp
import numpy as np

from experiments.exercises import check, exercises
from players.convex_program import ConvexProgram, Formulation

# %% [markdown]
# 1. At a price $p$ the town takes $(E - p)/a$ and the plant gives $p/b$. Equal: $p\,(a + b) = E\,b$.


# %%
def clearing_price(enjoyment, town, plant):
    return enjoyment * plant / (town + plant)


# %% [markdown]
# 2. The derivative of $(13 - R - q)\,q - c\,q$ is zero at $q = (13 - c - R)/2$, and $R$ is what the others sell *now*.


# %%
def gauss_seidel(quantities, unit_costs):
    quantities = quantities.copy()
    for firm in range(len(quantities)):
        rivals = quantities.sum() - quantities[firm]
        quantities[firm] = (13 - unit_costs[firm] - rivals) / 2
    return quantities


# %% [markdown]
# 3. At Wardrop's point both roads take equally long, or the narrow one is faster though everybody is there. All
# together lose $\text{slope} \cdot f^2 + \text{wide} \cdot (\text{drivers} - f)$ minutes; the derivative is zero at
# half as many.


# %%
def narrow_road(minutes_wide, slope, drivers):
    wardrop = minutes_wide / slope
    return min(wardrop, drivers), min(wardrop / 2, drivers)


# %% [markdown]
# 4. The derivative of $-c\,t + p\,t + \tfrac12 w\,(t - \tau)^2$ is zero at $t = \tau + (c - p)/w$; where that lies
# outside of what the plant can do, the nearest end is best, as a parabola rises on both sides.


# %%
def anchored_trade(unit_cost, most, price, weight, target):
    return np.clip(target + (unit_cost - price) / weight, -most, 0)


# %% [markdown]
# 5. The outlay $(c - p) \cdot \text{output}$ is a straight line: one of its ends is best.


# %%
def gain(unit_cost, most, price, output):
    return (unit_cost - price) * output - min(0, (unit_cost - price) * most)


# %% [markdown]
# 6. With growing $\alpha$ the slow factor $1 + \alpha(\lambda_{largest} - 1)$ falls, and the fast one goes below zero,
# ever further. Best is where one is minus the other: $2 = \alpha\,(2 - \lambda_{smallest} - \lambda_{largest})$.


# %%
def best_relaxation(smallest, largest):
    return 2 / (2 - smallest - largest)


# %% [markdown]
# 7. Try all four guesses of who is above zero, and take the one that fits.


# %%
def solve_two(M, q):
    for positive in ([], [0], [1], [0, 1]):
        z = np.zeros(2)
        z[positive] = np.linalg.solve(M[np.ix_(positive, positive)], -q[positive])
        if (z >= 0).all() and (M @ z + q >= -1e-12).all():
            return z


# %% [markdown]
# 8. A saving is measured against what it saves from.


# %%
def saving(without, with_v2g):
    before, after = (result.quantities["social_cost_usd_per_h"] for result in (without, with_v2g))
    return 100 * (before - after) / before


# %% [markdown]
# 9. A cost is minus what something is worth, and the worth of all kilowatt-hours up to *use* is the integral,
# $0.2 \cdot \text{use} - \tfrac12 \cdot 0.005 \cdot \text{use}^2$. What the heater pays is not part of it.


# %%
class Heater(ConvexProgram):
    def formulate(self):
        use = cp.Variable(1, name="use", bounds=[0, 30])
        worth = 0.2 * cp.sum(use) - 0.5 * 0.005 * cp.sum_squares(use)
        return Formulation(cost=-worth, trade=use, constraints={})


# %% [markdown]
# 10. If $\zeta$ changes by $\delta$, the town is told a price that is higher by $\delta$, so the market price changes
# by $(1 + \sigma S_{town})\,\delta$. The plant is told twice that, less $\delta$, and $T$ is the price plus $\sigma$
# times its trade.


# %%
def newton_step(town_slope, plant_slope, sigma, damping, residual):
    price = 1 + sigma * town_slope
    slope = price + sigma * plant_slope * (2 * price - 1)
    return (1 + damping) * residual / (1 + damping - slope)


# %%
by_hand = clearing_price, gauss_seidel, narrow_road, anchored_trade, gain, best_relaxation, solve_two
answers = *by_hand, saving, Heater, newton_step
verdicts = [check(number, answer) for number, answer in zip(exercises(), answers, strict=True)]
for verdict in verdicts:
    print(verdict)
    assert verdict.right
