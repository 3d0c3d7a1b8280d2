"""Pages of the documentation: what scripts filled is there, every scheme is spoken of, every command exists."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from bestresponse.schemes.registry import SCHEMES

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
CONVERGENCE = (DOCS / "convergence.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_measured_blocks_are_filled_and_commands_exist(page):
    text = page.read_text(encoding="utf-8")
    marks = re.findall(r"<!-- (\w+):(begin|end) -->", re.sub(r"`[^`\n]*`", "", text))
    assert [kind for _, kind in marks] == ["begin", "end"] * (len(marks) // 2)
    for name in {name for name, _ in marks}:
        block = text.rpartition(f"<!-- {name}:begin -->")[2].partition(f"<!-- {name}:end -->")[0]
        assert "- processor: " in block and "| ---" in block
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert find_spec(module)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_measured_and_spoken_of(scheme):
    block = CONVERGENCE.rpartition("<!-- schemes:begin -->")[2].partition("<!-- schemes:end -->")[0]
    assert re.search(rf"^\| {scheme} \|", block, flags=re.M)
    assert scheme.split("_")[0] in "".join(re.findall(r"^### (.*)$", CONVERGENCE, flags=re.M))


EXAMPLES = re.findall(r"```python\n(.*?)```", (DOCS / "howto.md").read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("block", EXAMPLES, ids=[f"block {k + 1}" for k in range(len(EXAMPLES))])
def test_an_example_of_the_howto_runs(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "howto.md", "exec"), {"__name__": "howto"})
    assert capsys.readouterr().out.strip()
