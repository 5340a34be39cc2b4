"""That benchmarks can be run: what they take from the packages is still there."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import MODULES, NAMES

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_has_all_that_it_names(name: str) -> None:
    module = import_module(f"benchmarks.{MODULES.get(name, name)}")
    assert callable(module.main)
    # What a function imports is missed only when it runs.
    for line in Path(str(module.__file__)).read_text().splitlines():
        words = line.split()
        if line.startswith(" ") and words[:1] == ["from"] and words[2:3] == ["import"]:
            source = import_module(words[1])
            for one in " ".join(words[3:]).strip("()").split(","):
                wanted = one.split(" as ")[0].strip()
                assert (
                    not wanted or hasattr(source, wanted) or import_module(f"{words[1]}.{wanted}")
                )


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    run = [sys.executable, "-m", "benchmarks"]
    done = subprocess.run([*run, "speed"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("There is no benchmark 'speed'. Benchmarks: startup, scale, ")
    done = subprocess.run([*run, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Benchmarks: startup, ")
