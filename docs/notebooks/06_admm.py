# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 6 · One scheme with three names: ADMM, Gauss–Seidel, Douglas–Rachford
#
# The scheme that this package uses by default, *sharing*, is known under three names: it is ADMM, which is
# Gauss–Seidel, which is a Douglas–Rachford map. We run all and compare them number by number. The last name is worth
# most: it makes a run a *map*, and maps can be sped up.
#
# The market has two goods, energy at noon and in the evening. A *town* uses both, a *sun* plant gives at noon and
# hardly in the evening, a *gas* plant gives at any time. Every cost is a parabola,
# $\ell \cdot t + \tfrac12\, t \cdot C t$, now of two trades at once, so $\ell$ is a pair of numbers and $C$ a table of
# two by two.

# %%
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

from bestresponse.market import Good, Market
from bestresponse.player import Anchor, Response, Signal

HOURS = ("noon", "evening")


@dataclass(frozen=True)
class Trader:
    """Its cost is linear · t + ½ t · curvature t."""

    name: str
    linear: np.ndarray
    curvature: np.ndarray
    goods: tuple[str, ...] = HOURS

    def best_response(self, signal):
        anchor = signal.anchor or Anchor(np.zeros(2), np.zeros(2))
        slope = self.linear + signal.price - anchor.weight * anchor.target  # the derivative where t is zero
        trade = np.linalg.solve(self.curvature + np.diag(anchor.weight), -slope)
        return Response(trade, float(self.linear @ trade + 0.5 * trade @ self.curvature @ trade), {"trade": trade})


players = (
    Trader("town", np.array([-12.0, -30.0]), np.array([[1.0, 0.6], [0.6, 1.5]])),  # the evening is worth more to it
    Trader("sun", np.array([1.0, 1.0]), np.diag([0.5, 8.0])),
    Trader("gas", np.array([4.0, 4.0]), np.diag([2.0, 1.0])),
)
market = Market(tuple(Good(hour, "energy", price_scale=1.0, quantity_scale=1.0) for hour in HOURS), players)

# At a price p everybody trades −C⁻¹(ℓ + p), so the price at which that sums to zero is the answer to one linear system:
inverses = [np.linalg.inv(player.curvature) for player in players]
clearing = np.linalg.solve(sum(inverses), -sum(C @ player.linear for C, player in zip(inverses, players, strict=True)))
print("clearing price:", dict(zip(HOURS, clearing.round(4).tolist(), strict=True)))

# %% [markdown]
# ## ADMM is Gauss–Seidel on the augmented Lagrangian
#
# Let $r$ be the sum of all trades. The **augmented Lagrangian** puts everything into one function: all costs, the
# imbalance at its price, and a penalty for being out of balance,
#
# $$L = \sum_i \text{cost}_i(t_i) + p \cdot r + \tfrac{\sigma}{2} \lVert r \rVert^2 .$$
#
# Gauss–Seidel (notebook 2) lowers it by one group after another, then moves the price by $\sigma r$. Seen by the town,
# $r$ is its own trade plus what the others do, so the penalty is an **anchor** (notebook 4): a pull towards the trade
# that would balance the market, $\tau = t - r$. Where $m$ players answer together, each mends its share only, or they
# would mend the same gap twice: $\tau = t - r/m$, and the pull is $m\sigma$. That is the *alternating direction method
# of multipliers*, **ADMM**.

# %%
SIGMA = 1.0
by_name = {player.name: player for player in players}
TURNS = (("sun", "gas"), ("town",))


def answer(name, price, weight, target):
    anchor = Anchor(np.full(2, weight), target)
    return by_name[name].best_response(Signal(price, anchor=anchor)).trade


def admm(price, sweeps):
    trades = {name: np.zeros(2) for name in by_name}
    path = []
    for _ in range(sweeps):
        for turn in TURNS:
            gap, m = sum(trades.values()), len(turn)
            trades |= {name: answer(name, price, m * SIGMA, trades[name] - gap / m) for name in turn}
        price = price + SIGMA * sum(trades.values())
        path.append(price)
    return np.array(path)


by_admm = admm(np.zeros(2), 60)
print("after 60 sweeps the price is off by", f"{np.abs(by_admm[-1] - clearing).max():.0e}")
assert np.allclose(by_admm[-1], clearing, atol=1e-8)

# %% [markdown]
# ## And it is a Douglas–Rachford map
#
# All that a sweep hands on to the next one is, for every plant $f$, the pair of numbers $\zeta_f = p + \rho\,t_f$ with
# $\rho = m\sigma$. So a sweep is a map $\zeta \mapsto T(\zeta)$, and a balanced market is a point that it leaves
# alone: $T(\zeta) = \zeta$. Put $\zeta$ in place of $p$ and $t_f$ in the loop above, and it becomes:

# %%
RHO = 2 * SIGMA  # two plants share each good
PLANTS = TURNS[0]


def douglas_rachford(zeta):
    """T: the next ζ (a row for each plant), and the market price on the way."""
    mean = zeta.mean(axis=0)
    price = mean + SIGMA * answer("town", mean, SIGMA, np.zeros(2))
    sold = [answer(name, 2 * price - own, RHO, np.zeros(2)) for name, own in zip(PLANTS, zeta, strict=True)]
    return price + RHO * np.array(sold), price


zeta = RHO * np.array([answer(name, np.zeros(2), RHO, np.zeros(2)) for name in PLANTS])  # where ADMM's first turn ends
by_map = []
for _ in range(60):
    zeta, price = douglas_rachford(zeta)
    by_map.append(price)

# %% [markdown]
# Here is the package: its scheme `gauss_seidel`, told our turns, and `sharing`, which is the map. Both are asked for a
# *plain* run, without acceleration and with fixed $\sigma$. Four routes, one list of prices:

# %%
from bestresponse.coordinator import PLAIN, UNBALANCED, coordinate
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.orders import Grouped
from bestresponse.schemes.sharing import Sharing
from bestresponse.start import Start

nothing = np.zeros(2)
first_turn = {name: answer(name, nothing, RHO, nothing) for name in PLANTS}
turns = coordinate(market, nothing, scheme=GaussSeidel(Grouped(TURNS)), sigma=SIGMA)
shared = coordinate(
    market, Start(nothing, first_turn), scheme=Sharing(), sigma=SIGMA, acceleration=PLAIN, balancing=UNBALANCED
)
routes = {"map by hand": by_map}
routes |= {found.method: [record.price for record in found.trace.records] for found in (turns, shared)}
print("price at noon and in the evening\nsweep  " + "".join(f"{name:20}" for name in ("ADMM by hand", *routes)))
for sweep in (0, 1, 2, 10, 30):
    prices = (by_admm[sweep], *(path[sweep] for path in routes.values()))
    print(f"{sweep + 1:5}  " + "".join(f"{noon:.5f}  {evening:<11.5f}" for noon, evening in prices))
for name, path in routes.items():
    both = min(len(path), len(by_admm))
    apart = np.abs(np.array(path[:both]) - by_admm[:both]).max()
    print(f"{name:12} differs from ADMM in no sweep of {both} by more than {apart:.0e}")
    assert apart < 1e-12
assert turns.solved and shared.solved

# %% [markdown]
# The differences are rounding. So a theorem on one is a theorem on all: Gabay (1983) and Eckstein and Bertsekas (1992)
# show that $T$ never brings two points further apart, and that its runs end at a fixed point for every $\sigma > 0$,
# if costs are convex and there is an equilibrium. *Every* $\sigma$ converges; how fast is another matter.
#
# ## How fast? A rate predicted, a rate measured
#
# Near the end of a run the error is multiplied by the same matrix in every sweep, the derivative of $T$, and what is
# left is its slowest direction: the factor is the largest modulus of an eigenvalue (notebook 2). `scheme_rate`
# predicts it from differences of sweeps at the equilibrium, and measures it in a run.
#
# **Relaxation** does not go to $T(\zeta)$ but to $\zeta + \alpha\,(T(\zeta) - \zeta)$; with $\alpha > 1$ it goes
# further. An eigenvalue $\lambda$ becomes $1 + \alpha(\lambda - 1)$. That helps against a slow creep ($\lambda$ near
# 1); past the best $\alpha$ another eigenvalue, one that swings, takes the lead.

# %%
from bestresponse.linear_rate import linear_rate
from bestresponse.plain_map import PlainMap
from bestresponse.scheme_rates import moves_nearby, predicted_rate, scheme_rate

alphas = np.linspace(0.5, 1.95, 30)
figure, axes = plt.subplots(figsize=(9, 5))
for sigma, line in ((0.1, "-"), (0.3, "--"), (1.0, ":"), (3.0, "-.")):
    at = Start(shared.price, {name: found.trade for name, found in shared.responses.items()}, sigma)
    rate = scheme_rate(market, Sharing(), at)
    print(f"σ = {sigma:3}: factor of one sweep {rate.predicted:.4f} predicted, {rate.measured:.4f} measured")
    assert abs(rate.predicted - rate.measured) < 0.01
    predicted = [predicted_rate(market, Sharing(), at, alpha) for alpha in alphas]
    (drawn,) = axes.plot(alphas, predicted, line, label=f"σ = {sigma}")
    for alpha in (0.7, 1.0, 1.3, 1.6):
        moves = moves_nearby(PlainMap(market, Sharing(), at, alpha), sweeps=400)
        axes.plot(alpha, linear_rate(moves), "o", color=drawn.get_color())
axes.plot([], [], "o", color="black", label="measured")
axes.set(
    xlabel="relaxation α", ylabel="factor of one sweep", title="Factor of one sweep: predicted (lines), measured (dots)"
)
axes.legend()
plt.show()

# %% [markdown]
# ## Anderson: learn from the last sweeps
#
# Every sweep shows a state $\zeta$ and its residual $f = T(\zeta) - \zeta$. **Anderson acceleration** looks for the
# mix of the last states whose residuals cancel best (a least-squares fit), and goes on from there. Where $T$ is
# linear, as here, residuals of $n$ numbers can be cancelled completely by $n + 1$ of them: as a rule the run is over
# after $n + 2$ sweeps, whatever the eigenvalues and whatever $\sigma$ (Walker and Ni 2011). Our $\zeta$ has four
# numbers.

# %%
from bestresponse.acceleration import Anderson

ways = {"plain": PLAIN, "relaxed, α = 1.6": Anderson(memory=0, relaxation=1.6), "Anderson": Anderson()}
figure, axes = plt.subplots(figsize=(9, 5))
print("sweeps to 1e-8     " + "".join(f"{name:>18}" for name in ways))
for sigma in (0.1, 0.3, 1.0, 3.0):
    runs = {
        name: coordinate(market, nothing, scheme=Sharing(), sigma=sigma, acceleration=way, balancing=UNBALANCED)
        for name, way in ways.items()
    }
    print(f"σ = {sigma:3}            " + "".join(f"{len(run.trace):18}" for run in runs.values()))
    assert all(run.solved for run in runs.values()) and len(runs["Anderson"].trace) <= zeta.size + 2
    if sigma == SIGMA:
        for (name, run), line in zip(runs.items(), ("o-", "s--", "D-"), strict=True):
            error = [np.linalg.norm(record.price - clearing) for record in run.trace.records]
            axes.semilogy(range(1, len(error) + 1), error, line, markersize=4, label=name)
axes.set(
    xlabel="sweep",
    ylabel="distance from the clearing price [$/kWh]",
    title=f"Plain, relaxed and accelerated, σ = {SIGMA:g}",
)
axes.legend()
plt.show()

# %% [markdown]
# ## Where learning misleads
#
# Most markets are linear only piece by piece, and on the way a run can stand on a piece that says nothing. Here is
# one: a town that needs more than two plants can give in the evening, and would pay up to 40 for it. Until the price
# is there, everybody sits at a bound, every sweep shows the *same* residual, and differences of equal residuals are
# zero or rounding. A fit to rounding can say anything. The package therefore cuts steps that are much longer than
# plain ones, takes back those that made things worse, and goes further and further where nothing is learned but the
# direction.

# %%
from players.convex_program import ConvexProgram, Formulation  # isort: skip
import cvxpy as cp

WORTH, NEED = 40.0, np.array([60.0, 100.0])
COSTS = {"cheap": (1.0, 50.0), "dear": (5.0, 20.0)}  # of a unit, and the largest output


class Town(ConvexProgram):
    def formulate(self):
        use = cp.Variable(2, name="use", nonneg=True)
        return Formulation(cost=-WORTH * cp.sum(use), trade=use, constraints={"need": use <= NEED})


class Plant(ConvexProgram):
    def formulate(self):
        unit_cost, most = COSTS[self.name]
        output = cp.Variable(2, name="output", bounds=[0, most])
        cost = unit_cost * cp.sum(output) + 0.05 * cp.sum_squares(output)
        return Formulation(cost=cost, trade=-output, constraints={})


scarce = Market(
    tuple(Good(hour, "energy", price_scale=1.0, quantity_scale=100.0) for hour in HOURS),
    (Town("town", HOURS), *(Plant(name, HOURS) for name in COSTS)),
)
ways = {
    "plain": PLAIN,
    "Anderson that believes every fit": Anderson(cap=1e12, rollback=1e12, growth=1.0),
    "Anderson, safeguarded": Anderson(),
}
runs = {
    name: coordinate(scarce, nothing, sigma=0.3, acceleration=way, balancing=UNBALANCED) for name, way in ways.items()
}
for name, run in runs.items():
    highest, last = max(np.abs(record.price).max() for record in run.trace.records), run.trace.records[-1]
    print(f"{name}: {run.stop}")
    print(f"    highest price {highest:.3g}; {last.clipped} steps cut, {last.rolled_back} taken back")
plain, believing, safe = runs.values()
assert plain.solved and safe.solved and abs(safe.price[1] - WORTH) < 1e-4
assert len(safe.trace) < len(plain.trace) / 2
assert not believing.solved or len(believing.trace) > len(safe.trace)

figure, axes = plt.subplots(figsize=(9, 5))
for name, line in (("plain", "-"), ("Anderson, safeguarded", "o-")):
    axes.plot([record.price[1] for record in runs[name].trace.records], line, markersize=4, label=name)
axes.axhline(WORTH, color="black", linewidth=1, label="what the town would pay")
axes.set(xlabel="sweep", ylabel="evening price [$/kWh]", title="A scarcity price has far to travel")
axes.legend()
plt.show()

# %% [markdown]
# ## Newton: ask for slopes
#
# Anderson guesses from past sweeps how $T$ answers to a change of its state. There is a shorter way: ask. What every
# player knows, and the coordinator does not, is the slope of its trades in the price, $S = \partial t / \partial p$.
# Told a price and an anchor of weight $W$, a trader of ours answers $t = -(C + W)^{-1}(\ell + p)$ but for the anchor's
# target, so $S = -(C + W)^{-1}$. With everybody's slope, the derivative of `douglas_rachford` is its own lines once
# more: for small changes $\delta\zeta_f$ with the mean $m$,
#
# $$\delta p = (1 + \sigma S_{town})\,m, \qquad
#   \delta T_f = \delta p + \rho\,S_f\,(2\,\delta p - \delta\zeta_f) .$$
#
# **Newton's method** goes where the residual $f = T(\zeta) - \zeta$ would vanish if $T$ were linear: it adds the $d$
# with $(1 - T')\,d = f$ to $\zeta$. On this market $T$ *is* linear.


# %%
class OpenTrader(Trader):
    """Says what its slope is."""

    def sensitivity(self, signal):
        return -np.linalg.inv(self.curvature + np.diag(signal.anchor.weight))


open_market = Market(market.goods, tuple(OpenTrader(**vars(player)) for player in players))
slopes = {  # of every player, with the anchor that it is asked with
    player.name: player.sensitivity(Signal(nothing, anchor=Anchor(np.full(2, weight), nothing)))
    for player, weight in zip(open_market, (SIGMA, RHO, RHO), strict=True)
}


def derivative(change):
    """T' times a change of ζ (a row for each plant)."""
    mean = change.mean(axis=0)
    price = mean + SIGMA * slopes["town"] @ mean
    return np.array([price + RHO * slopes[f] @ (2 * price - own) for f, own in zip(PLANTS, change, strict=True)])


unit = np.eye(4)
T_prime = np.array([derivative(one.reshape(2, 2)).ravel() for one in unit]).T
zeta = np.zeros((2, 2))
residual = douglas_rachford(zeta)[0] - zeta
step = np.linalg.solve(unit - T_prime, residual.ravel()).reshape(2, 2)
off = [np.abs(douglas_rachford(state)[1] - clearing).max() for state in (zeta, zeta + step)]
print(f"the price is off by {off[0]:.2f} before one step of Newton's, and by {off[1]:.0e} after it")
assert off[1] < 1e-12 < off[0]

# %% [markdown]
# Where $T$ is only close to what its slope says, a whole step may lead astray. A **damped** step solves
#
# $$(1 + \lambda - T')\,d = (1 + \lambda)\,f .$$
#
# With $\lambda = 0$ it is Newton's, with a large $\lambda$ the plain $d = f$. An eigenvalue $\mu$ of $T'$ becomes
# $\lambda\mu / (1 + \lambda - \mu)$. The distance of $\mu$ from $1 + \lambda$ is at least $\lambda$ if
# $|\mu| \le 1$, as it is for a map that brings no two points further apart. So near an answer no $\lambda$ is slower
# than the plain sweep.

# %%
mu = np.linalg.eigvals(T_prime)
print(f"plain: factor of one sweep {np.abs(mu).max():.4f}")
for damping in (100.0, 10.0, 1.0, 0.1, 0.001):
    matrix = np.linalg.solve((1 + damping) * unit - T_prime, (1 + damping) * (T_prime - unit))
    factor = np.abs(np.linalg.eigvals(unit + matrix)).max()
    print(f"λ = {damping:5g}: {factor:.4f}")
    assert np.isclose(factor, np.abs(damping * mu / (1 + damping - mu)).max()) and factor <= np.abs(mu).max()

# %% [markdown]
# The package begins with some damping. It takes less after a sweep whose residual is near the one that $T'$ promised,
# and more where it is not. A step after which the residual has grown a lot is taken back and tried shorter, and where
# no residual gets smaller for a while, damping grows until one does. That is the default where every player has a
# `sensitivity`. A `ConvexProgram` has one, as its answers are linear while the same limits bind, so the market with the
# far scarcity price can be asked, too.

# %%
from bestresponse.newton import Newton

linear = {
    name: coordinate(open_market, nothing, scheme=Sharing(), sigma=SIGMA, acceleration=way, balancing=UNBALANCED)
    for name, way in (("plain", PLAIN), ("Anderson", Anderson()), ("Newton", Newton()))
}
trusting = Newton(damping=1e-3, trusted=1e12, doubted=1e12, rollback=1e12, patience=10**6)
long_way = {
    "plain": plain,
    "Anderson": safe,
    "Newton that trusts every slope": coordinate(
        scarce, nothing, sigma=0.3, acceleration=trusting, balancing=UNBALANCED
    ),
    "Newton": coordinate(scarce, nothing, sigma=0.3, acceleration=Newton(), balancing=UNBALANCED),
}
LINES = {"plain": "C0-", "Anderson": "C1s--", "Newton": "ko-", "Newton that trusts every slope": "C4D:"}
figure, panels = plt.subplots(1, 2, figsize=(11, 5), sharey=True, layout="constrained")
for panel, title, found in zip(panels, ("Linear players", "A far scarcity price"), (linear, long_way), strict=True):
    for name, run in found.items():
        line, records = LINES[name], run.trace.records
        worst = [max(record.imbalance, record.disagreement) for record in records]
        panel.loglog(range(1, len(worst) + 1), worst, line, markersize=4, label=name)
        print(f"{title}, {name}: {'solved' if run.solved else 'stopped'} after {len(records)} sweeps")
    panel.set(xlabel="sweep", title=title)
figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
panels[0].set(ylabel="imbalance or disagreement, the larger [relative]")
plt.show()
print("Newton that trusts every slope:", long_way["Newton that trusts every slope"].stop)
assert all(run.solved for run in linear.values()) and len(linear["Newton"].trace) < len(linear["plain"].trace) / 4
assert long_way["Newton"].solved and len(long_way["Newton"].trace) < len(safe.trace)

# %% [markdown]
# A right slope is no promise. Every slope here is that of one straight piece, and a step may end on another, whose
# slope leads back: who trusts them all goes round in circles. A damping that grows where the promise was not kept
# leads out of them, and if ever it does not, there is the one that grows while nothing gets smaller: at its end stand
# plain steps, whose residual never rises and goes to zero where the theorem above holds. By default $\sigma$ changes,
# too, every few sweeps: another $\sigma$ is another map with the same answer, and Newton has nothing to forget then,
# while Anderson would lose what it has learned.
#
# And asking has a price that no figure shows. A slope says more about a player than a trade does, such as whether it
# stands at a limit, and how much less it would take if the price were a cent higher. Where only one player keeps its
# slope to itself, the package falls back on Anderson.
#
# An accelerator changes how fast a run goes, and never what it may claim: every line above ends with the package's own
# stopping rule, and "solved" means that a certificate holds (notebook 5), however the prices were found.
