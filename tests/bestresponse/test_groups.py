"""The colouring of a market into two groups."""

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestresponse import groups as colouring
from bestresponse.coordinator import default_scheme
from bestresponse.errors import FormulationError
from bestresponse.groups import two_groups
from tests.bestresponse.toys import Trader, bread_market, chain_market, chen_market, market_of


def market_among(traded):
    """A market of players who trade these goods, by player."""
    return market_of([Trader(name, dict.fromkeys(goods, 1.0), 1.0) for name, goods in traded.items()])


def neighbours(links):
    """A market in which everybody trades with neighbours; a good for each of the links."""
    traded = {}
    for a, b in links:
        for agent in (a, b):
            traded.setdefault(agent, []).append(f"{a}-{b}")
    return market_among(traded)


@pytest.mark.parametrize("market", [bread_market(), chain_market()])
def test_the_first_group_trades_every_good_exactly_once(market):
    groups = two_groups(market)
    traded = [good for player in market if player.name in groups.first for good in player.goods]
    assert sorted(traded) == sorted(good.name for good in market.goods)
    assert set(groups.first) | set(groups.second) == {player.name for player in market}


def test_a_market_that_is_a_triangle_has_no_two_groups():
    with pytest.raises(FormulationError, match="cannot be split into two groups"):
        two_groups(
            market_of([Trader(n, dict.fromkeys(g, 1.0), 1.0) for n, g in zip("abc", ("xy", "yz", "zx"), strict=True)])
        )
    assert two_groups(chen_market()).first == ("block 0",)


@given(st.data())
def test_a_planted_cover_is_found(data):
    """Players of the first group partition the goods; players of the second trade anything."""
    goods = [f"g{i}" for i in range(data.draw(st.integers(1, 8)))]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(goods)), max_size=4)) | {0, len(goods)})
    first = [goods[a:b] for a, b in pairwise(cuts)]
    second = data.draw(st.lists(st.sets(st.sampled_from(goods), min_size=1), min_size=1, max_size=4))
    second.append(set(goods))
    players = [Trader(f"p{i}", dict.fromkeys(sorted(g), 1.0), 1.0) for i, g in enumerate([*second, *first])]
    groups = two_groups(market_of(players))
    traded = [good for player in players if player.name in groups.first for good in player.goods]
    assert sorted(traded) == sorted(goods)


@given(st.lists(st.sets(st.sampled_from("uvwxyz"), min_size=1), min_size=2, max_size=7))
def test_groups_are_found_where_there_are_any_and_only_there(drawn):
    """Against all subsets of the players."""
    count = Counter(good for goods in drawn for good in goods)
    kept = [sorted(good for good in goods if count[good] > 1) for goods in drawn]
    traded = {f"p{i}": goods for i, goods in enumerate(kept) if goods}
    subsets = (names for size in range(len(traded) + 1) for names in combinations(traded, size))
    every = sorted(good for good in count if count[good] > 1)
    covers = [names for names in subsets if sorted(good for name in names for good in traded[name]) == every]
    if covers:
        assert two_groups(market_among(traded)).first in covers
    else:
        with pytest.raises(FormulationError, match="cannot be split into two groups"):
            two_groups(market_among(traded))


def test_parts_that_have_nothing_to_do_with_one_another_are_split_one_by_one():
    """Each of sixty rings can be split in two ways; 2⁶⁰ ways to find out that the triangle cannot."""
    rings = [(f"{k}{a}", f"{k}{b}") for k in range(60) for a, b in ("ab", "bc", "cd", "da")]
    assert len(two_groups(neighbours(rings)).first) == 120
    with pytest.raises(FormulationError) as refused:
        two_groups(neighbours([*rings, ("x", "y"), ("y", "z"), ("z", "x")]))
    words = str(refused.value)
    assert "trade all of 'x-y' (traded by x, y); 'z-x' (traded by x, z); 'y-z' (traded by y, z)." in words


def test_a_long_chain_is_split_in_turns():
    assert len(two_groups(neighbours(pairwise(map(str, range(3000))))).first) == 1500


def test_a_long_obstacle_is_named_in_part():
    ring = [(str(i), str((i + 1) % 51)) for i in range(51)]
    with pytest.raises(FormulationError, match=r"'2-3' \(traded by 2, 3\); and 47 more kinds of goods\."):
        two_groups(neighbours(ring))


def test_a_search_that_takes_too_long_is_given_up_and_exchange_taken(monkeypatch, caplog):
    monkeypatch.setattr(colouring, "EFFORT", 1)
    assert len(two_groups(neighbours([("a", "b")])).first) == 1
    market = neighbours(combinations("abcdefgh", 2))
    with pytest.raises(FormulationError, match=r"was not split .*: the search gave up over 'a-b' \(traded by a, b\); "):
        two_groups(market)
    assert default_scheme(market).name == "exchange" and "gave up" in caplog.text


def test_an_obstacle_there_is_no_time_to_narrow_down_is_named_as_it_is(monkeypatch):
    monkeypatch.setattr(colouring, "EFFORT", 20)
    with pytest.raises(FormulationError, match=r"cannot be split .* more kinds of goods"):
        two_groups(neighbours([(str(i), str((i + 1) % 15)) for i in range(15)]))
