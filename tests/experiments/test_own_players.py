"""A player of one's own: written by a command, checked by a command, and told what is wrong with it."""

import subprocess
import sys
from types import MappingProxyType

import pytest

from bestresponse.checks.contract import CHECKS
from bestresponse.errors import DataError
from bestresponse.player import Response
from experiments.checking_player import NEEDS, read_options
from experiments.conformance_words import ANSWERS, WORDS
from players.battery import Battery
from tests.experiments.command_line import unwrapped
from tests.players.faults import CostIncludesPayment, Sound

OPTIONS = {"bus": "5", "power_kw": 50.0, "energy_kwh": 100.0, "stored_kwh": 60.0, "worth_usd_per_kwh": 0.12}
TOML = "bus = '5'\npower_kw = 50.0\nenergy_kwh = 100.0\nstored_kwh = 60.0\nworth_usd_per_kwh = 0.12"


def paid_twice(bus: str) -> CostIncludesPayment:
    return CostIncludesPayment(Battery(**OPTIONS | {"bus": bus}))


class Overcharged(Sound):
    """Answers a plan outside its own set."""

    def best_response(self, signal):
        answer = super().best_response(signal)
        answer.plan["charge"][:] = 51.0
        return answer


def overcharged() -> Overcharged:
    return Overcharged(Battery(**OPTIONS))


class Plain:
    """Knows neither its set nor a block, and accepts no anchor; keeps still."""

    name, goods, accepts_anchor = "Plain", ("import",), False
    conformance_exceptions = MappingProxyType({"reacts to price": "it keeps still"})

    def best_response(self, signal):
        return Response(0.0 * signal.price, 0.0, {})


class Moody(Plain):
    name, accepts_anchor = "Moody", True

    def best_response(self, signal):
        return {}["nothing"]


class Wordless(Plain):
    def best_response(self, signal):
        return None


class Broken(Plain):
    def __init__(self):
        raise ZeroDivisionError("nothing to share")


class Lonely(Plain):
    goods = ("steam",)


class Nameless:
    goods = ("import",)


def test_every_check_is_explained():
    assert WORDS.keys() == {ANSWERS, *CHECKS} and NEEDS.keys() <= CHECKS.keys()


def test_a_new_player_and_its_test_pass_as_written(call, tmp_path):
    shown = call("new-player", "BigBoiler", "--out", "mine")
    assert shown.code == 0 and "mine/big_boiler.py" in shown.out
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "mine"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr
    before = (tmp_path / "mine" / "big_boiler.py").read_text()
    again = call("new-player", "big-boiler", "--out", "mine")
    assert again.code == 2 and "is already there" in again.err
    assert (tmp_path / "mine" / "big_boiler.py").read_text() == before


@pytest.mark.parametrize("name", ["2nd", "", "class", "my load", "bö", "a/b"])
def test_a_name_that_is_none_is_refused(call, tmp_path, name):
    shown = call("new-player", name)
    assert shown.code == 2 and "must be a name in Python" in shown.err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Numpy", "players"])
def test_a_name_that_would_hide_a_module_is_refused(call, tmp_path, name):
    shown = call("new-player", name)
    assert shown.code == 2 and "would hide" in shown.err and not list(tmp_path.iterdir())


def test_a_sound_player_conforms_beside_the_roles_and_in_one(call):
    for arguments in (("battery", "--options", TOML), ("linear", "--role", "dso", "--no-v2g")):
        shown = call("check-player", *arguments)
        assert shown.code == 0, shown.out
        assert "It conforms." in shown.out and "multipliers: passes" in shown.out


def test_a_failure_is_explained(call):
    shown = call("check-player", f"{__name__}:paid_twice", "--options", '{"bus": "5"}')
    text = unwrapped(shown.out)
    assert shown.code == 3
    assert "Battery fails the check “envelope”. It asks: At every price" in text
    assert "Seen: an answer costs" in text and "What to do: The answer is no best response." in text


def test_a_plan_outside_its_own_set_names_the_check(call):
    shown = call("check-player", f"{__name__}:overcharged")
    assert shown.code == 3
    assert "Battery fails the check “stays in its set”." in shown.out
    assert "a plan lies outside the player's own set by" in shown.out


def test_what_a_player_does_not_offer_is_left_out(call):
    shown = call("check-player", f"{__name__}:Plain")
    assert shown.code == 0, shown.out
    for text in ("block agrees: left out: it has no method `block`", "anchor: left out: it accepts no anchor"):
        assert text in shown.out
    assert "reacts to price: left out: declared: it keeps still" in shown.out and "was not solved" in shown.out


def test_whatever_a_player_raises_is_one_failure_with_its_place(call):
    shown = call("check-player", f"{__name__}:Moody")
    assert shown.code == 3 and "Moody fails the check “answers”." in shown.out
    assert f"Seen:       KeyError: 'nothing' ({__file__}, line " in shown.out
    assert "Traceback" not in shown.out + shown.err and "envelope" not in shown.out


def test_an_answer_that_is_no_response_is_a_failure(call):
    shown = call("check-player", f"{__name__}:Wordless")
    assert shown.code == 3 and "it answered with a NoneType" in shown.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("batery",), 'no model "batery"; did you mean "battery"?'),
        (("battery",), "options.bus: missing, the model needs it"),
        (("battery", "--options", "{"), "must be JSON or TOML"),
        (("battery", "--options", "gone.toml"), "options: gone.toml cannot be read"),
        (("linear", "--role", "dos"), 'no role "dos"; did you mean "dso"?'),
        (
            ("battery", "--options", TOML.replace("'5'", "'55'")),
            'delivery to bus "55", which the feeder has not; did you mean "5"? Buses: 1',
        ),
        ((f"{__name__}:Lonely",), 'Plain: "steam" is traded by nobody else in teaching. Goods: charging[2]'),
        ((f"{__name__}:Broken",), "Broken could not be made: ZeroDivisionError: nothing to share ("),
        ((f"{__name__}:Nameless",), "makes a Nameless, which has no `name`"),
    ],
)
def test_bad_input_is_refused(call, arguments, text):
    shown = call("check-player", *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert text in shown.err


@pytest.mark.parametrize("text", ['{"bus": "5"}', 'bus = "5"', '{bus = "5"}', "options.toml", "options.json"])
def test_options_are_read_in_either_language(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "options.toml").write_text('bus = "5"')
    (tmp_path / "options.json").write_text('{"bus": "5"}')
    assert read_options(text) == {"bus": "5"}


def test_options_that_are_no_table_are_refused():
    with pytest.raises(DataError, match="must be JSON or TOML"):
        read_options("[1, 2]")
