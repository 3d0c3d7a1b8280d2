# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 7 · Complementarity and the interior point, one iteration at a time
#
# Two firms as in notebook 2 sell at the price $13 - Q$, but now a unit costs the first one 1 and the second one 9.
# Setting derivatives to zero gives the second firm a *negative* quantity. It would rather stay out. The honest
# condition is not "derivative zero" but a choice. With $z_i$ the quantity of a firm and $w_i$ what one more unit would
# *lose* it,
#
# $$z_i \ge 0, \qquad w_i \ge 0, \qquad z_i\,w_i = 0 .$$
#
# Either a firm sells, and then one more unit gains it nothing; or it stays out, and then the first unit would lose.
# Here $w_i = c_i - 13 + Q + z_i$, a straight line: $w = Mz + q$. That is a **linear complementarity problem**, and all
# equilibrium problems of this package are of its kind, with more rows.

# %%
import matplotlib.pyplot as plt
import numpy as np

M = np.array([[2.0, 1.0], [1.0, 2.0]])


def constant(unit_costs):
    return np.array(unit_costs) - 13.0


def guess(sells, q):
    """The quantities if exactly these firms sell, and what one more unit would lose everybody."""
    z = np.zeros(2)
    z[sells] = np.linalg.solve(M[np.ix_(sells, sells)], -q[sells])
    return z, M @ z + q


q = constant([1.0, 9.0])
for sells in ([], [0], [1], [0, 1]):
    z, w = guess(sells, q)
    fits = (z >= 0).all() and (w >= 0).all()
    names = " and ".join(f"firm {firm + 1}" for firm in sells) or "nobody"
    print(f"{names:17} sells: z = {z.round(3)!s:17} w = {w.round(3)!s:15} {'this is it' if fits else 'no'}")
    if fits:
        solution = z
assert np.allclose(solution, [6, 0])

# %% [markdown]
# Two firms, four guesses. But every further firm doubles them, and the markets at the end of this page have thousands.
#
# ## Through the middle
#
# An **interior point** does not guess. It stays where all $z$ and $w$ are above zero and asks for $z_i w_i = \mu$
# instead of zero. For every $\mu > 0$ that has one answer; together they form the **central path**, which leads to the
# solution as $\mu$ goes to zero. A step is Newton's: replace $z_i w_i$ by its tangent, aim at a smaller $\mu$, solve
# two linear equations, go there, but stop a little before the first $z$ or $w$ would be zero.


# %%
def interior_step(z, w, q, aim):
    """One Newton step towards w = Mz + q and z w = aim · (their mean product); how far it went."""
    wrong, mean = w - (M @ z + q), z @ w / len(z)
    # The tangents: w + dw = M (z + dz) + q,  and  z w + z dw + w dz = aim · mean
    dz = np.linalg.solve(M + np.diag(w / z), wrong + aim * mean / z - w)
    dw = M @ dz - wrong
    shrink = np.concatenate([-dz / z, -dw / w]).max()  # the one that would be zero first
    length = min(1.0, 0.99 / shrink) if shrink > 0 else 1.0
    return z + length * dz, w + length * dw, length


AIM = 0.3  # at which share of the present μ a step aims


def interior_point(q, z, w, iterations=16):
    path = [(z, w, np.nan)]
    for _ in range(iterations):
        path.append(interior_step(*path[-1][:2], q, AIM))
    return path


start = np.array([2.0, 6.0]), np.array([8.0, 3.0])
path = interior_point(q, *start)
print("iteration        μ    w − Mz − q    length    quantities")
for k, (z, w, length) in enumerate(path):
    went = f"{length:.2f}" if k else "start"
    print(f"{k:9} {z @ w / 2:8.1e} {np.abs(w - M @ z - q).max():13.1e} {went:>9}    {z[0]:.6f}  {z[1]:.6f}")
assert np.allclose(path[-1][0], solution, atol=1e-6)

# %% [markdown]
# Three columns tell the whole story of such a run. With every full step $\mu$ falls to about the share of itself that
# we aimed at. The gap between $w$ and $Mz + q$, which the start need not satisfy, shrinks to $1 - \text{length}$ of
# itself and is gone after the first full step. And a short length says that some $z$ or $w$ got to its bound too
# early.

# %%
figure, axes = plt.subplots(figsize=(9, 6))
centre, z = [], np.array([8.0, 8.0])
for mu in np.geomspace(60, 1e-5, 200):
    for _ in range(30):  # Newton on z (Mz + q) = μ
        z = z - np.linalg.solve(np.diag(M @ z + q) + z[:, None] * M, z * (M @ z + q) - mu)
    centre.append(z)
shown = np.array([z for z, _, _ in path])
line = np.linspace(0, 12, 2)
axes.plot((12 - line) / 2, line, ":", color="black", label="the first firm's w is zero")
axes.plot(4 - 2 * line, line, "--", color="grey", label="the second firm's w is zero")
axes.plot(*np.array(centre).T, color="tab:orange", label="central path")
axes.plot(*shown.T, "o-", color="tab:blue", markersize=5, linewidth=1, label="iterates")
axes.plot(*solution, "*", color="black", markersize=15, label="solution")
axes.set(xlim=(0, 9), ylim=(0, 8), xlabel="quantity of the first firm", ylabel="quantity of the second firm")
axes.set_title("The way through the interior")
axes.legend(loc="upper right")
plt.show()

# %% [markdown]
# ## When both are zero, and the polish
#
# Let the second firm's unit cost fall until it is just about to enter: both its $z$ and its $w$ are zero at the
# solution. Nothing is wrong with such a market, but for an interior point it is bad news. If $z_i w_i = \mu$ and both
# go to zero together, each is about $\sqrt\mu$: for eight digits of the answer, $\mu$ has to have sixteen.
#
# The cure is to stop half-way. By then the iterate shows who sells ($z_i > w_i$) and who does not, and that *one*
# guess can be solved exactly. This is the **polish**.

# %%
at_the_edge = constant([1.0, 7.0])
exact = np.array([6.0, 0.0])
figure, axes = plt.subplots(figsize=(9, 5))
for name, q_of, marker in (("firm 2 clearly stays out", q, "o-"), ("firm 2 about to enter", at_the_edge, "s--")):
    path = interior_point(q_of, *start)
    mu = np.array([z @ w / 2 for z, w, _ in path])
    error = np.array([np.abs(z - exact).max() for z, _, _ in path])
    order = np.polyfit(np.log(mu[-6:]), np.log(error[-6:]), 1)[0]
    axes.loglog(mu, error, marker, markersize=5, label=name)
    z, w, _ = path[8]
    sells = np.flatnonzero(z > w)
    polished, _ = guess(sells, q_of)
    print(f"{name}: the error goes like μ to the power {order:.2f}.")
    print(f"    After 8 iterations it is {error[8]:.0e}, after a polish {np.abs(polished - exact).max():.0e}.")
    assert np.abs(polished - exact).max() < 1e-12 and error[8] > 1e-9
    assert abs(order - (1.0 if q_of is q else 0.5)) < 0.05
axes.set(xlabel="μ", ylabel="largest error of z", title="What an iterate is worth: its error by μ")
axes.invert_xaxis()
axes.legend()
plt.show()

# %% [markdown]
# ## The same in bestresponse
#
# `solve_mcp` takes any $F$ with its derivative, and bounds below and above. It aims and corrects its steps with more
# care, and tries a polish once $\mu$ is small. Its trace says of every iteration what we printed above, and how far
# the products $s z$ of slack and multiplier are from their mean; LUs are the linear systems solved so far. What turns
# out to come from a quadratic program it would hand to a solver of those, which leaves no trace: `recognise=False`.

# %%
from bestresponse.complementarity import solve_mcp

for q_of in (q, at_the_edge):
    found = solve_mcp(lambda z, q=q_of: M @ z + q, lambda z: M, np.zeros(2), np.full(2, np.inf), recognise=False)
    print(f"{found.trace_table()}\nz = {found.x.round(9)}, natural residual {found.residual:.0e}, by {found.method}\n")
    assert found.trace and found.converged and np.allclose(found.x, exact, atol=1e-12)

# %% [markdown]
# ## A whole market as one such problem
#
# Stack what every player decides, the multipliers of its rows, and the prices. A price is free, and its row says that
# trades sum to zero. This is the package's second route, the **monolith**: it never asks a player for an answer. First
# the market of notebook 4, which has a name for every row.

# %%
from players.convex_program import ConvexProgram, Formulation  # isort: skip
import cvxpy as cp

from bestresponse.market import Good, Market
from bestresponse.system import ComplementaritySystem

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
system = ComplementaritySystem(market)
small = solve_mcp(system.problem, recognise=False)
values = system.scale * small.x
for row in range(system.size):
    bounds = f"[{system.problem.lower[row] * system.scale[row]:g}, {system.problem.upper[row] * system.scale[row]:g}]"
    print(f"{system.problem.name_of(row):28} in {bounds:12} is {values[row]:8.3f}")
assert small.converged and abs(values[-1] - 50) < 1e-9

# %% [markdown]
# Then the small teaching case with drivers, feeder and all, and the flagship, in a scenario in which energy is scarce.

# %%
from textwrap import fill

from bestresponse.certificate import certify
from bestresponse.stopping import Tolerances
from experiments import load_case
from experiments.build import build

markets = {"the market above": market}
for case in ("teaching", "sioux_falls_ieee123"):
    markets[f"{case}, stress"] = build(load_case(case), "stress", True).market

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
for (name, each), line in zip(markets.items(), ("o-", "s--", "D:"), strict=True):
    system = ComplementaritySystem(each)
    found = solve_mcp(system.problem, recognise=False)
    pairs = np.isfinite(system.problem.lower).sum() + np.isfinite(system.problem.upper).sum()
    print(f"{name}: {system.size} rows, {pairs} pairs; the number of guesses has {pairs * np.log10(2):.0f} digits.")
    print(f"    {len(found.trace)} iterations, {found.factorisations} systems; natural residual {found.residual:.0e}")
    certificate = certify(each, *system.unstack(found.x), Tolerances())
    print(fill(str(certificate), 96, initial_indent="    ", subsequent_indent="    "))
    assert found.converged and certificate.holds and len(found.trace) < 30
    mu = [record.mu for record in found.trace]
    (drawn,) = left.semilogy(mu, line, markersize=5, label=name)
    left.semilogy(len(mu), max(found.residual, 1e-17), "*", color=drawn.get_color(), markersize=14)
    right.plot([record.step for record in found.trace], line, markersize=5, label=name)
left.semilogy([], [], "*", color="black", markersize=14, label="natural residual after the polish")
left.set(xlabel="iteration", ylabel="μ", title="μ by iteration, and what the polish makes of it")
right.set(xlabel="iteration", ylabel="length of the step", ylim=(0, 1.05), title="How far each step goes")
left.legend()
right.legend()
plt.show()

# %% [markdown]
# Nobody will ever try as many guesses; the interior point needs hardly more steps than for two firms. At the end the
# certificate asks the players, whom nobody has asked so far, whether they are content. Two routes that share nothing
# but the players' problems, and meet in one point: there is no better evidence that neither is wrong.
