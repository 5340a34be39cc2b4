"""A project from first research to a released version, by the verbs alone.

``walk`` says the story to whoever carries it out: the demo prints it, a test looks at the rows.
"""

from __future__ import annotations

from typing import Protocol

#: Stages after the first, each with what its gates are called.
GATES = {
    "consensus": ("research-complete", "agreement-reached"),
    "architecture_decision": ("decisions-documented", "review-completed"),
    "specification": ("spec-complete", "spec-reviewed"),
    "decomposition": ("tasks-created", "dependencies-mapped"),
    "implementation": ("code-complete", "lint-passing"),
    "validation": ("static-analysis-pass", "type-check-pass"),
    "testing": ("tests-pass", "coverage-met"),
    "release": ("version-bumped", "changelog-updated", "artifacts-published"),
}

RESEARCH = """\
# How others read such a language

A PEG is enough: there is no left recursion, and errors can name the rule they broke.
"""
TOKENIZER = """\
import re

TOKEN = re.compile(r"\\s*(\\d+|[a-z]+|.)")


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)
"""
REPORT = """\
<testsuite name="tokens" tests="2" failures="0" errors="0" skipped="0">
  <testcase classname="tokens" name="numbers"/>
  <testcase classname="tokens" name="words"/>
</testsuite>
"""


class Teller(Protocol):
    """Who carries the story out, in one project with a git repository."""

    def say(self, text: str) -> None:
        """A sentence between the commands."""

    def cleo(self, *words: str) -> None:
        """Run a command, which succeeds."""

    def write(self, path: str, text: str) -> None:
        """Put a file into the project."""

    def commit(self, message: str) -> None:
        """Commit everything that is there."""


def walk(tell: Teller) -> None:
    """Research, decide, specify, break down, build, verify, test, release, account for it."""
    tell.say("An epic goes through its stages; each stage is entered when the one before is done.")
    tell.cleo("phase", "add", "first", "--name", "First version")
    tell.cleo("phase", "start", "first")
    tell.cleo("session", "start", "--name", "from research to release")
    tell.cleo("instance", "register", "--type", "executor", "--capacity", "0.8")
    tell.cleo("add", "Read the language", "--type", "epic", "--phase", "first")
    tell.cleo("lifecycle", "start", "T001")
    tell.write("docs/research.md", RESEARCH)
    tell.cleo(
        *("manifest", "add", "How others do it", "--type", "research", "--task", "T001"),
        *("--file", "docs/research.md"),
    )
    tell.cleo(
        *("lifecycle", "complete", "T001", "--artifact", "docs/research.md", "--topic", "parsing"),
        *("--finding", "A PEG is enough", "--advance"),
    )
    _gates(tell, "consensus", "--evidence", "docs/research.md")
    tell.cleo("lifecycle", "complete", "T001", "--advance")

    tell.say("What is decided is a file that people read, and a row that links to the work.")
    tell.cleo("adr", "add", "Read it with a PEG", "--status", "accepted", "--topic", "parsing")
    tell.cleo("adr", "add", "Write the parser by hand", "--summary", "No generator is needed.")
    tell.cleo("adr", "link", "ADR-002", "ADR-001", "--type", "amends")
    _gates(tell, "architecture_decision")
    tell.cleo("lifecycle", "complete", "T001", "--adr", "ADR-001", "--advance")
    _gates(tell, "specification")
    tell.cleo("lifecycle", "complete", "T001", "--advance")
    tell.cleo("add", "Tokens", "--parent", "T001", "--phase", "first")
    tell.cleo("add", "Grammar", "--parent", "T001", "--phase", "first", "--depends", "T002")
    tell.cleo("relate", "add", "T003", "T002", "--type", "extends")
    _gates(tell, "decomposition")
    tell.cleo("lifecycle", "complete", "T001", "--advance")

    tell.say("Work is verified by evidence that is looked at, not by saying so.")
    tell.cleo("config", "set", "tasks.verification.mode", "block")
    tell.cleo("config", "set", "tasks.verification.gates", '["implemented", "testsPassed"]')
    tell.cleo("start", "T002")
    tell.write("tokens.py", TOKENIZER)
    tell.write("report.xml", REPORT)
    tell.commit("Cut text into tokens")
    for gate, atom in (("implemented", "commit:HEAD"), ("testsPassed", "test-run:report.xml")):
        tell.cleo("verify", "T002", "--gate", gate, "--result", "pass", "--evidence", atom)
    tell.cleo("complete", "T002")
    tell.cleo("link", "add", "T002", "acme/lang#7", "--provider", "github")
    tell.cleo("start", "T003")
    for gate in ("implemented", "testsPassed"):
        tell.cleo(
            *("verify", "T003", "--gate", gate, "--result", "warn"),
            *("--reason", "The grammar is a text; there is nothing to run."),
        )
    tell.cleo("complete", "T003")
    tell.cleo(
        *("token", "record", "--task", "T002", "--operation", "implement", "--model", "m-1"),
        *("--input-tokens", "5200", "--output-tokens", "830", "--method", "provider_api"),
        *("--request-id", "req-1"),
    )
    for stage in ("implementation", "validation", "testing"):
        _gates(tell, stage)
        tell.cleo("lifecycle", "complete", "T001", "--advance")

    tell.say("A release is one command; whatever stops it, the same command goes on.")
    tell.cleo("release", "plan", "v1.0.0", "--epic", "T001")
    tell.cleo("release", "ship", "v1.0.0", "--epic", "T001")
    tell.cleo("release", "changelog", "v1.0.0")
    _gates(tell, "release")
    tell.cleo("lifecycle", "complete", "T001")
    tell.cleo("lifecycle", "complete", "T001", "contribution", "--note", "Designed and built here.")
    for gate in ("implemented", "testsPassed"):
        tell.cleo(
            *("verify", "T001", "--gate", gate, "--result", "warn"),
            *("--reason", "Each part was verified by itself."),
        )
    tell.cleo("complete", "T001")
    tell.cleo("phase", "complete", "first")
    tell.cleo("lifecycle", "history", "T001")
    tell.cleo("token", "summary")
    tell.cleo("dash")
    tell.cleo("session", "end", "--note", "v1.0.0 is out")


def _gates(tell: Teller, stage: str, *more: str) -> None:
    for gate in GATES[stage]:
        tell.cleo("lifecycle", "gate", "T001", gate, "pass", *more)
