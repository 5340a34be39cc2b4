"""Run it, look at what is left, and say what was counted."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from chaos import shim, stage, storm, verdict

ROOT = Path(__file__).parents[1]


def main() -> int:
    """0 where nothing is wrong."""
    options = _options()
    if options.folder is None:
        return _outside(options)
    return _inside(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="calls in all (10000)")
    parser.add_argument("--processes", type=int, default=12, help="that work at once (12)")
    parser.add_argument("--seed", default="1", help="another one is another storm (1)")
    parser.add_argument("--seconds", type=int, default=1_200, help="it must be over by (1200)")
    parser.add_argument("--megabytes", type=int, default=384, help="size of the disk (384)")
    parser.add_argument(
        "--weather",
        nargs="+",
        choices=list(storm.WEATHER),
        default=list(storm.WEATHER),
        help="what befalls the processes, beside SIGKILL (all)",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything where it is")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--mounted", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _outside(options: argparse.Namespace) -> int:
    """Start again where file systems may be mounted, if that can be."""
    folder = Path(tempfile.mkdtemp(prefix="cleo-chaos-"))
    try:
        (folder / "disk").mkdir()
        words = stage.namespace()
        again = [sys.executable, "-m", "chaos", *sys.argv[1:], "--folder", str(folder)]
        argv = [*words, *again, "--mounted"] if words is not None else again
        env = stage.environment(folder / "disk")
        return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode
    finally:
        if not options.keep:
            shutil.rmtree(folder)


def _inside(options: argparse.Namespace) -> int:
    folder, disk = Path(options.folder), Path(options.folder) / "disk"
    if options.mounted:
        stage.mount(disk, options.megabytes)
    (folder / "ledger").mkdir()
    agents = [f"w{number:02d}" for number in range(options.processes)]
    golden = ROOT / "plugins" / "cleo-conduit" / "tests" / "golden" / "conduit_0001.db"
    theirs = stage.prepare(disk, agents, golden if golden.exists() else None)
    plan = {
        "folder": str(folder),
        "one": str(disk / "one"),
        "agents": agents,
        "theirs": theirs,
        "seed": options.seed,
        "seconds": options.seconds,
        "calls": -(-options.calls // options.processes),
        "mounted": options.mounted,
        "weather": options.weather,
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    library = shim.build(folder)
    control = folder / "control"
    shim.Control(control).set()
    env = {**stage.environment(disk), **shim.environment(library, control, disk)}
    done = subprocess.run(
        [sys.executable, "-m", "chaos.storm", str(folder)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"The storm broke off with {done.returncode}.", file=sys.stderr)
        return 1
    found = verdict.verdict(folder, json.loads(done.stdout), stage.environment(disk))
    found["leftOut"] = [
        *(() if options.mounted else ("a file system of a fixed size: none may be mounted here",)),
        *(() if library else ("failing calls and clock steps: there is no C compiler",)),
    ]
    _print(found, options.json)
    if options.keep:
        subprocess.run(["cp", "-a", str(disk), str(folder / "kept")], check=False)
        print(folder, file=sys.stderr)
    return 1 if found["faults"] else 0


def _print(found: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        if isinstance(value, list):
            print(f"{name:24} {len(value)}")
            for one in value[:50]:
                print(f"  {one}")
        else:
            print(f"{name:24} {value}")


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
