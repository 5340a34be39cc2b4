"""What the syntax trees of core and of the plugins show: who may do what, and where."""

from __future__ import annotations

import ast
import gc
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from cleo_core.plugins import Plugins, load_plugins

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "cleo_core"

SOURCES = sorted(
    path
    for folder in (CORE, *ROOT.glob("plugins/*/src"))
    for path in folder.rglob("*.py")
    if "__pycache__" not in path.parts
)
#: Written by `make snapshots` or by alembic's template and never edited by hand.
GENERATED = re.compile(r"/snapshot\.py$|/migrations/versions/")
LINES = 450


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


@pytest.fixture(scope="module", autouse=True)
def forgotten_at_the_end() -> Iterator[None]:
    """Millions of nodes would slow every later test down, and looking for garbage among them this.

    None of it is garbage before the end.
    """
    gc.disable()
    yield
    gc.enable()
    tree.cache_clear()
    nodes.cache_clear()


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def within(path: Path, *places: str) -> bool:
    """Whether a file is one of these modules of core or lies in one of these packages."""
    return any(path == CORE / f"{place}.py" or CORE / place in path.parents for place in places)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top name of every module that a file imports, wherever it does."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.split(".")[0]


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def attribute_uses(path: Path, *names: str) -> list[str]:
    """Where a dotted name such as ``sys.stdout`` stands in a file."""
    last = {name.rpartition(".")[2] for name in names}
    return [
        f"{shown(path)}:{node.lineno} {ast.unparse(node)}"
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in last and ast.unparse(node) in names
    ]


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no docstring."""
    skipped = {
        id(node.value)
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [] if id(node) in skipped else [(node.lineno, node.value)]


def comments(path: Path) -> dict[int, str]:
    """Line -> comment."""
    text = path.read_text("utf-8")
    return {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }


def broad_handlers(within: Iterable[ast.AST]) -> Iterator[ast.ExceptHandler | ast.Call]:
    """Handlers that keep whatever happens to themselves; one that raises it again hides nothing."""
    for node in within:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield node
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress"
            and any(_is_broad(argument) for argument in node.args)
        ):
            yield node


def _is_broad(type_: ast.expr | None) -> bool:
    if type_ is None:
        return True
    names = type_.elts if isinstance(type_, ast.Tuple) else [type_]
    return any(ast.unparse(name).split(".")[-1] in ("Exception", "BaseException") for name in names)


def unexplained(path: Path) -> list[str]:
    handlers = list(broad_handlers(nodes(path)))
    notes = comments(path) if handlers else {}
    return [
        f"{shown(path)}:{node.lineno}"
        for node in handlers
        if not any(
            len(re.sub(r"noqa\S*|type: ignore\S*", "", notes.get(line, "")).split()) > 3
            for line in (node.lineno - 1, node.lineno, node.lineno + 1)
        )
    ]


@pytest.mark.guarantee(
    "operations-31", "No handler takes every exception without saying beside it why."
)
def test_every_broad_exception_handler_says_why() -> None:
    assert [place for path in SOURCES for place in unexplained(path)] == []


@pytest.mark.parametrize(
    ("code", "broad"),
    [
        ("try: x\nexcept Exception: pass", 1),
        ("try: x\nexcept BaseException as error: print(error)", 1),
        ("try: x\nexcept: pass", 1),
        ("try: x\nexcept (ValueError, Exception): pass", 1),
        ("try: x\nexcept builtins.Exception: pass", 1),
        ("with contextlib.suppress(Exception): x", 1),
        ("try: x\nexcept Exception as error: raise RuntimeError from error", 1),
        ("try: x\nexcept BaseException:\n    close()\n    raise", 0),
        ("try: x\nexcept (OSError, ValueError): pass", 0),
        ("with contextlib.suppress(OSError): x", 0),
    ],
)
def test_what_counts_as_a_broad_handler(code: str, broad: int) -> None:
    assert len(list(broad_handlers(ast.walk(ast.parse(code))))) == broad


def test_only_the_database_module_connects() -> None:
    found = []
    for path in SOURCES:
        if within(path, "database", "testing"):
            continue
        found += [
            f"{shown(path)}:{line} imports {name}"
            for line, name in imports(path)
            if name in ("sqlite3", "pysqlite3", "apsw", "_sqlite3")
        ]
        found += [
            f"{shown(path)}:{call.lineno} {ast.unparse(call)[:60]}"
            for call in calls(path)
            if isinstance(call.func, ast.Attribute)
            and call.func.attr == "connect"
            and re.search(r"driver|sqlite|module", ast.unparse(call.func.value))
        ]
    assert found == []


def test_only_the_migration_package_and_migrations_import_alembic() -> None:
    assert [
        f"{shown(path)}:{line}"
        for path in SOURCES
        if not within(path, "migrate", "_alembic") and "/migrations/" not in shown(path)
        for line, name in imports(path)
        if name == "alembic"
    ] == []


def test_only_schemas_migrations_and_tests_import_sqlalchemy() -> None:
    allowed = re.compile(
        r"/migrations/|/(json_)?schema(/|\.py)|cleo_core/(migrate|_alembic|testing)/|/columns\.py|/postgres/"
    )
    assert [
        f"{shown(path)}:{line}"
        for path in SOURCES
        if not allowed.search(shown(path))
        for line, name in imports(path)
        if name == "sqlalchemy"
    ] == []


def test_only_the_command_line_and_the_output_module_print() -> None:
    found = []
    for path in SOURCES:
        if within(path, "cli", "output", "testing", "__main__") or "/cli" in shown(path):
            continue
        found += [
            f"{shown(path)}:{call.lineno} {ast.unparse(call)[:60]}"
            for call in calls(path)
            if ast.unparse(call.func) in ("print", "click.echo", "click.secho", "echo")
        ]
        if shown(path) != "cleo_core/plugins/record.py":  # keeps what plugins print out of stdout
            found += attribute_uses(path, "sys.stdout", "sys.__stdout__")
    assert found == []


def test_only_a_plugins_command_line_imports_click() -> None:
    assert [
        f"{shown(path)}:{line}"
        for path in SOURCES
        if not within(path, "cli", "testing") and "/cli" not in shown(path)
        for line, name in imports(path)
        if name == "click"
    ] == []


def test_only_the_paths_package_knows_the_home_directory() -> None:
    found = []
    for path in SOURCES:
        if within(path, "paths", "testing"):
            continue
        found += attribute_uses(path, "os.path.expanduser", "Path.home", "pathlib.Path.home")
        found += [
            f"{shown(path)}:{line} {text!r}"
            for line, text in strings(path)
            if text in ("HOME", "USERPROFILE", "APPDATA", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        ]
        found += [
            f"{shown(path)}:{line} imports {name}"
            for line, name in imports(path)
            if name == "platformdirs"
        ]
    assert found == []


@pytest.fixture(scope="module")
def installed() -> Plugins:
    return load_plugins({})


def test_core_imports_no_plugin(installed: Plugins) -> None:
    packages = {plugin.value.split(".")[0] for plugin in installed.all()}
    assert packages
    assert [
        f"{shown(path)}:{line} {name}"
        for path in SOURCES
        if CORE in path.parents
        for line, name in imports(path)
        if name in packages or (name.startswith("cleo_") and name != "cleo_core")
    ] == []


def test_no_plugin_imports_another(installed: Plugins) -> None:
    packages = {plugin.value.split(".")[0] for plugin in installed.all()}
    assert [
        f"{shown(path)}:{line} {name}"
        for path in SOURCES
        if CORE not in path.parents
        for line, name in imports(path)
        if name in packages and name not in path.parts
    ] == []


def test_core_names_no_store(installed: Plugins) -> None:
    """Neither a store, nor its file, distribution, service or revision stands in core's strings.

    Text that people read may: what a docstring or a help text says is no rule.
    """
    words = {"tasks", "brain", "conduit", "signaldock", "nexus", "telemetry", *installed.stores}
    stores = "|".join(sorted(words))
    named = re.compile(rf"(?<![\w.-])(?:cleo[-_])?(?:{stores})(?:\.db|_\d+|[.:][\w.:]+)?(?![\w-])")
    assert [
        f"{shown(path)}:{line} {text!r}"
        for path in SOURCES
        if CORE in path.parents and not within(path, "testing")
        for line, text in strings(path)
        if named.fullmatch(text.strip()) or re.search(rf"cleo[-_](?:{stores})\b", text)
    ] == []


def test_no_module_outgrows_its_reader() -> None:
    assert [
        f"{shown(path)}: {lines} lines"
        for path in SOURCES
        if not GENERATED.search(shown(path))
        and (lines := path.read_text("utf-8").count("\n")) > LINES
    ] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [
        shown(path)
        for path in SOURCES
        if path.read_text("utf-8").strip()
        and not GENERATED.search(shown(path))
        and ast.get_docstring(tree(path)) is None
    ] == []
