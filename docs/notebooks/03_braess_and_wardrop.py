# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 3 · Braess: a new road that makes everybody slower
#
# Six (thousand) drivers go from 1 to 4. The minutes on a road grow with the number $f$ of drivers on it:
#
# | road | 1→2 | 1→3 | 3→2 (the bridge) | 2→4 | 3→4 |
# |---|---|---|---|---|---|
# | minutes | $50 + f$ | $10 f$ | $10 + f$ | $10 f$ | $50 + f$ |
#
# Nobody rules the drivers. **Wardrop's principle** says where they end: every route that is used takes equally long,
# and no unused one is faster. Otherwise somebody would change.

# %%
import matplotlib.pyplot as plt
import numpy as np

constant = np.array([50.0, 0.0, 10.0, 0.0, 50.0])  # of the roads in the order of the table
slope = np.array([1.0, 10.0, 1.0, 10.0, 1.0])
ROUTES = {
    "1-2-4": np.array([1, 0, 0, 1, 0]),
    "1-3-4": np.array([0, 1, 0, 0, 1]),
    "1-3-2-4": np.array([0, 1, 1, 1, 0]),  # over the bridge
}
DRIVERS = 6.0


def minutes(flow):
    return constant + slope * flow


# %% [markdown]
# ## Frank–Wolfe: let everybody dream, then move a little
#
# 1. Look at today's times and find the fastest route.
# 2. The *dream*: all drivers on that route.
# 3. Move all flows a step towards the dream. How far? Beckmann (1956) found a function whose derivative by every
#    road's flow is that road's time, $B(f) = \sum \int_0^{f} \text{minutes}$. Its minimum is Wardrop's point, so we
#    step to the lowest $B$ on the way. With straight-line times that is one division.
#
# The **relative gap** is the share of all minutes that drivers could save at today's times. At Wardrop's point it is 0.


# %%
def frank_wolfe(routes, times=minutes, slopes=slope, iterations=4000, gap=1e-4):
    roads_of = np.array(list(routes.values()))
    flow = DRIVERS * roads_of[0]
    gaps = []
    for _ in range(iterations):
        time = times(flow)
        dream = DRIVERS * roads_of[np.argmin(roads_of @ time)]
        direction = dream - flow
        gaps.append(-(time @ direction) / (time @ flow))
        if gaps[-1] <= gap:
            break
        flow = flow + min(1.0, -(time @ direction) / (slopes @ direction**2)) * direction
    return flow, np.array(gaps)


without = {name: roads for name, roads in ROUTES.items() if name != "1-3-2-4"}
mean_minutes = {}
for title, routes in (("without the bridge", without), ("with the bridge", ROUTES)):
    flow, gaps = frank_wolfe(routes)
    mean_minutes[title] = minutes(flow) @ flow / DRIVERS
    print(f"{title:18}: {mean_minutes[title]:.2f} minutes each, gap {abs(gaps[-1]):.1e} after {len(gaps) - 1} moves")
    assert gaps[-1] <= 1e-4
    for name, roads in routes.items():
        print(f"    {name:8} {roads @ minutes(flow):.2f} minutes")

assert abs(mean_minutes["without the bridge"] - 83) < 0.01
assert abs(mean_minutes["with the bridge"] - 92) < 0.02
assert mean_minutes["with the bridge"] > mean_minutes["without the bridge"]

# %% [markdown]
# The bridge is open, nobody is forced over it, and everybody takes nine minutes longer. Each driver counts the own
# minutes, not those that it costs the others.
#
# ## What a ruler would do
#
# Let drivers count what one more of them costs *all*: the derivative of $f \cdot \text{minutes}(f)$, which is
# $\text{minutes}(f) + f \cdot \text{slope}$. The same algorithm finds the flows with the smallest total. A toll of
# $f \cdot \text{slope}$ would make drivers find it by themselves (Pigou).

# %%
best_flow, _ = frank_wolfe(ROUTES, times=lambda f: minutes(f) + slope * f, slopes=2 * slope)
optimum = minutes(best_flow) @ best_flow / DRIVERS
print(f"the ruler's best: {optimum:.2f} minutes each, {best_flow[2]:.2f} drivers on the bridge")
assert abs(optimum - 83) < 0.02 and best_flow[2] < 0.05

# %% [markdown]
# ## A second route to the same numbers
#
# The catalogue holds the published problem, and solves it as a complementarity problem, without Frank–Wolfe.

# %%
from experiments.catalogue import load, methods, solve

entry = load("traffic/braess-1968")
solved = solve(entry, methods(entry)[0])
answer = entry.answers[0]
print(f"{answer.meaning}; solved by {solved.method}: {solved.found.x.round(6)}")
assert solved.certified and solved.matches_published
assert abs(answer.multipliers["path_cost"][0] - mean_minutes["with the bridge"]) < 0.02
assert abs(answer.quantities["least_total_cost"][0] / DRIVERS - optimum) < 0.02

# %% [markdown]
# ## A real town
#
# Five roads were easy: a few moves and Frank–Wolfe was there. On Sioux Falls (24 nodes, 76 roads; LeBlanc, Morlok and
# Pierskalla 1975) its dreams jump between many routes, and it slows down near the answer. The method `path` of
# `bestresponse assign` moves drivers from dear to cheap routes instead.

# %%
from networks.road import load_road, load_trips
from players.traffic.network_assignment import AssignmentProblem, assign

problem = AssignmentProblem.of(load_road("sioux_falls"), load_trips("sioux_falls"))
figure, axes = plt.subplots(figsize=(9, 5))
iterations = {}
for algorithm, line in (("frank-wolfe", "-"), ("biconjugate", "--"), ("path", "o-")):
    found = assign(problem, algorithm, gap=1e-3)
    iterations[algorithm] = found.iterations
    axes.loglog(np.arange(1, len(found.gaps) + 1), found.gaps, line, label=algorithm)
    print(f"{algorithm:12} gap {found.gaps[-1]:.1e} after {found.iterations} iterations")
    assert found.converged
axes.set(xlabel="iteration", ylabel="relative gap", title="Sioux Falls: three ways to Wardrop's point")
axes.legend()
plt.show()
assert iterations["path"] < iterations["biconjugate"] < iterations["frank-wolfe"]

# %% [markdown]
# An iteration of one method is not as dear as one of another: count seconds before you choose. What this page shows is
# the shape of the curves.
