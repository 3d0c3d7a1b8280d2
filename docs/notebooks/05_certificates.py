# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 5 · Reading a certificate, and planted false convergence
#
# A run that stops has not therefore solved anything. A **certificate** asks two questions about prices and trades,
# whoever found them: do the trades sum to zero (**imbalance**), and what could each player save by answering those
# prices otherwise (its **gain**)? Both zero: nobody wants to move, and everything that is taken is given.
#
# The market is that of notebook 4: a need of 100 kW, a cheap plant (20 a unit, at most 60), a dear one (50, at most
# 80).

# %%
import cvxpy as cp
import numpy as np

from bestresponse.certificate import certify
from bestresponse.market import Good, Market
from bestresponse.player import Response
from bestresponse.stopping import Tolerances
from players.convex_program import ConvexProgram, Formulation

NEED, PLANTS = 100.0, {"cheap": (20.0, 60.0), "dear": (50.0, 80.0)}


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


def judged(price, cheap, dear):
    """The certificate of a price and outputs."""
    responses = {"town": Response(np.array([NEED]), 0.0, {"use": np.array([NEED])})}
    for name, output in (("cheap", cheap), ("dear", dear)):
        responses[name] = Response(np.array([-output]), PLANTS[name][0] * output, {"output": np.array([output])})
    return certify(market, np.array([price]), responses, Tolerances())


# %% [markdown]
# ## Three lies and a truth

# %%
truth = judged(price=50.0, cheap=60.0, dear=40.0)
lies = {
    "clears, at a wrong price": judged(price=40.0, cheap=60.0, dear=40.0),
    "best answers that do not clear": judged(price=49.0, cheap=60.0, dear=0.0),
    "clears by an output that no plant has": judged(price=50.0, cheap=100.0, dear=0.0),
}
print(f"truth: {truth}")
assert truth.holds
for lie, certificate in lies.items():
    print(f"{lie}: {certificate}")
    assert not certificate.holds

# %% [markdown]
# Read the first lie: trades sum to zero, but at 40 the dear plant loses $(50 - 40) \cdot 40 = 400$ dollars an hour, and
# would rather stand still. That is its gain. In the second nobody can gain, but 40 kW are missing. In the third the
# cheap plant is "better than its best answer": only because its plan lies outside its own set.

# %%
wrong_price, short, impossible = lies.values()
assert abs(wrong_price.gains["dear"].absolute - 400) < 1e-6 and wrong_price.largest_imbalance == 0
assert short.largest_gain < 1e-9 and abs(short.largest_imbalance - 0.4) < 1e-12
assert impossible.gains["cheap"].violation > 0.1

# %% [markdown]
# ## The stopping test that is always content
#
# Many programs stop when the last step was small. Grope with a tiny step and that test is met at once, wherever you
# begin: the step is small because we made it small.

# %%
price, step = 30.0, 1e-9
excess = NEED - sum(most for cost, most in PLANTS.values() if price > cost)
moved = step * excess
print(f"'converged' in the first sweep, at a price of {price + moved:.2f}: it moved by {moved:.0e} only")
planted = judged(price + moved, cheap=60.0, dear=0.0)
print(planted)
assert moved < 1e-6 and not planted.holds

# %% [markdown]
# That is why no scheme of this package stops on the size of its step, and why a certificate asks everybody anew. One
# thing it cannot see: wrong *data*. It judges an answer to the question that was asked.
