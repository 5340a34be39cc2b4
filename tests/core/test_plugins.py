"""Loading plugins: what is taken, what is put aside and why, and that nobody else notices."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import UsageError
from cleo_core.hookspecs import HOOKS
from cleo_core.plugins import Plugins, load_plugins, load_target, scan

IMPORTS = """
import zlib

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, ConfigKey, FileSpec, Reference, ServiceSpec, StoreSpec

CLEO_API = (1, 0)


def store(name, **fields):
    values = dict(
        name=name, tier="project", file=f"{name}.db", application_id=zlib.crc32(name.encode()) >> 1,
        head=f"{name}_0001", schema=f"cleo_{name}.schema:metadata",
        migrations=f"cleo_{name}.migrations", snapshot=f"cleo_{name}.snapshot:STATEMENTS",
    )
    return StoreSpec(**{**values, **fields})


def command(name, **fields):
    values = dict(name=name, target="anything:cli", help="Do it.", section="Data")
    return CommandSpec(**{**values, **fields})
"""

#: A plugin that does everything right, beside which others fail.
GOOD = """
CLEO_CONFIG = (ConfigKey("good.limit", "int", 5),)


@hookimpl
def cleo_register_stores():
    return [store("good", kinds={"thing": "things"})]


@hookimpl
def cleo_register_commands():
    return [command("good", reads=("list",))]


@hookimpl
def cleo_register_references():
    return [Reference("good.things.task_id", "task", "keep", "null")]


@hookimpl
def cleo_register_services():
    return [ServiceSpec("good", "anything:Service")]


@hookimpl
def cleo_existing_ids(app, kind, ids):
    return frozenset(ids)


@hookimpl
def cleo_guard_change(app, change):
    return "good was asked"
"""


class Site:
    """A directory on ``sys.path`` with distributions in it, as an installer would leave them."""

    numbers = itertools.count()

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: list[str] = []
        self.warnings: list[tuple[str, str]] = []

    def install(
        self,
        name: str,
        body: str = "",
        *,
        distribution: str | None = None,
        requires: str | None = "cleo-core>=0.1,<1",
        value: str | None = None,
        head: str = IMPORTS,
    ) -> str:
        """Install a distribution with one plugin; returns the plugin module's name."""
        module = f"plugin_{name.replace('-', '_')}_{next(self.numbers)}"
        (self.root / f"{module}.py").write_text(
            head + textwrap.dedent(body).replace("MODULE", module), "utf-8"
        )
        self.modules.append(module)
        distribution = distribution or f"{name}-dist"
        info = self.root / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir(exist_ok=True)
        line = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n{line}\n"
            "Requires-Dist: cleo-core>=9 is only mentioned in this text\n"
        )
        with (info / "entry_points.txt").open("a") as entry_points:
            entry_points.write(f"[cleo.plugins]\n{name} = {value or module}\n")
        return module

    def load(self, env: dict[str, str] | None = None, **options: Any) -> Plugins:
        """Load what is installed here and nothing else."""
        return load_plugins(
            env or {},
            warn=lambda code, message: self.warnings.append((code, message)),
            entry_points=scan([str(self.root)]),
            **options,
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    root = tmp_path / "site"
    root.mkdir()
    monkeypatch.syspath_prepend(str(root))
    made = Site(root)
    yield made
    for module in made.modules:
        sys.modules.pop(module, None)


def names(plugins: Plugins) -> list[str]:
    return [plugin.name for plugin in plugins.loaded]


def quarantine(plugins: Plugins, name: str) -> Any:
    (found,) = (plugin for plugin in plugins.quarantined if plugin.name == name)
    return found


def assert_good_is_untouched(plugins: Plugins) -> None:
    """The good plugin gives what it gives when it is alone."""
    assert "good" in names(plugins)
    assert list(plugins.stores) == ["good"]
    assert list(plugins.commands) == ["good"]
    assert list(plugins.services) == ["good"]
    assert list(plugins.references) == ["good.things.task_id"]
    assert list(plugins.config_keys) == ["good.limit"]
    assert plugins.kinds == {"thing": "good"}
    (outcome,) = plugins.call("cleo_guard_change", app=None, change=None)
    assert (outcome.plugin, outcome.value, outcome.error) == ("good", "good was asked", None)
    ids = plugins.first("cleo_existing_ids", app=None, kind="thing", ids=("a",))
    assert ids == frozenset({"a"})


def test_a_plugin_is_taken_with_all_that_it_declares(site: Site) -> None:
    site.install("good", GOOD, distribution="cleo-good")
    plugins = site.load()
    assert plugins.quarantined == ()
    assert_good_is_untouched(plugins)
    assert plugins.owner_of_store("good") == "good"
    assert plugins.owner_of_store("other") is None
    assert plugins.distribution_of_store("good") == "cleo-good"
    command, plugin = plugins.commands["good"]
    assert (command.target, plugin) == ("anything:cli", "good")
    (loaded,) = plugins.loaded
    assert (loaded.distribution, loaded.version, loaded.api) == ("cleo-good", "1.5", (1, 0))
    assert loaded.state == "loaded"
    assert loaded.ms > 0


def test_without_plugins_everything_is_empty_and_every_hook_silent(site: Site) -> None:
    plugins = site.load()
    assert plugins.all() == []
    for hook, kind in HOOKS.items():
        assert not plugins.has(hook)
        assert plugins.call(hook) == []
        if kind.on_error != "unknown":
            assert plugins.first(hook) is None


@pytest.mark.guarantee(
    "operations-30",
    "A plugin that cannot be imported is set aside with a reason; nothing else changes.",
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('kaput')", "RuntimeError: kaput"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Panic(BaseException): pass\nraise Panic", "Panic"),
        ("import a_module_that_is_not_there", "a_module_that_is_not_there"),
        ("def broken(:", "SyntaxError"),
        ("def again(): again()\nagain()", "RecursionError"),
        ("raise ValueError('two\\nlines \\x1b[31m and more')", "two lines \ufffd[31m and more"),
    ],
)
def test_failing_at_import_is_not_importable(site: Site, body: str, words: str) -> None:
    site.install("good", GOOD)
    module = site.install("bad", body)
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "not-importable"
    assert f"importing {module} failed" in bad.message
    assert words in bad.message
    assert bad.fix == "pip install --force-reinstall bad-dist"
    assert "\n" not in bad.line
    assert bad.line.isprintable()
    assert_good_is_untouched(plugins)


def test_a_module_that_is_missing_is_not_importable(site: Site) -> None:
    site.install("bad", value="nowhere_to_be_found.plugin")
    bad = quarantine(site.load(), "bad")
    assert bad.reason == "not-importable"
    assert "nowhere_to_be_found" in bad.message


@pytest.mark.parametrize("body", ["raise KeyboardInterrupt('stop now')", "_terminate()"])
def test_an_interruption_at_import_ends_the_program(site: Site, body: str) -> None:
    terminate = (
        "def _terminate():\n"
        "    kind = type('Terminated', (BaseException,), {'__module__': 'cleo_core.cli.root'})\n"
        "    raise kind('stop now')\n"
    )
    site.install("bad", terminate + body)
    with pytest.raises(BaseException, match="stop now"):
        site.load()


@pytest.mark.parametrize(
    ("requires", "accepted"),
    [
        (None, True),
        ("cleo-core", True),
        ("cleo-core>=0.1,<1", True),
        ("cleo_core (>=0.1)", True),
        ("Cleo.Core==0.1.0", True),
        ("cleo-core==0.1", True),
        ("cleo-core>=0.1.0.0", True),
        ("cleo-core~=0.1.0", True),
        ("cleo-core==0.1.*", True),
        ("cleo-core>=0.1.dev1", True),
        ("cleo-core!=0.2", True),
        ('cleo-core>=9; extra == "future"', True),
        ('cleo-core>=9; python_version < "3"', True),
        ("cleo-core @ https://example.org/cleo_core.whl", True),
        ("cleo-core-of-others>=9", True),
        ("cleo-core>=0.1.1", False),
        ("cleo-core>0.1", False),
        ("cleo-core<0.1", False),
        ("cleo-core>=0.0.1,<0.1", False),
        ("cleo-core!=0.1", False),
        ("cleo-core~=0.2", False),
        ('cleo-core>=9; python_version > "3"', False),
    ],
)
def test_requirements_on_core_are_held_against_the_core_that_runs(
    site: Site, requires: str | None, accepted: bool
) -> None:
    site.install("x", requires=requires)
    plugins = site.load()
    assert names(plugins) == (["x"] if accepted else [])
    if not accepted:
        assert quarantine(plugins, "x").reason == "needs-other-core"


def test_needing_a_newer_core_names_both_versions_and_the_pip_command(site: Site) -> None:
    site.install("good", GOOD)
    marker = site.root / "imported"
    site.install("bad", f"open({str(marker)!r}, 'w')", requires="cleo-core>=2,<3")
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "needs-other-core"
    assert ">=2,<3" in bad.message
    assert "0.1.0" in bad.message
    assert bad.fix == 'pip install "cleo-core>=2,<3"'
    assert not marker.exists()
    assert_good_is_untouched(plugins)


def test_needing_an_older_core_is_mended_by_a_newer_plugin(site: Site) -> None:
    site.install("bad", requires="cleo-core<0.1")
    assert quarantine(site.load(), "bad").fix == "pip install --upgrade bad-dist"


@pytest.mark.parametrize("requires", ["cleo-core>>nonsense; rm -rf", f"cleo-core>={'9' * 5000}"])
def test_a_requirement_nobody_can_read_is_a_broken_declaration(site: Site, requires: str) -> None:
    site.install("bad", requires=requires)
    bad = quarantine(site.load(), "bad")
    assert bad.reason == "bad-spec"
    assert "rm" not in bad.fix


@pytest.mark.guarantee(
    "operations-30",
    "A plugin made for another plugin API is set aside, naming both versions.",
)
@pytest.mark.parametrize(
    ("line", "reason", "words", "fix"),
    [
        ("CLEO_API = (2, 0)", "api-too-new", ("2.0", "1.0"), "pip install --upgrade cleo-core"),
        ("CLEO_API = (1, 1)", "api-too-new", ("1.1", "1.0"), "pip install --upgrade cleo-core"),
        ("CLEO_API = (0, 9)", "needs-other-core", ("0.9", "1.0"), "pip install --upgrade bad-dist"),
        ("del CLEO_API", "bad-spec", ("CLEO_API",), "pip install --upgrade bad-dist"),
        ("CLEO_API = '1.0'", "bad-spec", ("CLEO_API",), "pip install --upgrade bad-dist"),
        ("CLEO_API = (1,)", "bad-spec", ("CLEO_API",), "pip install --upgrade bad-dist"),
        ("CLEO_API = (True, 0)", "bad-spec", ("CLEO_API",), "pip install --upgrade bad-dist"),
    ],
)
def test_the_plugin_api_must_fit(
    site: Site, line: str, reason: str, words: tuple[str, ...], fix: str
) -> None:
    site.install("good", GOOD)
    site.install("bad", line)
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert (bad.reason, bad.fix) == (reason, fix)
    assert all(word in bad.message for word in words)
    assert_good_is_untouched(plugins)


@pytest.mark.guarantee(
    "operations-29",
    "A guard under a misspelt name, or without its mark, is refused when it is loaded.",
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("@hookimpl\ndef cleo_gaurd_change(app, change): pass", "cleo_gaurd_change is no hook"),
        ("def cleo_gaurd_change(app, change): pass", "cleo_gaurd_change is no hook"),
        ("@hookimpl\ndef helper(): pass", "helper is no hook"),
        ("def cleo_guard_change(app, change): pass", "not marked with @hookimpl"),
        ("@hookimpl\ndef cleo_guard_change(app, change, when): pass", "wants when"),
        ("@hookimpl\ndef cleo_guard_change(app, *, when): pass", "wants when"),
        ("@hookimpl\ndef cleo_guard_change(*, change): pass", "wants change"),
        ("@hookimpl\ndef cleo_guard_change(app, *, change=None): pass", "never be given change"),
        ("@hookimpl\ndef cleo_open_store(spec, path=''): pass", "never be given path"),
        ("@hookimpl\nasync def cleo_guard_change(app, change): pass", "asynchronous"),
        ("@hookimpl(wrapper=True)\ndef cleo_guard_change(app): return (yield)", "not be wrapped"),
        ("@hookimpl(hookwrapper=True)\ndef cleo_open_store(spec): yield", "not be wrapped"),
        ("@hookimpl(wrapper=True)\ndef cleo_migrate_store(spec): pass", "has no yield"),
        ("class Callable:\n  def __call__(self): pass\ncleo_reconcile = Callable()", "plain func"),
        (
            "@hookimpl(wrapper=True, hookwrapper=True)\ndef cleo_migrate_store(): yield",
            "two kinds at once",
        ),
        (
            "@hookimpl\ndef cleo_reconcile(): pass\n"
            "@hookimpl(specname='cleo_reconcile')\ndef again(): pass",
            "two functions are meant for cleo_reconcile",
        ),
        (
            "@hookimpl\ndef cleo_reconcile(): pass\ncleo_reconcile.__wrapped__ = cleo_reconcile",
            "no function",
        ),
        ("@hookimpl\ndef cleo_reconcile(): pass\ncleo_reconcile.__wrapped__ = len", "no function"),
        ("@hookimpl(specname='cleo_nothing')\ndef reconcile(): pass", "cleo_nothing is no hook"),
    ],
)
def test_functions_that_fit_no_hook_are_bad_hooks(site: Site, body: str, words: str) -> None:
    site.install("good", GOOD)
    site.install("bad", body)
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "bad-hook"
    assert words in bad.message
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize(
    "body",
    [
        "@hookimpl\ndef cleo_guard_change(): return 'called'",
        "@hookimpl\ndef cleo_guard_change(change): return 'called'",
        "@hookimpl\ndef cleo_guard_change(change, app): return 'called'",
        "@hookimpl\ndef cleo_guard_change(app, change=None, later=0): return 'called'",
        "@hookimpl(specname='cleo_guard_change')\ndef refuse(app): return 'called'",
        "@hookimpl\ndef cleo_guard_change(app, *rest, **more): return 'called'",
        "import functools\n"
        "def plain(app, change): return 'called'\n"
        "@hookimpl\n"
        "@functools.wraps(plain)\n"
        "def cleo_guard_change(*args): return plain(*args)",
    ],
)
def test_a_function_names_only_the_arguments_that_it_needs(site: Site, body: str) -> None:
    site.install("x", body)
    (outcome,) = site.load().call("cleo_guard_change", app=1, change=2)
    assert (outcome.value, outcome.error) == ("called", None)


def test_an_argument_with_a_default_is_passed_all_the_same(site: Site) -> None:
    site.install("x", "@hookimpl\ndef cleo_reconcile(app, apply=False): return [apply]")
    (outcome,) = site.load().call("cleo_reconcile", app=None, apply=True)
    assert outcome.value == [True]


@pytest.mark.parametrize("state", ["absent", "disabled", "broken"])
def test_an_optional_hook_of_a_plugin_that_is_not_there_is_never_called(
    site: Site, state: str
) -> None:
    site.install("good", GOOD)
    site.install("x", "@hookimpl(optionalhook=True)\ndef cleo_brain_embedders(): return [1]")
    if state != "absent":
        site.install("brain", "" if state == "disabled" else "raise ValueError")
    plugins = site.load({"CLEO_DISABLE_PLUGINS": "brain"} if state == "disabled" else {})
    assert names(plugins) == ["good", "x"]
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize("broken", ["raise ValueError", "CLEO_API = (9, 9)"])
def test_a_hook_of_a_broken_plugin_does_not_break_who_implements_it(
    site: Site, broken: str
) -> None:
    site.install("brain", broken)
    site.install("x", "@hookimpl\ndef cleo_brain_embedders(): return [1]")
    assert names(site.load()) == ["x"]


def test_a_plugin_may_bring_hooks_of_its_own(site: Site) -> None:
    specs = site.install(
        "specs",
        "import pluggy\nhookspec = pluggy.HookspecMarker('cleo')\n"
        "@hookspec\ndef cleo_brain_embedders(model): 'All embedders.'\n"
        "@hookspec(firstresult=True)\ndef cleo_brain_best(): 'The best one.'\n",
        head="",
    )
    (site.root / "specs_dist-1.5.dist-info" / "entry_points.txt").unlink()
    site.install("brain", f"CLEO_HOOKSPECS = {specs!r}")
    site.install("a-third", "@hookimpl\ndef cleo_brain_embedders(model): return model + '!'")
    site.install("b-third", "@hookimpl\ndef cleo_brain_best(): return 'mine'")
    site.install("wrong", "@hookimpl\ndef cleo_brain_embedders(modle): pass")
    site.install("typo", "@hookimpl\ndef cleo_brain_embeders(model): pass")
    plugins = site.load()
    assert names(plugins) == ["a-third", "b-third", "brain"]
    assert [o.value for o in plugins.call("cleo_brain_embedders", model="m")] == ["m!"]
    assert plugins.first("cleo_brain_best") == "mine"
    assert "wants modle" in quarantine(plugins, "wrong").message
    assert quarantine(plugins, "typo").reason == "bad-hook"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("CLEO_HOOKSPECS = 'no_such_module_anywhere'", "not-importable"),
        ("CLEO_HOOKSPECS = 'not a module'", "bad-spec"),
        ("CLEO_HOOKSPECS = 7", "bad-spec"),
        ("CLEO_HOOKSPECS = 'json'", "bad-spec"),
        ("CLEO_HOOKSPECS = 'cleo_core.hookspecs'", "bad-spec"),
    ],
)
def test_hookspecs_that_cannot_be_used(site: Site, line: str, reason: str) -> None:
    site.install("good", GOOD)
    site.install("bad", line)
    plugins = site.load()
    assert quarantine(plugins, "bad").reason == reason
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize("hook", [name for name, kind in HOOKS.items() if "register" in name])
@pytest.mark.parametrize(
    "failure",
    ["raise ValueError('kaput')", "raise SystemExit('kaput')", "yield 1; raise OSError('kaput')"],
)
def test_failing_while_registering_is_a_failed_hook(site: Site, hook: str, failure: str) -> None:
    site.install("good", GOOD)
    site.install("bad", f"@hookimpl\ndef {hook}():\n    {failure}")
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "hook-failed"
    assert f"{hook} failed" in bad.message
    assert "kaput" in bad.message
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize(
    ("hook", "value", "words"),
    [
        ("stores", "[1]", "int, not a StoreSpec"),
        ("stores", "store('s')", "StoreSpec, not a sequence"),
        ("stores", "'stores'", "str, not a sequence"),
        ("stores", "{'s': store('s')}", "dict, not a sequence"),
        ("stores", "[command('c')]", "CommandSpec, not a StoreSpec"),
        ("stores", "[store('Upper')]", "the name is not valid"),
        ("stores", "[store('with-dash')]", "the name is not valid"),
        ("stores", "[store('s', **{'head': 5})]", "the head 5"),
        ("stores", "[store('s', tier='galaxy')]", "the tier 'galaxy' is not valid"),
        ("stores", "[store('s', file='../s.db')]", "the file '../s.db'"),
        ("stores", "[store('s', file='config.json')]", "the file 'config.json'"),
        ("stores", "[store('s', file='tasks.db-wal')]", "the file"),
        ("stores", "[store('s', application_id=0)]", "the application_id 0"),
        ("stores", "[store('s', application_id=2**31)]", "the application_id"),
        ("stores", "[store('s', application_id=True)]", "the application_id"),
        *(
            ("stores", f"[store('{name}')]", "the name is not valid")
            for name in ("init", "backups", "restore", "bundle", "config")
        ),
        ("stores", "[store('s', head='t_0001')]", "the head 't_0001'"),
        ("stores", "[store('s', head='s_1')]", "the head 's_1'"),
        ("stores", "[store('s', head=None)]", "the head"),
        ("stores", "[store('s', schema='no.colon')]", "the schema 'no.colon'"),
        ("stores", "[store('s', snapshot='two:col:ons')]", "the snapshot"),
        ("stores", "[store('s', migrations='a:b')]", "the migrations 'a:b'"),
        ("stores", "[store('s', backup='maybe')]", "the backup 'maybe'"),
        ("stores", "[store('s', create='later')]", "the create 'later'"),
        ("stores", "[store('s', kinds={'Task': 't'})]", "the kinds"),
        ("stores", "[store('s', kinds=['task'])]", "the kinds"),
        ("stores", "[store('s', after='tasks')]", "the after 'tasks'"),
        ("stores", "[store('s', files=('key',))]", "the files"),
        ("stores", "[store('s', files=(FileSpec('a/b', 'global'),))]", "file 'a/b': the name"),
        ("stores", "[store('s', files=(FileSpec('k', 'attic'),))]", "the tier 'attic'"),
        ("stores", "[store('s', files=(FileSpec('k', 'global', bundle='x'),))]", "the bundle"),
        (
            "stores",
            "[store('s', files=(FileSpec('k', 'global', bundle='same_machine'),))]",
            "the bundle 'same_machine'",
        ),
        ("stores", "[store('s', backends=())]", "the backends"),
        ("stores", "[store('s'), store('s', file='t.db')]", "the store 's' twice"),
        ("stores", "[store('s'), store('t', file='S.DB')]", "the file 'project/s.db' twice"),
        ("stores", "[store('s', application_id=7), store('t', application_id=7)]", "7 twice"),
        ("stores", "[store('s', kinds={'k': 'a'}), store('t', kinds={'k': None})]", "'k' twice"),
        ("commands", "[command('Add')]", "the name is not valid"),
        ("commands", "[command('')]", "the name is not valid"),
        ("commands", "[command('a b')]", "the name is not valid"),
        ("commands", "[command('-a')]", "the name is not valid"),
        ("commands", "[command('a', target='a.b')]", "the target 'a.b'"),
        ("commands", "[command('a', target=':b')]", "the target"),
        ("commands", "[command('a', target=len)]", "the target"),
        ("commands", "[command('a', help='')]", "the help"),
        ("commands", "[command('a', section=None)]", "the section"),
        ("commands", "[command('a', reads='list')]", "the reads 'list'"),
        ("commands", "[command('a'), command('a')]", "the command 'a' twice"),
        ("services", "[ServiceSpec('my service', 'a:b')]", "the name is not valid"),
        ("services", "[ServiceSpec('s', 'ab')]", "the target 'ab'"),
        ("services", "[ServiceSpec('s', 'a:b'), ServiceSpec('s', 'a:c')]", "'s' twice"),
        ("references", "[Reference('other.t.c', 'task', 'keep', 'keep')]", "the source"),
        ("references", "[Reference('bad.t', 'task', 'keep', 'keep')]", "the source 'bad.t'"),
        ("references", "[Reference('bad.t.a:b:c', 'task', 'keep', 'keep')]", "the source"),
        ("references", "[Reference('bad.t.c', 'Task', 'keep', 'keep')]", "the target_kind"),
        ("references", "[Reference('bad.t.c', 'task', 'drop', 'keep')]", "the on_missing 'drop'"),
        ("references", "[Reference('bad.t.c', 'task', 'keep', 'drop')]", "the on_delete 'drop'"),
        ("references", "[Reference('bad.t.c','t','keep','keep',id_from='xml')]", "the id_from"),
        ("references", "[Reference('bad.t.c','t','null','keep',id_from='json:$')]", "on_missing"),
        ("references", "[Reference('bad.t.c','t','keep','null',id_from='json:$')]", "on_delete"),
        ("references", "[Reference('bad.t.c', 't', 'keep', 'keep', handler='f')]", "the handler"),
        ("references", "[Reference('bad.t.c', 't', 'keep', 'keep', exempt='x')]", "the exempt"),
    ],
)
def test_declarations_that_make_no_sense_are_bad_specs(
    site: Site, hook: str, value: str, words: str
) -> None:
    site.install("good", GOOD)
    body = f"@hookimpl\ndef cleo_register_{hook}():\n    return {value}\n"
    if hook != "stores":
        body += "@hookimpl\ndef cleo_register_stores():\n    return [store('bad')]\n"
    site.install("bad", body)
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "bad-spec"
    assert words in bad.message
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("ConfigKey('bad.x', 'int', 1)", "ConfigKey, not a sequence"),
        ("('bad.x',)", "str, not a ConfigKey"),
        ("(ConfigKey('other.x', 'int', 1),)", "the name is not valid"),
        ("(ConfigKey('bad', 'int', 1),)", "the name is not valid"),
        ("(ConfigKey('bad.X', 'int', 1),)", "the name is not valid"),
        ("(ConfigKey('bad.x', 'decimal', 1),)", "the type 'decimal'"),
        ("(ConfigKey('bad.x', 'int', 1, scope='here'),)", "the scope 'here'"),
        ("(ConfigKey('bad.x', 'enum', 'a'),)", "the choices"),
        ("(ConfigKey('bad.x', 'enum', 'c', choices=('a', 'b')),)", "the default 'c'"),
        ("(ConfigKey('bad.x', 'int', 1), ConfigKey('bad.x', 'int', 2))", "'bad.x' twice"),
    ],
)
def test_configuration_keys_that_make_no_sense_are_bad_specs(
    site: Site, keys: str, words: str
) -> None:
    site.install("good", GOOD)
    site.install("bad", f"CLEO_CONFIG = {keys}")
    plugins = site.load()
    bad = quarantine(plugins, "bad")
    assert bad.reason == "bad-spec"
    assert words in bad.message
    assert_good_is_untouched(plugins)


def test_objects_that_fail_at_any_touch_are_bad_specs(site: Site) -> None:
    site.install("good", GOOD)
    site.install(
        "bad",
        """
        class Sly(CommandSpec):
            def __getattribute__(self, name):
                raise SystemExit("no")
        @hookimpl
        def cleo_register_commands():
            return [object.__new__(Sly)]
        """,
    )
    plugins = site.load()
    assert quarantine(plugins, "bad").reason == "bad-spec"
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize("name", ["Bad", "b ad", "9bad", "bäd", "x" * 65])
def test_plugin_names_that_cannot_be_typed_are_bad_specs(site: Site, name: str) -> None:
    site.install("good", GOOD)
    module = site.install("fine")
    (site.root / "fine_dist-1.5.dist-info" / "entry_points.txt").write_text(
        f"[cleo.plugins]\n{name} = {module}\n", "utf-8"
    )
    plugins = site.load()
    assert [plugin.reason for plugin in plugins.quarantined] == ["bad-spec"]
    assert_good_is_untouched(plugins)


def test_an_entry_point_must_name_a_module(site: Site) -> None:
    site.install("bad", value="module:attribute")
    assert quarantine(site.load(), "bad").reason == "bad-spec"


def test_a_plugin_that_loses_one_thing_loses_all(site: Site) -> None:
    site.install("good", GOOD)
    site.install(
        "bad",
        """
        CLEO_CONFIG = (ConfigKey("bad.x", "int", 1),)
        @hookimpl
        def cleo_register_stores(): return [store("bad", kinds={"rock": "rocks"})]
        @hookimpl
        def cleo_register_commands(): return [command("rock"), command("stone")]
        @hookimpl
        def cleo_register_references(): return [Reference("bad.rocks.x", "task", "keep", "keep")]
        @hookimpl
        def cleo_register_services(): return [ServiceSpec("bad", "no colon")]
        @hookimpl
        def cleo_guard_change(app, change): return "bad was asked"
        """,
    )
    plugins = site.load()
    assert_good_is_untouched(plugins)
    assert [spec.name for spec in quarantine(plugins, "bad").commands] == ["rock", "stone"]


CLAIMS = [
    ("store", "@hookimpl\ndef cleo_register_stores(): return [store('x', **UNIQUE)]"),
    ("file", "@hookimpl\ndef cleo_register_stores(): return [store('NAME', file='x.db')]"),
    (
        "file",
        "@hookimpl\ndef cleo_register_stores():\n"
        "    return [store('NAME', files=(FileSpec('x', 'global'),))]",
    ),
    (
        "application id",
        "@hookimpl\ndef cleo_register_stores(): return [store('NAME', application_id=77)]",
    ),
    ("kind", "@hookimpl\ndef cleo_register_stores(): return [store('NAME', kinds={'x': 't'})]"),
    ("command", "@hookimpl\ndef cleo_register_commands(): return [command('x')]"),
    ("service", "@hookimpl\ndef cleo_register_services(): return [ServiceSpec('x', 'a:b')]"),
]


def claim(body: str, name: str) -> str:
    unique = f"dict(file='{name}.db', application_id={len(name)})"
    return body.replace("UNIQUE", unique).replace("NAME", name)


@pytest.mark.guarantee(
    "operations-30",
    "Two plugins that claim the same thing are both named and both set aside.",
)
@pytest.mark.parametrize(("what", "body"), CLAIMS)
def test_a_thing_claimed_twice_is_nobodys(site: Site, what: str, body: str) -> None:
    site.install("good", GOOD)
    site.install("one", claim(body, "one"), distribution="dist-one")
    site.install("two", claim(body, "two"), distribution="dist-two")
    plugins = site.load()
    for name in ("one", "two"):
        record = quarantine(plugins, name)
        assert record.reason == "duplicate"
        assert f"the {what} " in record.message
        assert "dist-one 1.5 and dist-two 1.5" in record.message
        assert record.fix == f"pip uninstall dist-{name}"
    assert_good_is_untouched(plugins)


@pytest.mark.parametrize(("what", "body"), CLAIMS)
def test_the_distribution_of_that_name_keeps_what_is_claimed_twice(
    site: Site, what: str, body: str
) -> None:
    site.install("x", claim(body, "x"), distribution="cleo-x")
    site.install("thief", claim(body, "thief"), distribution="thief-dist")
    plugins = site.load()
    assert names(plugins) == ["x"]
    assert "cleo-x keeps it" in quarantine(plugins, "thief").message


def test_one_plugin_name_in_two_distributions(site: Site) -> None:
    site.install("x", distribution="dist-one")
    site.install("x", distribution="dist-two")
    plugins = site.load()
    assert names(plugins) == []
    assert [plugin.reason for plugin in plugins.quarantined] == ["duplicate", "duplicate"]
    site.install("x", distribution="cleo-x")
    plugins = site.load()
    assert [plugin.distribution for plugin in plugins.loaded] == ["cleo-x"]


def test_plugin_names_that_share_a_configuration_prefix_are_one_name(site: Site) -> None:
    site.install("a-b")
    site.install("a_b")
    assert {plugin.reason for plugin in site.load().quarantined} == {"duplicate"}


def test_one_module_under_two_names_is_used_once_at_most(site: Site) -> None:
    module = site.install("one")
    site.install("two", value=module)
    assert {plugin.reason for plugin in site.load().quarantined} == {"duplicate"}


def test_built_in_commands_and_configuration_are_reserved(site: Site) -> None:
    site.install("good", GOOD)
    site.install("bad", "@hookimpl\ndef cleo_register_commands(): return [command('doctor')]")
    site.install("backup", "CLEO_CONFIG = (ConfigKey('backup.keep_last', 'int', 0),)")
    plugins = site.load(reserved_commands={"doctor"}, reserved_config={"backup"})
    for name in ("bad", "backup"):
        assert quarantine(plugins, name).reason == "duplicate"
        assert "cleo-core's own" in quarantine(plugins, name).message
    assert_good_is_untouched(plugins)


def test_a_plugin_that_loses_draws_nobody_along(site: Site) -> None:
    both = "@hookimpl\ndef cleo_register_commands(): return [command('x'), command('y')]"
    site.install(
        "x", "@hookimpl\ndef cleo_register_commands(): return [command('x')]", distribution="cleo-x"
    )
    site.install("thief", both)
    site.install("other", "@hookimpl\ndef cleo_register_commands(): return [command('y')]")
    plugins = site.load()
    assert names(plugins) == ["other", "x"]
    assert {name: plugin for name, (_, plugin) in plugins.commands.items()} == {
        "x": "x",
        "y": "other",
    }


def stores(*declared: tuple[str, tuple[str, ...]]) -> str:
    listed = ", ".join(f"store({name!r}, after={after!r})" for name, after in declared)
    return (
        f"@hookimpl\ndef cleo_register_stores(): return [{listed}]\n"
        "@hookimpl\ndef cleo_reconcile(): return []\n"
    )


@pytest.mark.parametrize("order", list(itertools.permutations("abcd"))[::5])
def test_plugins_and_stores_stand_in_dependency_order_then_by_name(
    site: Site, order: tuple[str, ...]
) -> None:
    bodies = {
        "a": stores(("a", ("c", "nobody_has_this"))),
        "b": stores(("b", ())),
        "c": stores(("c", ("d",))),
        "d": stores(("d", ())),
    }
    for name in order:
        site.install(name, bodies[name])
    site.install("aa", "@hookimpl\ndef cleo_reconcile(): return []")
    plugins = site.load()
    assert list(plugins.stores) == ["b", "d", "c", "a"]
    assert names(plugins) == ["aa", "b", "d", "c", "a"]
    called = [outcome.plugin for outcome in plugins.call("cleo_reconcile", app=None, apply=False)]
    assert called == names(plugins)


@pytest.mark.guarantee(
    "operations-30",
    "Plugins whose stores wait for each other in a circle are set aside; those beside it are not.",
)
def test_a_cycle_puts_its_members_aside_and_nobody_else(site: Site) -> None:
    site.install("good", GOOD)
    site.install("a", stores(("a", ("c",))))
    site.install("b", stores(("b", ("a",))))
    site.install("c", stores(("c", ("b",))))
    site.install("selfish", stores(("selfish", ("selfish",))))
    site.install(
        "behind",
        "@hookimpl\ndef cleo_register_stores(): return [store('behind', after=('c', 'good'))]",
    )
    plugins = site.load()
    for name in "abc":
        assert quarantine(plugins, name).reason == "bad-spec"
        assert "wait for each other: a, b, c." in quarantine(plugins, name).message
    assert "wait for each other: selfish." in quarantine(plugins, "selfish").message
    assert names(plugins) == ["good", "behind"]


def test_plugins_may_wait_for_each_other_where_no_store_does(site: Site) -> None:
    site.install("p", stores(("p1", ("q1",)), ("p2", ())))
    site.install("q", stores(("q1", ("p2",))))
    plugins = site.load()
    assert list(plugins.stores) == ["p2", "q1", "p1"]
    assert names(plugins) == ["p", "q"]


@pytest.mark.parametrize(
    ("env", "imported", "warned"),
    [
        ({}, ["a", "b", "c"], []),
        ({"CLEO_PLUGINS": "a, c"}, ["a", "c"], []),
        ({"CLEO_PLUGINS": "b"}, ["b"], []),
        ({"CLEO_PLUGINS": ""}, [], []),
        ({"CLEO_DISABLE_PLUGINS": "b"}, ["a", "c"], []),
        ({"CLEO_DISABLE_PLUGINS": ""}, ["a", "b", "c"], []),
        ({"CLEO_PLUGINS": "a,b", "CLEO_DISABLE_PLUGINS": "b c"}, ["a"], []),
        ({"CLEO_PLUGINS": "a,ghost"}, ["a"], ["CLEO_PLUGINS names 'ghost'"]),
        ({"CLEO_DISABLE_PLUGINS": "gh0st"}, ["a", "b", "c"], ["CLEO_DISABLE_PLUGINS names 'gh0st"]),
    ],
)
def test_plugins_are_left_out_before_they_are_imported(
    site: Site, tmp_path: Path, env: dict[str, str], imported: list[str], warned: list[str]
) -> None:
    for name in "abc":
        site.install(name, f"open({str(tmp_path / name)!r}, 'w').close()")
    plugins = site.load(env)
    assert names(plugins) == imported
    assert [name for name in "abc" if (tmp_path / name).exists()] == imported
    assert {plugin.name for plugin in plugins.disabled} == {*"abc"} - {*imported}
    assert [code for code, _ in site.warnings] == ["W_PLUGIN_UNKNOWN"] * len(warned)
    assert all(text in message for text, (_, message) in zip(warned, site.warnings, strict=True))


def test_every_plugin_is_listed_whatever_became_of_it(site: Site) -> None:
    site.install("good", GOOD)
    site.install("off")
    site.install("bad", "raise ValueError")
    plugins = site.load({"CLEO_DISABLE_PLUGINS": "off"})
    assert [(plugin.name, plugin.state) for plugin in plugins.all()] == [
        ("bad", "quarantined"),
        ("good", "loaded"),
        ("off", "disabled"),
    ]


ARGUMENTS: dict[str, dict[str, Any]] = {
    "cleo_open_store": {"spec": None, "path": "p"},
    "cleo_store_opened": {"spec": None, "connection": None},
    "cleo_migrate_store": {"spec": None, "connection": None, "plan": None},
    "cleo_store_migrated": {"app": None, "spec": None, "report": None},
    "cleo_existing_ids": {"app": None, "kind": "thing", "ids": ("a",)},
    "cleo_guard_change": {"app": None, "change": None},
    "cleo_change_committed": {"app": None, "change": None},
    "cleo_reconcile": {"app": None, "apply": False},
    "cleo_project_created": {"app": None, "project": None},
    "cleo_command_finished": {"app": None, "event": None},
}


@pytest.mark.guarantee(
    "operations-30",
    "A plugin that fails in any one hook does not change what the other plugins do and answer.",
)
@pytest.mark.parametrize("failure", ["raise ValueError('kaput')", "raise SystemExit('kaput')"])
@pytest.mark.parametrize("hook", HOOKS)
def test_failing_in_a_hook_stays_with_the_plugin_that_fails(
    site: Site, hook: str, failure: str
) -> None:
    site.install("good", GOOD)
    site.install("bad", f"@hookimpl\ndef {hook}():\n    {failure}")
    if hook not in ("cleo_existing_ids", "cleo_guard_change"):
        site.install("other", f"@hookimpl\ndef {hook}(): return []")
    plugins = site.load()
    kind = HOOKS[hook]
    if kind.on_error == "quarantine":
        assert quarantine(plugins, "bad").reason == "hook-failed"
        assert_good_is_untouched(plugins)
        return
    assert plugins.quarantined == ()
    if kind.on_error == "unknown":
        assert_good_is_untouched(plugins)
    elif kind.kind == "first":
        with pytest.raises((ValueError, RuntimeError)):
            plugins.first(hook, **ARGUMENTS[hook])
    else:
        outcomes = plugins.call(hook, **ARGUMENTS.get(hook, {}))
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        assert [outcome.plugin for outcome in failed] == ["bad"]
        assert str(failed[0].error) == "kaput"
        assert failed[0].value is None
        worked = {outcome.plugin for outcome in outcomes} - {"bad"}
        assert worked == ({"good"} if hook == "cleo_guard_change" else {"other"})


@pytest.mark.guarantee(
    "operations-29",
    "A guard, like every hook function, is either called by its hook or refused when it is loaded.",
)
@pytest.mark.parametrize("hook", HOOKS)
def test_every_function_for_a_hook_is_called(site: Site, hook: str) -> None:
    calls = f"called_{hook}"
    site.install(
        "x",
        f"import builtins\n"
        f"@hookimpl\ndef cleo_register_stores():\n"
        f"    note('cleo_register_stores')\n    return [store('x', kinds={{'thing': 't'}})]\n"
        f"def note(hook):\n"
        f"    builtins.{calls} = getattr(builtins, {calls!r}, ()) + (hook,)\n"
        + (
            ""
            if hook == "cleo_register_stores"
            else f"@hookimpl\ndef {hook}():\n    note({hook!r})\n    return []\n"
        ),
    )
    import builtins

    try:
        plugins = site.load()
        assert plugins.has(hook)
        if HOOKS[hook].kind == "first":
            plugins.first(hook, **ARGUMENTS[hook])
        elif HOOKS[hook].on_error != "quarantine":
            plugins.call(hook, **ARGUMENTS.get(hook, {}))
        assert getattr(builtins, calls).count(hook) == 1
    finally:
        delattr(builtins, calls)


def test_a_hook_that_does_not_exist_cannot_be_called(site: Site) -> None:
    plugins = site.load()
    for ask in (plugins.has, plugins.call, plugins.first):
        with pytest.raises(LookupError, match="cleo_gaurd_change"):
            ask("cleo_gaurd_change")


def test_results_that_come_one_by_one_are_read_where_they_cannot_hurt(site: Site) -> None:
    site.install("a", "@hookimpl\ndef cleo_reconcile():\n    yield 1\n    yield 2")
    site.install("b", "@hookimpl\ndef cleo_reconcile():\n    yield 1\n    raise ValueError('late')")
    first, second = site.load().call("cleo_reconcile", app=None, apply=False)
    assert first.value == (1, 2)
    assert (second.value, str(second.error)) == (None, "late")


def test_an_interruption_in_a_hook_ends_the_program(site: Site) -> None:
    site.install("x", "@hookimpl\ndef cleo_reconcile(): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load().call("cleo_reconcile", app=None, apply=False)


def test_the_first_answer_comes_in_dependency_order_and_core_last(site: Site) -> None:
    for name, after, answer in (("a", ("b",), "'a'"), ("b", (), "None"), ("c", (), "None")):
        site.install(
            name,
            f"{stores((name, after))}\n"
            "@hookimpl\ndef cleo_open_store(path):\n"
            f"    path.append({name!r})\n    return {answer}",
        )

    def core(spec: object, path: list[str]) -> str:
        path.append("core")
        return "core"

    plugins = site.load()
    plugins.provide("cleo_open_store", core)
    asked: list[str] = []
    assert plugins.first("cleo_open_store", spec=None, path=asked) == "a"
    assert asked == ["b", "a"]
    plugins = site.load({"CLEO_DISABLE_PLUGINS": "a"})
    plugins.provide("cleo_open_store", core)
    asked.clear()
    assert plugins.first("cleo_open_store", spec=None, path=asked) == "core"
    assert asked == ["b", "c", "core"]


def test_a_wrapper_stands_around_cores_own_migration(site: Site) -> None:
    site.install(
        "x",
        """
        events = []
        @hookimpl(wrapper=True)
        def cleo_migrate_store(spec):
            events.append("before")
            report = yield
            events.append("after")
            return report + " and copied"
        """,
    )
    plugins = site.load()
    events = plugins.loaded[0].module.events  # type: ignore[union-attr]

    def core(spec: object, plan: object) -> str:
        events.append("core")
        return "migrated"

    plugins.provide("cleo_migrate_store", core)
    report = plugins.first("cleo_migrate_store", spec=None, connection=None, plan=None)
    assert report == "migrated and copied"
    assert events == ["before", "core", "after"]


def test_cores_own_answer_stands_without_any_plugin(site: Site) -> None:
    plugins = site.load()
    plugins.provide("cleo_open_store", lambda path: f"core opens {path}")
    assert not plugins.has("cleo_open_store")
    assert plugins.first("cleo_open_store", spec=None, path="p") == "core opens p"


def test_only_the_owner_of_a_kind_is_asked_which_ids_exist(site: Site) -> None:
    site.install("good", GOOD)
    site.install("a", "@hookimpl\ndef cleo_existing_ids(kind): return frozenset({'forged'})")
    site.install(
        "owner",
        stores(("owner", ())).replace("after=()", "kinds={'rock': None}")
        + "@hookimpl\ndef cleo_existing_ids(): raise SystemExit",
    )
    plugins = site.load()
    arguments: dict[str, Any] = {"app": None, "ids": ("forged", "b")}
    owned = plugins.first("cleo_existing_ids", kind="thing", **arguments)
    assert owned == frozenset({"forged", "b"})
    assert plugins.first("cleo_existing_ids", kind="unowned", **arguments) is None
    with pytest.raises(RuntimeError, match="owner"):
        plugins.first("cleo_existing_ids", kind="rock", **arguments)


def test_a_slow_hook_is_named_once(site: Site) -> None:
    site.install("slow", "import time\n@hookimpl\ndef cleo_command_finished(): time.sleep(0.06)")
    site.install("fast", "@hookimpl\ndef cleo_command_finished(): pass")
    plugins = site.load()
    for _ in range(3):
        assert len(plugins.call("cleo_command_finished", app=None, event=None)) == 2
    ((code, message),) = site.warnings
    assert code == "W_HOOK_SLOW"
    assert "Plugin slow took" in message
    assert "within 5 ms" in message


def test_a_trace_has_one_line_per_call_and_no_value(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.install("good", GOOD)
    site.install("bad", "@hookimpl\ndef cleo_guard_change(change): raise ValueError(change)")
    site.install("opens", "@hookimpl\ndef cleo_open_store(path): return path")
    plugins = site.load({"CLEO_TRACE_HOOKS": "1"})
    plugins.call("cleo_guard_change", app=None, change="SECRET")
    plugins.first("cleo_open_store", spec=None, path="SECRET")
    plugins.first("cleo_existing_ids", app=None, kind="thing", ids=("SECRET",))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "SECRET" not in captured.err
    lines = [line.split() for line in captured.err.splitlines()]
    assert all(line[:2] == ["cleo:", "hook"] and line[3] == "plugin" for line in lines)
    outcomes = {(line[2], line[4]): line[-1] for line in lines}
    assert outcomes["cleo_register_stores", "good"] == "ok"
    assert outcomes["cleo_guard_change", "bad"] == "ValueError"
    assert outcomes["cleo_open_store", "opens"] == "ok"
    assert outcomes["cleo_existing_ids", "good"] == "ok"
    assert len(outcomes) == len(lines)
    site.load({"CLEO_TRACE_HOOKS": "0"})
    assert capsys.readouterr().err == ""


def test_two_sets_of_plugins_share_nothing(site: Site) -> None:
    site.install("x", "@hookimpl\ndef cleo_open_store(path): return path")
    one, other = site.load(), site.load({"CLEO_PLUGINS": ""})
    assert one.first("cleo_open_store", spec=None, path="p") == "p"
    assert other.first("cleo_open_store", spec=None, path="p") is None


@pytest.fixture
def core_metadata(site: Site) -> Path:
    info = site.root / "cleo_core-0.1.0.dist-info"
    info.mkdir()
    metadata = info / "METADATA"
    metadata.write_text(
        "Name: cleo-core\nVersion: 0.1.0\nProvides-Extra: brain\n"
        'Requires-Dist: cleo-nexus >=0.1 ; (python_version > "3") and extra == "nexus"\n\n'
    )
    return metadata


@pytest.mark.parametrize("command", ["brain", "nexus"])
def test_a_command_of_a_plugin_not_installed_says_how_to_get_it(
    site: Site, core_metadata: Path, command: str
) -> None:
    error = site.load().explain_missing(command)
    assert (error.code, error.exit) == ("E_PLUGIN_MISSING", 5)
    assert error.fix == f'pip install "cleo-core[{command}]"'


def test_core_knows_no_extra_but_those_in_its_metadata(site: Site, core_metadata: Path) -> None:
    core_metadata.write_text("Name: cleo-core\nVersion: 0.1.0\n\nProvides-Extra: brain\n")
    assert site.load().explain_missing("brain").exit == 2


def test_a_command_of_a_quarantined_plugin_says_why(site: Site, core_metadata: Path) -> None:
    site.install(
        "x",
        "@hookimpl\ndef cleo_register_commands(): return [command('add')]\n"
        "@hookimpl\ndef cleo_register_stores(): raise ValueError('kaput')",
    )
    site.install("brain", "raise ValueError('broken')")
    plugins = site.load()
    for command, words in (("add", "kaput"), ("x", "kaput"), ("brain", "broken")):
        error = plugins.explain_missing(command)
        assert (error.code, error.exit) == ("E_PLUGIN_QUARANTINED", 5)
        assert words in error.message
        assert error.fix.startswith("pip install")


def test_a_command_of_a_plugin_left_out_by_variable_says_so(
    site: Site, core_metadata: Path
) -> None:
    site.install("brain")
    error = site.load({"CLEO_PLUGINS": ""}).explain_missing("brain")
    assert error.exit == 5
    assert "CLEO_DISABLE_PLUGINS" in error.message
    assert "pip" not in error.fix


def test_an_unknown_command_names_the_nearest(site: Site) -> None:
    site.install("good", GOOD)
    site.install("mute", "raise ValueError")
    plugins = site.load(reserved_commands={"doctor"})
    for typed, nearest in (("goood", "good"), ("docter", "doctor"), ("migrat", "migrate")):
        error = plugins.explain_missing(typed, known=["migrate"])
        assert isinstance(error, UsageError)
        assert error.exit == 2
        assert error.details["nearest"][0] == nearest
        assert error.fix == f"cleo {nearest}"
        assert "plugin mute" in error.message
    assert plugins.explain_missing("zzzzzz").fix == "cleo --help"
    assert plugins.explain_missing("bad\x1b[31m\n").message.isprintable()


def test_a_target_is_imported_when_it_is_needed() -> None:
    assert load_target("os.path:join") is os.path.join
    assert load_target("os:path.join") is os.path.join


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("os.path", ValueError),
        ("no_such_module_at_all:x", ImportError),
        ("os:no_such_attribute", AttributeError),
    ],
)
def test_a_target_that_is_not_there(target: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        load_target(target)


@pytest.fixture
def clean_python(site: Site) -> Callable[[str], str]:
    def run(code: str) -> str:
        root = str(Path(sys.modules["cleo_core"].__path__[0]).parent)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": os.pathsep.join((root, str(site.root))), "PATH": os.defpath},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stderr == ""
        return done.stdout.strip()

    return run


def test_loading_plugins_imports_nothing_that_is_slow(
    site: Site, clean_python: Callable[[str], str]
) -> None:
    site.install("good", GOOD)
    slow = (
        "importlib.metadata importlib_metadata packaging email zipfile json difflib sqlalchemy "
        "alembic cleo_core.app cleo_core.plugins.explain"
    )
    loaded = clean_python(
        "import sys; from cleo_core.plugins import load_plugins\n"
        "plugins = load_plugins({'CLEO_PLUGINS': 'good'})\n"
        "assert [p.name for p in plugins.loaded] == ['good'], plugins.all()\n"
        f"print(*[name for name in {slow.split()!r} if name in sys.modules])"
    )
    assert loaded == ""


def test_a_plugin_imports_the_marker_without_the_app(clean_python: Callable[[str], str]) -> None:
    code = (
        "import sys, cleo_core; cleo_core.hookimpl, cleo_core.PLUGIN_API, cleo_core.__version__\n"
        "print(*sorted(name for name in sys.modules if name.startswith('cleo_core')))"
    )
    assert clean_python(code) == "cleo_core"
