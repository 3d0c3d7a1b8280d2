# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 2 · Cournot: three firms that swing for ever
#
# $N$ firms sell the same good. Firm $i$ chooses its quantity $q_i$; all sell at $p = 13 - Q$ with $Q$ the sum of all
# quantities; a unit costs 1. Firm $i$ maximises $(13 - Q)\,q_i - q_i$. Derivative zero, with $R_i$ what its rivals
# sell:
#
# $$12 - R_i - 2 q_i = 0 \;\Rightarrow\; q_i = \frac{12 - R_i}{2}.$$
#
# If rivals sell one unit more, the firm sells half a unit less. That ½ is all we need. Where nobody wants to move, all
# sell $q = 12/(N+1)$: the **Cournot equilibrium**.

# %%
import matplotlib.pyplot as plt
import numpy as np


def best(quantities, firm):
    rivals = quantities.sum() - quantities[firm]
    return (12 - rivals) / 2


def jacobi(quantities):
    """All answer at once what the others sold yesterday."""
    return np.array([best(quantities, firm) for firm in range(len(quantities))])


def gauss_seidel(quantities):
    """One after another: each hears what those before it have just decided."""
    quantities = quantities.copy()
    for firm in range(len(quantities)):
        quantities[firm] = best(quantities, firm)
    return quantities


def run(sweep, firms, sweeps=30):
    path = [3.0 + 0.25 * np.arange(firms) - 2.0]  # somewhere off the equilibrium
    for _ in range(sweeps):
        path.append(sweep(path[-1]))
    return np.array(path)


# %% [markdown]
# ## Everybody at once (Jacobi)
#
# Suppose all firms are off by the same $e$. Then rivals are off by $(N-1)e$ together, and each answers with
# $-\tfrac{N-1}{2} e$. So the error is multiplied by $-\tfrac{N-1}{2}$ a sweep: $-\tfrac12$ for two firms, **exactly
# $-1$ for three**, $-\tfrac32$ for four. Three firms overshoot by just as much as they were short, for ever
# (Theocharis 1960). If they are off by different amounts, the differences halve every sweep, and that swing is left.

# %%
for firms in (2, 3, 4):
    total = run(jacobi, firms, 12).sum(axis=1) - 12 * firms / (firms + 1)
    seen = total[1:] / total[:-1]
    print(f"{firms} firms: predicted factor {-(firms - 1) / 2:+.2f}, seen {seen[0]:+.2f} … {seen[-1]:+.2f}")
    assert np.allclose(seen, -(firms - 1) / 2)

three = run(jacobi, 3)
assert np.allclose(three[-4:-2], three[-2:]) and not np.allclose(three[-2], three[-1])  # two points, again and again

# %% [markdown]
# ## One after another (Gauss–Seidel)
#
# Nothing changes but that a firm hears what those before it have *just* decided. For three firms the error is now
# multiplied by a matrix whose largest eigenvalue has modulus $1/\sqrt8 \approx 0.354$: about one more digit every two
# and a bit sweeps. We measure it.

# %%
equilibrium = 12 / 4
errors = np.linalg.norm(run(gauss_seidel, 3) - equilibrium, axis=1)
measured = (errors[24] / errors[4]) ** (1 / 20)
print(f"predicted {1 / np.sqrt(8):.4f}, measured over twenty sweeps {measured:.4f}")
assert abs(measured - 1 / np.sqrt(8)) < 0.02

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
for sweep, line in ((jacobi, "o--"), (gauss_seidel, "s-")):
    path = run(sweep, 3, 14)
    left.plot(path[:, 0], line, label=sweep.__name__)
    right.semilogy(np.linalg.norm(path - equilibrium, axis=1), line, label=sweep.__name__)
left.set(xlabel="sweep", ylabel="quantity of the first firm", title="Three firms")
right.set(xlabel="sweep", ylabel="distance from the equilibrium", title="The same on a logarithmic scale")
left.legend()
right.legend()
plt.show()

# %% [markdown]
# ## The catalogue knows this game
#
# `bestresponse games show cournot/theocharis-three-firms-1960` prints its source and answer.
# `diagnose_game` predicts the rates from derivatives (the spectral radius of one sweep) and measures them from plays.

# %%
from bestresponse.games import play
from bestresponse.games.diagnostics import diagnose_game
from experiments.catalogue import load, model_of

entry = load("cournot/theocharis-three-firms-1960")
game = model_of(entry).game
found = diagnose_game(game, np.array(entry.answers[0].x))
for rate in found.rates:
    print(f"{rate.order:13} predicted {rate.predicted:.4f}  measured {rate.measured:.4f}")
    assert abs(rate.predicted - entry.rates[rate.order].value) < 1e-5
    assert abs(rate.predicted - rate.measured) < 0.02

for order in ("jacobi", "gauss_seidel", "damped"):
    result = play(game, np.array(entry.start), order)
    print(f"{order:13} {result.stop}")
    assert result.solved == (order != "jacobi")

# %% [markdown]
# *Damped* goes only half of the way that Jacobi wants to go: the factor $-1$ of the common error becomes
# $\tfrac12 + \tfrac12(-1) = 0$, and the differences between firms, which Jacobi halves, shrink by
# $\tfrac12 + \tfrac12 \cdot \tfrac12 = \tfrac34$ a sweep: it converges, slower than Gauss–Seidel. Cures differ, the
# lesson is one: whether a market comes to rest depends on **how** its players take turns, not only on where its
# equilibrium lies.
