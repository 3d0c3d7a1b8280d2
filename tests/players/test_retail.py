"""Load serving entities and households: demand curves, duties, and Cournot competition in closed form."""

import numpy as np
import pytest

from bestresponse.coordinator import coordinate
from bestresponse.errors import DataError
from bestresponse.market import Good, Market
from bestresponse.player import Anchor, Response, Signal
from players import goods
from players.households import Households
from players.load_serving_entity import Generator, HouseholdMarket, LoadServingEntity
from tests.bestresponse.toys import Trader

A, B = 0.9, 0.002  # P = a − b S [$/kWh]
VOLL = 5.0


def entity(name="LSE", conduct=1.0, units=(), duty=0.0, station_kw=None, import_max=1e4, v2g=True, buses=("A",)):
    n = len(buses)
    market = HouseholdMarket(buses, np.full(n, B), np.full(n, A / B), np.full(n, duty))
    return LoadServingEntity(name, units, market, station_kw or {}, import_max, VOLL, conduct, v2g)


def prices(player, **by_good):
    """Prices by family, or by good where the family is named with its bus; 0 where none is given."""
    named = {name.replace("_at_", "["): price for name, price in by_good.items()}
    return np.array(
        [
            next((p for key, p in named.items() if good.rstrip("]") == key or goods.family(good) == key), 0.0)
            for good in player.goods
        ]
    )


def trades(player, price, anchor=None):
    found = player.best_response(Signal(price, anchor=anchor))
    return found, dict(zip(player.goods, found.trade, strict=True))


@pytest.mark.parametrize("solver", ["persistent", "cvxpy"])
def test_households_walk_down_their_demand_curves(solver):
    intercept, slope = np.array([0.9, 0.5, 0.4]), np.array([0.002, 0.001, 0.004])
    player = Households(("a", "b", "c"), intercept, slope, solver=solver)
    price = np.array([0.3, 0.6, -0.1])  # in range, above the intercept, below zero
    found = player.best_response(Signal(price))
    assert found.trade == pytest.approx([300, 0, 100], abs=1e-4)  # never more than a/b
    value = 0.9 * 300 - 0.5 * 0.002 * 300**2 + 0.4 * 100 - 0.5 * 0.004 * 100**2
    assert found.cost == pytest.approx(-value, rel=1e-6)
    assert player.best_response(Signal(intercept + 1)).trade == pytest.approx(np.zeros(3), abs=1e-4)
    held = player.best_response(Signal(price, anchor=Anchor(np.array([0.008, 0, 0]), np.array([100.0, 0, 0]))))
    assert held.trade[0] == pytest.approx((0.6 + 0.8) / 0.01, abs=1e-4)  # 0.9 − 0.002 S = 0.3 + 0.008 (S − 100)


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 0.1), (0.5, 0.0), (0.5, -1.0), (np.nan, 0.1)])
def test_demand_curves_must_fall_from_above_zero(intercept, slope):
    with pytest.raises(DataError, match="intercept and slope of every demand curve must be positive"):
        Households(("a",), np.array([intercept]), np.array([slope]))


@pytest.mark.parametrize("conduct", [0.4, 1.0])
def test_an_entity_equates_marginal_revenue_with_the_price_of_energy(conduct):
    player = entity(conduct=conduct, units=[Generator("G", 500.0, 0.05, 2e-3)])
    price = prices(player, household=0.5)
    price[player.goods.index("import")] = 0.2
    price[player.goods.index("delivery[A]")], price[player.goods.index("delivery[G]")] = 0.03, 0.01
    found, traded = trades(player, price)
    sales = (0.5 - 0.2 - 0.03) / (conduct * B)  # P − θ b s = τ + λ
    generated = (0.2 + 0.01 - 0.05) / 2e-3  # c₁ + c₂ g = τ + λ at the generator
    assert traded["household[A]"] == pytest.approx(-sales)
    assert traded["delivery[A]"] == pytest.approx(sales)
    assert traded["delivery[G]"] == pytest.approx(-generated)
    assert traded["import"] == pytest.approx(sales - generated)
    markup = 0.5 * conduct * B * sales**2
    assert found.cost == pytest.approx(0.05 * generated + 1e-3 * generated**2 + markup)


def test_limits_of_units_and_imports_bind_at_high_prices():
    player = entity(units=[Generator("A", 80.0, 0.05, 1e-3)], import_max=60.0, duty=0.0)
    price = prices(player, household=0.8)
    found, traded = trades(player, price)
    assert found.plan["generation"] == pytest.approx([80])
    assert traded["import"] == pytest.approx(60)
    assert traded["household[A]"] == pytest.approx(-140)
    assert traded["delivery[A]"] == pytest.approx(60)


def test_a_duty_is_served_at_a_loss_until_the_loss_exceeds_the_value_of_lost_load():
    player = entity(duty=50.0)
    for energy, served in ((0.5, 50.0), (VOLL + 0.2 - B * 50 - 0.01, 50.0), (VOLL + 0.2 + 0.01, 0.0)):
        found, traded = trades(player, prices(player, **{"import": energy, "household": 0.2}))
        assert traded["household[A]"] == pytest.approx(-served, abs=1e-6)
        assert found.plan["shed"] == pytest.approx([50 - served], abs=1e-6)
    loss = 0.5 + B * 50 - 0.2  # energy and markup less the price
    found, _ = trades(player, prices(player, **{"import": 0.5, "household": 0.2}))
    assert found.duals["obligation"] == pytest.approx([loss])


def test_in_between_part_is_shed_and_the_price_of_shedding_is_the_value_of_lost_load():
    player = entity(duty=50.0)
    found, _ = trades(player, prices(player, **{"import": VOLL + 0.2 - B * 20, "household": 0.2}))
    assert found.plan["sales"] == pytest.approx([20])  # P − θ b s + VOLL = energy
    assert found.plan["shed"] == pytest.approx([30])
    assert found.duals["obligation"] == pytest.approx([VOLL])


def test_stations_are_served_and_drained_where_it_pays():
    player = entity(station_kw={"S": 90.0, "A": 40.0})
    assert player.buses == ("A", "S")
    by_good = {"import": 0.2, "retail_to_cno_at_S": 0.25, "retail_to_cno_at_A": 0.1, "household": 0.1}
    found, traded = trades(player, prices(player, **by_good, cno_to_retail_at_S=0.3, cno_to_retail_at_A=0.15))
    assert (traded["retail_to_cno[S]"], traded["retail_to_cno[A]"]) == pytest.approx((-90, 0))
    assert (traded["cno_to_retail[S]"], traded["cno_to_retail[A]"]) == pytest.approx((0, 40))
    assert (traded["delivery[S]"], traded["delivery[A]"], traded["import"]) == pytest.approx((90, -40, 50))
    assert found.plan["from_cno"] == pytest.approx([0, 40])


def test_without_v2g_nothing_is_bought_from_stations():
    player = entity(station_kw={"S": 90.0}, v2g=False)
    assert player.goods == ("delivery[A]", "delivery[S]", "import", "household[A]", "retail_to_cno[S]")
    assert "from_cno" not in trades(player, np.full(5, 0.1))[0].plan


@pytest.mark.parametrize("conduct", [-0.1, 1.1, np.nan])
def test_a_conduct_out_of_range_is_refused(conduct):
    with pytest.raises(DataError, match=r"LSE: conduct .* must lie between 0 .* and 1"):
        entity(conduct=conduct)


def retail_market(entities, energy_cost, supply=np.inf):
    """Entities that sell at bus A; energy comes from the hub at a constant cost up to a limit."""
    wires = Trader("wires", {"delivery[A]": -1.0, "import": -1.0}, 0.0, energy_cost, lower=0.0, upper=min(supply, 1e5))
    households = Households(("A",), np.array([A]), np.array([B]))
    names = ("delivery[A]", "import", "household[A]")
    return Market(tuple(Good(name, goods.family(name)) for name in names), (wires, households, *entities))


def sales_in_equilibrium(market):
    found = coordinate(market, np.array([0.0, 0.1, 0.2]))
    assert found.solved, str(found.stop)
    return found, [-found.responses[p.name].trade[2] for p in market if isinstance(p, LoadServingEntity)]


@pytest.mark.parametrize("conduct", [0.0, 0.4, 1.0])
def test_a_duopoly_sells_what_its_conduct_implies(conduct):
    cost = 0.3
    found, sales = sales_in_equilibrium(retail_market([entity("one", conduct), entity("two", conduct)], cost))
    total = 2 * (A - cost) / (B * (2 + conduct))  # P − θ b s = c for both, P = a − b Σ s
    assert sum(sales) == pytest.approx(total, rel=1e-6)
    assert found.price_of("household[A]") == pytest.approx(A - B * total, abs=1e-7)
    if conduct > 0:
        assert sales == pytest.approx([total / 2, total / 2], rel=1e-5)
    for name in ("one", "two"):
        gain = found.certificate.gains[name]
        assert -1e-6 <= gain.conjectural <= gain.absolute + 1e-6


def test_unequal_cournot_rivals_share_the_market_as_in_the_textbook():
    costs = (0.20, 0.35)
    rivals = [entity(f"rival {c}", 1.0, [Generator("A", 1e3, c, 0.0)]) for c in costs]
    found, sales = sales_in_equilibrium(retail_market(rivals, 0.9))
    expected = [(A - 2 * costs[0] + costs[1]) / (3 * B), (A - 2 * costs[1] + costs[0]) / (3 * B)]
    assert sales == pytest.approx(expected, rel=1e-6)
    assert found.price_of("household[A]") == pytest.approx((A + sum(costs)) / 3, rel=1e-6)


def test_competition_and_cournot_bracket_mixed_conduct():
    cost = 0.3
    _, sales = sales_in_equilibrium(retail_market([entity("bold", 1.0), entity("meek", 0.2)], cost))
    # P − θ b s = c: s = (P − c)/(θ b); with P = a − b (s₁ + s₂) that is (P − c) (1 + 1/1 + 1/0.2) = a − c
    markup = (A - cost) / 7
    assert sales == pytest.approx([markup / B, markup / (0.2 * B)], rel=1e-6)


def test_when_supply_runs_short_energy_costs_what_shedding_costs():
    supply, duty, conduct = 100.0, 80.0, 1.0
    market = retail_market([entity("one", conduct, duty=duty), entity("two", conduct, duty=duty)], 0.1, supply)
    found, sales = sales_in_equilibrium(market)
    assert sum(sales) == pytest.approx(supply, rel=1e-6)
    assert sum(found.responses[name].plan["shed"][0] for name in ("one", "two")) == pytest.approx(60, rel=1e-6)
    retail = A - B * supply
    assert found.price_of("household[A]") == pytest.approx(retail, rel=1e-6)
    energy = found.price_of("delivery[A]") + found.price_of("import")
    assert energy == pytest.approx(retail - conduct * B * 50 + VOLL, rel=1e-6)
    for name in ("one", "two"):
        assert found.responses[name].duals["obligation"] == pytest.approx([VOLL])


@pytest.mark.parametrize("conduct", [0.4, 1.0])
def test_the_conjectural_gain_is_the_gain_against_a_price_that_gives_way(conduct):
    cost, rival = 0.3, 120.0
    player = entity(conduct=conduct)
    for own in (60.0, 250.0):
        price = np.array([0.0, cost, A - B * (own + rival)])
        plan = {"generation": [], "sales": [own], "shed": [0.0], "to_cno": [], "from_cno": [], "import": [own]}
        plan = {name: np.array(plan[name], dtype=float) for name in player.program.variables}
        trade = np.array([own, own, -own])
        answer = Response(trade, player.program.cost(player.program.stack(plan)), plan)

        def profit(s, own=own, price=price):
            return (price[2] - conduct * B * (s - own) - cost) * s

        most = max(profit(s) for s in np.linspace(0, A / B, 200_001))
        assert player.conjectural_gain(price, answer) == pytest.approx(most - profit(own), rel=1e-4, abs=1e-6)
        taking = answer.outlay(price) - player.best_response(Signal(price)).bound
        assert player.conjectural_gain(price, answer) <= taking + 1e-9
