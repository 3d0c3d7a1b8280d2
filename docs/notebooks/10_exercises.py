# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 10 · Exercises, with checks of your answers
#
# One exercise for every notebook so far, and another for notebook 6. Replace the three dots in each by your answer and
# run the cell again: `check` says whether it is right, and if not, where to look. It asks your function with numbers of
# its own, so an answer that is right for one market only will not do. Exercises 8 and 9 use the package; the others
# need paper, a pencil and a few lines of Python.
#
# This page is a script in `docs/notebooks/`; `jupytext --to notebook 10_exercises.py` (`pip install jupytext`) makes a
# notebook of it. Solutions lie in `docs/notebooks/solutions/`; look at them when all is done.

# %%
from experiments.exercises import check

# %% [markdown]
# ## 1 · A clearing price
#
# As in notebook 1, a town has the cost $-E\,t + \tfrac12 a\,t^2$ and a plant $\tfrac12 b\,t^2$. At which price does
# their market clear? (There $E$ is called enjoyment, $a$ town, and $b$ plant.)


# %%
def clearing_price(enjoyment, town, plant):
    return ...


print(check(1, clearing_price))

# %% [markdown]
# ## 2 · One sweep of Gauss–Seidel
#
# The firms of notebook 2 sell at $13 - Q$, but now every firm has a unit cost of its own. Let them answer one after
# another, and return all quantities. Leave the quantities that you are given as they are.


# %%
def gauss_seidel(quantities, unit_costs):
    return ...


print(check(2, gauss_seidel))

# %% [markdown]
# ## 3 · A wide road and a narrow one
#
# Two roads lead to the beach. The wide one takes the same time however many drive there; on the narrow one $f$ drivers
# take $\text{slope} \cdot f$ minutes. How many take the narrow one at Wardrop's point, and how many would be best for
# all together (notebook 3)? Return both. There are only so many drivers.


# %%
def narrow_road(minutes_wide, slope, drivers):
    return ...


print(check(3, narrow_road))

# %% [markdown]
# ## 4 · The ramp
#
# The dear plant of notebook 4 gives up to its *most* at a fixed cost a unit: its trade $t$ lies between minus most and
# zero, and its cost is $-\text{unit cost} \cdot t$. Given a price and an anchor with a weight and a target, which
# trade does it answer?


# %%
def anchored_trade(unit_cost, most, price, weight, target):
    return ...


print(check(4, anchored_trade))

# %% [markdown]
# ## 5 · A gain
#
# The heart of every certificate (notebook 5). A plant with that unit cost and largest output gives *output* at a
# price. How many dollars an hour could it gain by giving something else?


# %%
def gain(unit_cost, most, price, output):
    return ...


print(check(5, gain))

# %% [markdown]
# ## 6 · The best relaxation
#
# The eigenvalues of a map are real and lie between *smallest* and *largest*, both below one. Relaxation by $\alpha$
# makes $1 + \alpha(\lambda - 1)$ of an eigenvalue $\lambda$, and the largest of these in absolute value is the factor
# of a sweep (notebook 6). Which $\alpha$ is best?


# %%
def best_relaxation(smallest, largest):
    return ...


print(check(6, best_relaxation))

# %% [markdown]
# ## 7 · Complementarity by guessing
#
# Find $z \ge 0$ with $w = Mz + q \ge 0$ and $z_i w_i = 0$, for two rows (notebook 7). `M` is an array of two by two,
# `q` of two.


# %%
def solve_two(M, q):
    return ...


print(check(7, solve_two))

# %% [markdown]
# ## 8 · What V2G saves
#
# Two results of `solve` are given, of the same scenario without and with V2G (notebook 8). By how many per cent does
# V2G lower what all pay together, `social_cost_usd_per_h` among a result's `quantities`? To look at one:
# `solve("teaching", "stress", v2g=False)`.


# %%
def saving(without, with_v2g):
    return ...


print(check(8, saving))

# %% [markdown]
# ## 9 · A player
#
# A heater can use 0 to 30 kW. The first kilowatt-hour is worth 0.20 dollars to it, and the next one is always worth a
# bit less: at a power of *use* it is worth $0.2 - 0.005 \cdot \text{use}$. It trades one good (notebook 9). The check
# asks it at some prices and then runs the conformance checks on it.

# %%
from players.convex_program import ConvexProgram


class Heater(ConvexProgram):
    def formulate(self):
        return ...


print(check(9, Heater))

# %% [markdown]
# ## 10 · A step of Newton's
#
# One town and one plant share one good: the map of notebook 6 with a single plant, so that $\rho = \sigma$. Both say
# their slopes, anchors included. A sweep leaves the residual $f$. By how much does a damped step change $\zeta$?


# %%
def newton_step(town_slope, plant_slope, sigma, damping, residual):
    return ...


print(check(10, newton_step))
