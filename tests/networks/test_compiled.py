"""Machine code on disk must never outlive a change of the functions that went into it."""

import os
import subprocess
import sys

import pytest

CALLEE = "from networks.compiled import inlined\n\n\n@inlined\ndef step(x):\n    return x + {added}\n"
CALLER = (
    "from callee import step\nfrom networks.compiled import compiled\n\n\n@compiled\ndef twice(x):\n"
    "    return step(step(x))\n"
)


PLANTED_READ_ONLY = "import os; os.access = lambda *_: False; "  # a real one does not stop the superuser


def result(folder, cache, before: str) -> str:
    script = before + "import caller; print(caller.twice(1), sum(caller.twice.stats.cache_hits.values()))"
    place = {"XDG_CACHE_HOME": str(cache), "HOME": str(cache), "LOCALAPPDATA": str(cache)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=folder, capture_output=True, text=True, env=os.environ | place
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_change_in_another_file_is_seen_and_an_unchanged_program_is_not_compiled_again(tmp_path, read_only):
    sources, cache = tmp_path / "sources", tmp_path / "cache"
    sources.mkdir()
    (sources / "caller.py").write_text(CALLER, encoding="utf-8")
    (sources / "callee.py").write_text(CALLEE.format(added=1), encoding="utf-8")
    before = PLANTED_READ_ONLY if read_only else ""
    assert result(sources, cache, before) == "3 0"
    assert result(sources, cache, before) == "3 1"
    (sources / "callee.py").write_text(CALLEE.format(added=5), encoding="utf-8")
    assert result(sources, cache, before) == "11 0"
    assert (sources / "__pycache__").exists() != read_only
