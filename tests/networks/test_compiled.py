"""Machine code on disk must never outlive a change of the functions that went into it."""

import subprocess
import sys

CALLEE = "from networks.compiled import inlined\n\n\n@inlined\ndef step(x):\n    return x + {added}\n"
CALLER = (
    "from callee import step\nfrom networks.compiled import compiled\n\n\n@compiled\ndef twice(x):\n"
    "    return step(step(x))\n"
)


def result(folder) -> str:
    script = "import caller; print(caller.twice(1), sum(caller.twice.stats.cache_hits.values()))"
    done = subprocess.run([sys.executable, "-B", "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_change_in_another_file_is_seen_and_an_unchanged_program_is_not_compiled_again(tmp_path):
    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    (tmp_path / "callee.py").write_text(CALLEE.format(added=1), encoding="utf-8")
    assert result(tmp_path) == "3 0"
    assert result(tmp_path) == "3 1"
    (tmp_path / "callee.py").write_text(CALLEE.format(added=5), encoding="utf-8")
    assert result(tmp_path) == "11 0"
