"""Values planted in the options of verbs and in the environment must not turn up elsewhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleo_core.bundle import container
from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

#: In every text that a person or an agent writes; no log, trace or record of CLEO's own repeats it.
TEXT = "zymurgyplanted"
#: In every secret that a command is given, and in the environment; no file has it in clear.
SECRET = "sk_live_" + "5ec2e7" * 10 + "beef"
PASSPHRASE = "correct horse planted battery"
ENV = {
    "CLEO_LOG_LEVEL": "debug",
    "CLEO_TRACE_HOOKS": "1",
    "CLEO_BACKUP_PASSPHRASE": PASSPHRASE,
    "OPENAI_API_KEY": SECRET,
    "SOMETHING_ELSE": f"{TEXT} of the environment",
}

#: (words, standard input). T stands for TEXT, K for a secret on standard input.
VERBS: tuple[tuple[tuple[str, ...], str | None], ...] = (
    # tasks
    (("add", "title T", "--desc", "text T", "--label", "T"), None),
    (("add", "other T", "--parent", "T"), None),
    (("update", "T001", "--title", "changed T", "--note", "noted T"), None),
    (("find", "T"), None),
    (("show", "T"), None),
    (("start", "T001"), None),
    (("cancel", "T001", "--reason", "because T"), None),
    (("session", "start", "--name", "session T"), None),
    (("session", "end", "--note", "last T"), None),
    (("adr", "add", "decision T", "--summary", "short T"), None),
    (("add-batch",), '{"title": "batch T"}\n{"no": "T"}'),
    # brain
    (("memory", "observe", "the parser drops T", "--title", "T"), None),
    (("memory", "decide", "--decision", "use T", "--rationale", "T"), None),
    (("memory", "find", "T"), None),
    (("memory", "forget", "T", "--yes"), None),
    (("memory", "context", "T"), None),
    (("sticky", "add", "note T"), None),
    # signaldock
    (("agent", "register", "ann", "--description", "T", "--api-key-stdin"), "K"),
    (("agent", "register", "bob", "--name", "T"), None),
    (("agent", "update", "ann", "--description", "changed T"), None),
    (("agent", "keys", "set", "ann", "--api-key-stdin"), "K"),
    (("agent", "keys", "show", "ann"), None),
    (("agent", "keys", "rotate-machine"), None),
    (("agent", "get", "T"), None),
    # conduit
    (("conduit", "send", "message T", "--subject", "T", "--to", "bob", "--agent", "ann"), None),
    (("conduit", "send", "message T", "--to", "T", "--agent", "ann"), None),
    (("conduit", "inbox", "--agent", "bob"), None),
    (("conduit", "search", "T", "--agent", "bob"), None),
    (("doc", "create", "-", "--title", "T", "--slug", "plan", "--agent", "ann"), "document T"),
    (("lease", "acquire", "src/*", "--reason", "T", "--agent", "ann"), None),
    # nexus
    (("nexus", "register", "--name", "T"), None),
    (("nexus", "show", "T"), None),
    (("chain", "add", "-"), '{"id": "T"}'),
    (("chain", "validate", "-"), "no JSON T"),
    # telemetry
    (("telemetry", "show", "--limit", "3"), None),
    # core
    (("config", "set", "agent.id", "T"), None),
    (("config", "set", "no.such", "T"), None),
    (("config", "unset", "agent.id"), None),
    (("backup", "create", "--all", "--note", "note T"), None),
    (("backup", "create", "--note", "note T", "--keep"), None),
    (("backup", "list"), None),
    (("backup", "verify", "--all"), None),
    (("backup", "show", "T"), None),
    (("restore", "T", "--yes"), None),
    (("restore", "latest", "--store", "T", "--yes"), None),
    (("restore", "latest", "--yes"), None),
    (("restore", "latest", "--global", "--yes"), None),
    (("backup", "export", "kept.cleobundle", "--encrypt", "--note", "note T"), None),
    (("backup", "inspect", "kept.cleobundle"), None),
    (("backup", "import", "kept.cleobundle", "--force"), None),
    (("backup", "import", "other-T.cleobundle"), None),
    (("reconcile", "--apply"), None),
    (("doctor", "--fix"), None),
    (("stores", "T"), None),
    (("no-such-command", "T"), None),
    (("plugins", "T"), None),
)


def _words(words: tuple[str, ...]) -> list[str]:
    return [re.sub(r"\bT\b", TEXT, word) for word in words]


def _forms(secret: str) -> list[bytes]:
    """How a secret could stand somewhere: itself, its hex, its base64 at each offset."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * offset + raw)[4:-4] for offset in range(3)]
    return [raw, raw.hex().encode(), *encoded]


@pytest.fixture
def runs(
    cleo_project: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[list[str], Outcome]]:
    """Every verb with its outcome."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    # As quick as an import accepts it.
    monkeypatch.setattr(container, "_LOG_N", 14)
    assert cleo_cli("telemetry", "enable").code == 0
    done = []
    for number, (words, given) in enumerate(VERBS):
        text = given and re.sub(r"\bT\b", TEXT, SECRET if given == "K" else given)
        how = ("--json", "--human")[number % 2]
        done.append((_words(words), cleo_cli(*_words(words), how, input=text)))
    return done


def _records(root: Path) -> Iterator[tuple[Path, bytes]]:
    """What CLEO writes about its own doings: logs, overrides, locks."""
    for path in root.rglob("*"):
        if path.is_file() and (path.parent.name in ("logs", "audit", "locks")):
            yield path, path.read_bytes()


def _audits(root: Path) -> Iterator[tuple[str, str]]:
    """Every row of every audit, as text; those of tasks are the history of its own rows."""
    for path in root.rglob("*.db"):
        if path.name == "tasks.db" or "backups" in path.parts:
            continue
        connection = connect_for_copy(str(path))
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%audit%' "
            "OR name IN ('telemetry_events')"
        ).fetchall()
        for (name,) in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # its own name
                yield f"{path.name}.{name}", json.dumps(list(row), default=str)
        connection.close()


@pytest.mark.guarantee(
    "operations-31",
    "What people write, and what the environment holds, stands in no log, trace, record of "
    "overrides or audit; a key stands in clear nowhere.",
)
def test_no_planted_value_turns_up_where_it_must_not(
    runs: list[tuple[list[str], Outcome]], cleo_home: Path
) -> None:
    codes = {outcome.code for _, outcome in runs}
    assert 1 not in codes, [repr(one) for _, one in runs if one.code == 1]
    kinds = {words[0] for words, outcome in runs if outcome.code == 0}
    expected = ("add", "memory", "sticky", "agent", "conduit", "doc", "nexus", "backup", "restore")
    assert kinds >= set(expected), [one.out for words, one in runs if words[0] not in kinds]

    records = dict(_records(cleo_home))
    assert {path.name for path in records} >= {"cleo.log", "overrides.jsonl"}
    assert sum(data.count(b'"event": "command"') for data in records.values()) > len(VERBS) // 2
    secrets = [*_forms(SECRET), *_forms(PASSPHRASE)]
    for path, data in records.items():
        for form in (TEXT.encode(), *secrets):
            assert form not in data, path
    for words, outcome in runs:
        traces = [line for line in outcome.err.splitlines() if "cleo_" in line and " ms" in line]
        assert not [line for line in traces if TEXT in line], words
        for form in secrets:
            assert form not in (outcome.out + outcome.err).encode(), words
    rows = list(_audits(cleo_home))
    assert rows
    for table, row in rows:
        assert TEXT not in row, (table, row)
    for path in cleo_home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [form for form in secrets if form in data], path
