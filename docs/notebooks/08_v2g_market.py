# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # 8 · The market of vehicles and grid: scarcity prices, and who drives where because of them
#
# Everything so far was small enough for a blackboard. This is the market that the package was made for, after Hou, Li
# and Pang (arXiv:2605.16765): the roads of Sioux Falls over the IEEE feeder with 123 buses.
#
# | player | decides | its own cost |
# |---|---|---|
# | drivers | routes and where to stop; electric ones may charge, and with V2G discharge | time, battery wear |
# | charging operator | what to buy and sell at the buses of its stations | none: it passes prices on |
# | load serving entities | what to generate and to buy, what load to shed | fuel, and the loss of who is not served |
# | grid operator | flows on lines with limits, and what to import | import |
# | households | how much to use at a price | minus what their use is worth |
#
# **V2G**, vehicle to grid, is the right of a vehicle to sell energy on its way. There are three scenarios: an ordinary
# hour (*base*), one with more load (*stress*), and one with more load in which lines are out and parts of the feeder
# are on their own (*island*). `solve` takes both routes, the coordinator and the monolith, certifies each and compares
# them.

# %%
import matplotlib.pyplot as plt
import numpy as np

from experiments import load_case, solve

case = load_case("paper_findings")
SCENARIOS = ("base", "stress", "island")
results = {(scenario, v2g): solve(case, scenario, v2g) for scenario in SCENARIOS for v2g in (False, True)}
LOOK = {False: ("without V2G", "tab:blue", "o"), True: ("with V2G", "tab:orange", "s")}

for (scenario, v2g), result in results.items():
    agree = "agree" if result.routes_agree else "differ"
    cost = result.quantities["social_cost_usd_per_h"]
    print(f"{scenario:6} {LOOK[v2g][0]:12} {result.sweeps:4} sweeps, both routes {agree}; cost of all {cost:9.2f} $/h")
    assert result.solved and result.routes_agree

# %% [markdown]
# ## What a price says
#
# The **DLMP** of a bus (distribution locational marginal price) is the price of one more kilowatt there. While a plant
# somewhere can give more, that is the cost of its next kilowatt. If nobody can, one more kilowatt here is one less for
# somebody else, and the price is what *that* costs. Where a line is full, the two sides have two prices, for more
# power on the one side does not reach the other.


# %%
def dearest_bus(result):
    prices = result.quantities["dlmp_usd_per_kwh"]
    return max(prices, key=prices.get)


print(f"A kWh that is not served costs {case.households.value_of_lost_load_usd_per_kwh:g} $.")
top = {}
for (scenario, v2g), result in results.items():
    bus, quantities = dearest_bus(result), result.quantities
    top[scenario, v2g] = quantities["dlmp_usd_per_kwh"][bus]
    parts = quantities["dlmp_parts_usd_per_kwh"][bus]
    made_of = " + ".join(f"{part} {price:.3f}" for part, price in parts.items() if abs(price) > 1e-6)
    shed = quantities["load_shed_kw"]
    print(
        f"{scenario:6} {LOOK[v2g][0]:12} sheds {shed:6.1f} kW. Dearest bus: {top[scenario, v2g]:7.3f} $/kWh = {made_of}"
    )
for scenario in ("stress", "island"):
    before, after = (top[scenario, v2g] / top["base", v2g] for v2g in (False, True))
    print(f"In {scenario} the dearest bus pays {before:.0f} times as much as in base, with V2G {after:.2f} times.")
    assert results[scenario, False].quantities["load_shed_kw"] > 1 > results[scenario, True].quantities["load_shed_kw"]
    assert before > 5 > after

figure, panels = plt.subplots(1, 2, figsize=(12, 5), sharey=True)
for scenario, axes in zip(("stress", "island"), panels, strict=True):
    for v2g, (words, colour, marker) in LOOK.items():
        prices = results[scenario, v2g].table("dlmp")["dlmp_usd_per_kwh"]
        axes.semilogy(range(len(prices)), prices, marker, color=colour, markersize=5, fillstyle="none", label=words)
    axes.axhline(top["base", False], color="black", linewidth=1, label="dearest bus in base")
    axes.set(xlabel="bus, counted along the feeder", ylabel="DLMP [$/kWh]", title=f"Price at every bus in {scenario}")
    axes.legend()
plt.show()

# %% [markdown]
# ## Why a driver would sell
#
# Electric vehicles see these prices at the stations. A driver's bill has three parts: time on the road, time at
# stations (waiting and plugged in), and energy, bought less sold and with the wear of the battery. As in notebook 3, a
# driver takes the cheapest way, so a dear station is a reason for a longer road, and a good price for what is in the
# battery is a reason to stop on the way. Here are those who drive from node 1 to node 20; (+) marks a charge, (−) a
# discharge.

# %%
from experiments.reproduction.trips import dominant_path, path_text

PAIR = "1-20"
for scenario in SCENARIOS:
    for v2g in (False, True):
        path = dominant_path(results[scenario, v2g].quantities["paths"], PAIR)
        bill = [path[part] for part in ("time_usd", "station_usd", "energy_usd")]
        parts = " + ".join(f"{part:.2f}" for part in bill)
        words = f"{scenario:6} {LOOK[v2g][0]:12} {path_text(path):26}"
        print(f"{words} time + stations + energy = {parts} = {sum(bill):.2f} $")
        cheapest = results[scenario, v2g].quantities["od_cost_usd"][PAIR]
        assert abs(sum(bill) - cheapest) < 1e-4 * cheapest  # nobody on this pair could do better (Wardrop)

# %% [markdown]
# ## Energy at the stations
#
# What a station takes from the grid, charging less discharging. Below zero it is a small power plant on wheels.

# %%
figure, panels = plt.subplots(1, 2, figsize=(12, 4.5), sharey=True)
for scenario, axes in zip(("stress", "island"), panels, strict=True):
    for shift, (v2g, (words, colour, _)) in zip((-0.2, 0.2), LOOK.items(), strict=True):
        net = results[scenario, v2g].table("stations")["net_kw"]
        axes.bar(np.arange(len(net)) + shift, net, 0.38, color=colour, edgecolor="black", label=words)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xticks(range(len(net)), labels=net.index)
    axes.set(xlabel="station at road node", ylabel="net load [kW]", title=f"What stations take in {scenario}")
    axes.legend()
plt.show()
for scenario in SCENARIOS:
    for v2g in (False, True):
        charged, discharged = (results[scenario, v2g].quantities[f"{way}_kw"] for way in ("charged", "discharged"))
        print(f"{scenario:6} {LOOK[v2g][0]:12} charged {charged:6.1f} kW, discharged {discharged:6.1f} kW")
assert results["island", True].table("stations")["net_kw"].sum() < 0

# %% [markdown]
# ## Who drives elsewhere
#
# The right to sell energy changes traffic. The maps show how many more vehicles (or fewer) each road has in *stress*
# with V2G than without: on the left electric vehicles alone, on the right all. Every direction of a road is drawn on
# its right side.

# %%
from itertools import pairwise

from experiments.reproduction.maps import maps_of

road = maps_of(case).road
ends = {pair: link for link, pair in road.links.items()}


def electric(quantities):
    """How many electric vehicles there are on each road."""
    flow = dict.fromkeys(road.links, 0.0)
    for path in quantities["paths"]:
        for pair in pairwise(path["route"]):
            flow[ends[pair]] += path["flow_veh_per_h"] if path["class"] == "EV" else 0.0
    return flow


def draw_change(axes, change, title):
    largest, apart = max(map(abs, change.values())), 0.012 * np.ptp(road.xy, axis=0).max()
    for (start, end), link in ends.items():
        x, y = np.array([road.place[start], road.place[end]]).T
        aside = apart / np.hypot(np.ptp(x), np.ptp(y)) * np.array([y[1] - y[0], x[0] - x[1]])
        axes.plot(x, y, color="lightgrey", linewidth=1, zorder=1)
        if abs(change[link]) > 0.02 * largest:
            colour, line = ("tab:orange", "-") if change[link] > 0 else ("tab:blue", (0, (1.5, 0.7)))
            width = 1 + 6 * abs(change[link]) / largest
            axes.plot(x + aside[0], y + aside[1], linestyle=line, color=colour, linewidth=width, zorder=2)
    for node, (x, y) in road.place.items():
        marker, colour = ("s", "khaki") if node in road.stations else ("o", "white")
        axes.plot(x, y, marker, color=colour, markeredgecolor="black", markersize=15, zorder=3)
        axes.annotate(str(node), (x, y), ha="center", va="center", fontsize=8, zorder=4)
    axes.set(title=f"{title}: change by V2G, the widest {largest:.0f} an hour", aspect="equal")
    axes.set_axis_off()


stress = {v2g: results["stress", v2g].quantities for v2g in (False, True)}
every = {v2g: stress[v2g]["link_flow_veh_per_h"] for v2g in stress}
battery = {v2g: electric(stress[v2g]) for v2g in stress}
change, of_electric = ({link: flow[True][link] - flow[False][link] for link in road.links} for flow in (every, battery))
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 7))
draw_change(left, of_electric, "Electric vehicles")
draw_change(right, change, "All vehicles")
left.plot([], [], "-", color="tab:orange", linewidth=5, label="more with V2G")
left.plot([], [], color="tab:blue", linestyle=(0, (1.5, 0.7)), linewidth=5, label="fewer with V2G")
left.plot([], [], "s", color="khaki", markeredgecolor="black", markersize=12, label="station")
figure.legend(loc="lower center", ncols=3)
plt.show()

print("road      electric vehicles, without → with V2G      all vehicles")
for link in sorted(change, key=lambda link: -abs(of_electric[link]))[:8]:
    electric_there = f"{battery[False][link]:6.1f} → {battery[True][link]:6.1f}"
    print(f"{link:8} {electric_there:>36} {every[False][link]:14.1f} → {every[True][link]:6.1f}")

sums = [sum(map(abs, each.values())) for each in (of_electric, change)]
print(f"changes of all roads together: {sums[0]:.0f} electric vehicles, {sums[1]:.0f} vehicles")
assert sums[1] < sums[0]

# %% [markdown]
# Compare the columns. Where electric vehicles come to a road that others can avoid, drivers of fuel make room, until
# all routes that are used take equally long again: Wardrop's principle (notebook 3) hides a good part of the change
# from whoever counts vehicles only.
#
# ## The paper's thirteen findings, read off these six runs
#
# The package judges every finding of the paper by checks on stored results; `bestresponse reproduce` makes a report of
# them with all figures. Here is what it says of the runs above: the statement, and what *we* measured.

# %%
from tempfile import TemporaryDirectory
from textwrap import fill

from experiments.reproduction.evidence import by_name
from experiments.reproduction.findings import findings
from experiments.store import Store
from experiments.task import Task

with TemporaryDirectory() as folder:
    store = Store.make(folder)
    runs = by_name(store.add(Task(case, *name), result) for name, result in results.items())
    judged = findings(runs)
for finding in judged:
    print(fill(f"{finding.name}: {finding.statement}", 96, subsequent_indent="    "))
    outcome = "Holds" if finding.holds else "Does not hold"
    print(fill(f"{outcome}: {finding.ours}", 96, initial_indent="    ", subsequent_indent="    "))
print(f"\n{sum(bool(finding.holds) for finding in judged)} of {len(judged)} hold.")
assert all(finding.holds for finding in judged)

# %% [markdown]
# ## How far to believe it
#
# The certificate says that these are equilibria of this model, and two routes agree. It says nothing about whether the
# model is the world. This case was calibrated to the paper's findings, and some of what it assumes is far from a usual
# car:

# %%
vehicles = case.vehicles
print(f"a battery of {vehicles.battery_kwh:g} kWh that may be sold down to {vehicles.post_discharge_kwh:g} kWh only,")
print(f"and a consumption of {vehicles.consumption_kwh_per_km:g} kWh per km")

# %% [markdown]
# How many small changes of the data keep all findings is measured in the study `sensitivity`
# (`bestresponse sweep sensitivity`), and a second, more robust case, `sioux_falls_ieee123`, keeps some of them only.
# Change a number in the case and run this page again: that is what it is for.
