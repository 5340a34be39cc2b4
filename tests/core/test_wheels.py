"""Environments of the kit: wheels that are put in, and programs that they bring."""

from __future__ import annotations

import zipfile
from pathlib import Path

from cleo_core.testing.wheels import make_environment

META = "Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def test_programs_of_a_wheel_run_and_tell_how_they_ended(tmp_path: Path) -> None:
    wheel = tmp_path / "pear-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr(
            "pear/__init__.py",
            "class Pear:\n    @staticmethod\n    def run():\n"
            "        print('a pear')\n        return 7\n",
        )
        packed.writestr("pear/brought/plum-1.dist-info/METADATA", META.format(name="plum"))
        packed.writestr("pear-1.dist-info/METADATA", META.format(name="pear"))
        packed.writestr("pear-1.dist-info/WHEEL", WHEEL)
        packed.writestr(
            "pear-1.dist-info/entry_points.txt",
            "[console_scripts]\nPear-100% = pear:Pear.run [more]\n",
        )
        packed.writestr("pear-1.dist-info/RECORD", "")
    made = make_environment(tmp_path / "environment", [wheel])
    done = made.run("Pear-100%", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "a pear\n"), done.stderr
