"""The README's Python blocks run as they stand, and its commands exist."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {k + 1}" for k in range(len(BLOCKS))])
def test_a_python_block_runs(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip()


def test_every_command_of_the_readme_is_one_of_the_command_line():
    from experiments.cli import app

    commands = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    known = commands | {group.name for group in app.registered_groups}
    shown = set(re.findall(r"^    bestresponse ([\w-]+)", README, flags=re.M))
    assert shown and shown <= known
