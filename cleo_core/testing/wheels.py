"""Built distributions and the environments that they are installed in.

An environment holds what was installed from wheels, and sees the other packages of the running one
but no distribution of CLEO, so that nothing is there that was not put there.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cleo_core

#: Builds a wheel in the working directory as PEP 517 says: backend, target, paths of the backend.
_BUILD = """
import importlib, sys
backend, target, *paths = sys.argv[1:]
sys.path[:0] = paths
module, _, attributes = backend.partition(":")
found = importlib.import_module(module)
for name in filter(None, attributes.split(".")):
    found = getattr(found, name)
found.build_wheel(target)
"""


class Environment:
    """A virtual environment made of wheels.

    :ivar python: its interpreter.
    :ivar bin: where its programs are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.bin = directory / scripts
        self.python = self.bin / ("python.exe" if os.name == "nt" else "python")

    @property
    def site(self) -> Path:
        """Where its packages are."""
        values = {"base": str(self.directory), "platbase": str(self.directory)}
        return Path(sysconfig.get_path("purelib", "venv", values))

    def run(
        self,
        *argv: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 300.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs; ``python`` and ``cleo`` are found there and nowhere else."""
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]],
            cwd=cwd,
            env={**variables, **(env or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )

    def install(self, wheels: Iterable[Path]) -> None:
        """Put wheels in.

        :raises RuntimeError: pip refuses.
        """
        self._pip(
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-compile",
            "--force-reinstall",
            *map(str, wheels),
        )

    def remove(self, *names: str) -> None:
        """Take distributions out."""
        self._pip("uninstall", "--quiet", "--yes", *names)

    def _pip(self, *arguments: str) -> None:
        # pip's directory is a program too; `pip --python` would start a second interpreter for it.
        pip = find_spec("pip")
        if pip is None or pip.origin is None:
            raise RuntimeError("pip is not installed")
        folder = os.path.dirname(pip.origin)
        _run([str(self.python), folder, "--disable-pip-version-check", *arguments])


def build_wheel(source: Path, target: Path) -> Path:
    """Build the wheel of a project without any network.

    :param source: the directory of its ``pyproject.toml``.
    :param target: where the wheel is put.
    :raises RuntimeError: the build fails, or its backend is not installed here.
    """
    backend = missing_backend(source)
    if backend is not None:
        raise RuntimeError(f"{backend}, which builds {source}, is not installed")
    system = _build_system(source)
    target.mkdir(parents=True, exist_ok=True)
    before = set(target.glob("*.whl"))
    # The backend is asked directly; pip would start three interpreters to do the same.
    paths = [str(source / path) for path in system.get("backend-path", ())]
    name = system.get("build-backend", "setuptools.build_meta:__legacy__")
    _run([sys.executable, "-P", "-c", _BUILD, name, str(target.resolve()), *paths], cwd=source)
    made = sorted(set(target.glob("*.whl")) - before)
    if not made:
        raise RuntimeError(f"building {source} gave no new wheel in {target}")
    return made[0]


def missing_backend(source: Path) -> str | None:
    """The build backend of a project where it is not installed, else None."""
    system = _build_system(source)
    backend = str(system.get("build-backend", "setuptools"))
    top = backend.partition(":")[0].partition(".")[0]
    return None if "backend-path" in system or find_spec(top) else backend


def source_of_core() -> Path | None:
    """The source tree that the running core comes from; None where it was installed."""
    root = Path(cleo_core.__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() else None


def source_of(path: Path) -> Path | None:
    """The nearest directory upward with a ``pyproject.toml``."""
    for directory in (path, *path.parents):
        if (directory / "pyproject.toml").is_file():
            return directory
    return None


def make_environment(directory: Path, wheels: Sequence[Path] = ()) -> Environment:
    """A fresh virtual environment with these wheels and nothing else of CLEO.

    Where the running core was installed, and no wheel of it is given, it is seen as it is.
    """
    made = Environment(directory / "venv")
    _run([sys.executable, "-m", "venv", "--without-pip", str(made.directory)])
    others = directory / "others"
    others.mkdir()
    with_core = source_of_core() is None and not any(
        wheel.name.startswith("cleo_core-") for wheel in wheels
    )
    for path in _packages():
        if _is_ours(path.name) and not (with_core and path.name.startswith("cleo_core")):
            continue
        link = others / path.name
        if not link.is_symlink():
            link.symlink_to(path, target_is_directory=path.is_dir())
    (made.site / "others.pth").write_text(f"{others}\n", "utf-8")
    rest = [wheel for wheel in wheels if not _unpack(wheel, made)]
    if rest:
        made.install(rest)
    if with_core:
        _write_program(made, "cleo", "cleo_core.__main__:run")
    return made


def _unpack(wheel: Path, made: Environment) -> bool:
    """Put a wheel in by the specification of wheels, without starting pip; False if it needs more.

    It needs more where it holds anything beside modules and their metadata.
    """
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        # What a package brings along of others lies below its own directory.
        tops = {name.partition("/")[0] for name in names}
        (info,) = [top for top in tops if top.endswith(".dist-info")]
        pure = "Root-Is-Purelib: true" in packed.read(f"{info}/WHEEL").decode()
        if not pure or any(name.partition("/")[0].endswith(".data") for name in names):
            return False
        packed.extractall(made.site)
    points = made.site / info / "entry_points.txt"
    found = configparser.RawConfigParser(delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment,method-assign] # the documented way
    found.read_string(points.read_text("utf-8") if points.is_file() else "")
    if found.has_section("console_scripts"):
        for name, target in found.items("console_scripts"):
            _write_program(made, name, target)
    return True


def _packages() -> Iterable[Path]:
    """Everything in the directories of ``sys.path`` that hold installed distributions."""
    for directory in map(Path, filter(None, sys.path)):
        if directory.is_dir() and any(directory.glob("*.dist-info")):
            yield from sorted(directory.iterdir())


def _is_ours(name: str) -> bool:
    """Whether a file belongs to a distribution of CLEO, or makes an import path of its own."""
    plain = name.lower().replace("-", "_").lstrip("_")
    return plain.startswith(("cleo_", "editable_", "__pycache__", "pycache")) or name.endswith(
        (".pth", ".egg-link")
    )


def _write_program(made: Environment, name: str, target: str) -> None:
    module, _, function = target.partition("[")[0].replace(" ", "").partition(":")
    program = made.bin / name
    program.write_text(
        f"#!{made.python}\nimport sys\n\nfrom {module} import {function.partition('.')[0]}\n\n"
        f"sys.exit({function}())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)


def _build_system(source: Path) -> dict[str, Any]:
    """The table ``build-system`` of a project."""
    with open(source / "pyproject.toml", "rb") as file:
        found: dict[str, Any] = tomllib.load(file).get("build-system", {})
    return found


def _run(argv: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")
