"""What pages show of the source: the right lines, and an error where a symbol or a line is gone."""

import inspect
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from bestresponse.errors import DataError
from bestresponse.schemes import sharing
from bestresponse.schemes.registry import SCHEMES
from experiments.catalogue import load, slugs
from experiments.catalogue.diagnosing import diagnose
from experiments.site.catalogue_pages import index, section
from experiments.site.excerpts import docstring, excerpt
from experiments.site.pages import REQUEST, shown

DOCS = Path(__file__).parent.parent.parent / "docs"
ASKING = sorted(page for page in DOCS.glob("*.md") if REQUEST.search(page.read_text(encoding="utf-8")))

RATE = r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"


def tex(formula, display):
    return f"[{display}: {formula}]"


def test_an_excerpt_is_the_source_of_its_symbol():
    method = sharing.SharingIteration.sweep
    found = excerpt("bestresponse.schemes.sharing.SharingIteration.sweep")
    lines, first = inspect.getsourcelines(method)
    assert (found.file, found.first) == ("bestresponse/schemes/sharing.py", first)
    assert found.code == textwrap.dedent("".join(lines)).rstrip() and found.last == first + len(lines) - 1
    assert docstring("bestresponse.schemes.sharing") == inspect.getdoc(sharing)


def test_an_excerpt_may_be_some_lines_of_a_symbol_or_a_name():
    found = excerpt("networks.paths.drive", "B, reserve", "soc = B")
    assert found.code.splitlines()[0].startswith("B, reserve = ") and found.code.splitlines()[-1].startswith("soc = B")
    assert excerpt("networks.paths.drive", "position = 0").code == "position = 0"
    assert excerpt("players.goods.IMPORT").code == 'IMPORT = "import"'
    assert excerpt("players.goods").first == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("networks.paths.drives",), "there is no 'drives'; did you mean \"drive\"?"),
        (("netwroks.paths.drive",), "there is no module netwroks"),
        (("networks.paths.drive", "no such line"), "no line of it holds 'no such line'"),
        (("networks.paths.drive", "position = 0", "B, reserve"), "no line of it holds 'B, reserve'"),
    ],
)
def test_what_is_gone_is_an_error(words, told):
    with pytest.raises(DataError, match=re.escape(told)):
        excerpt(*words)


def test_a_page_that_asks_for_what_is_gone_is_an_error():
    for request in ("code bestresponse.nothing", "docstring players.goods.IMPORT", "measured convergence.md schemes x"):
        with pytest.raises(DataError):
            shown(f"Text\n\n<!-- {request} -->\n", DOCS, tex)


def test_what_is_set_off_in_a_docstring_is_pseudocode():
    text = shown("<!-- docstring players.charging_operator.ChargingOperator -->", DOCS, tex)
    block = text.partition("```text\n")[2].partition("\n```")[0]
    assert block.startswith("maximise  Σᵢ") and block.endswith("(1b)")
    assert "It takes prices." in text.rpartition("```")[2]


@pytest.mark.parametrize("page", ASKING, ids=lambda page: page.stem)
def test_every_page_gets_what_it_asks_for(page):
    text = shown(page.read_text(encoding="utf-8"), DOCS, tex)
    assert not REQUEST.search(text) and "```python title=" in text


def test_formulas_leave_code_and_dollars_alone():
    text = "<!-- formulas -->\nA $x$ costs 3 \\$ and 4 \\$, `$y$`:\n\n$$ z $$\n\n```sh\necho $a $b\n```\n"
    told = shown(text, DOCS, tex)
    assert told.splitlines()[1:] == [
        "A <span>[inline: x]</span> costs 3 $ and 4 $, `$y$`:",
        "",
        "[block: z]",
        "",
        "```sh",
        "echo $a $b",
        "```",
    ]
    assert shown("costs 3 $ and 4 $", DOCS, tex) == "costs 3 $ and 4 $"


def test_a_catalogue_page_shows_the_answer_and_the_rates_as_found_now():
    diagnosis = diagnose(load("cournot/theocharis-two-firms-1960"))
    text = section(diagnosis)
    assert "| x: firm 1, firm 2 | 4, 4 |" in text and "Certified: " in text
    rates = {name: [float(cell) for cell in cells] for name, *cells in re.findall(RATE, text, flags=re.M)}
    for found in diagnosis.rates:
        np.testing.assert_allclose(rates[found.name], [found.published, found.predicted, found.measured], rtol=1e-5)
    assert rates["jacobi"][:2] == [0.5, 0.5] and rates["gauss_seidel"][:2] == [0.25, 0.25]
    assert len(re.findall(r"^\| \[", index(), flags=re.M)) == len(slugs())


def test_every_scheme_stands_on_the_page_of_algorithms():
    text = (DOCS / "algorithms.md").read_text(encoding="utf-8")
    for scheme in SCHEMES.values():
        assert f"<!-- docstring {type(scheme).__module__} -->" in text


def test_every_numbered_equation_stands_on_the_page_of_the_model():
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    numbers = "1a 1b 2 3 4a 4b 5 6 7 8 9a 9b 9c 9d 9e 9f 9i 10a 10b 10c 10d 11 12 13 14 17 18"  # 9f to 9i, 14 to 17
    assert [number for number in numbers.split() if f"({number})" not in text] == []
