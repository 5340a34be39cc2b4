"""Two agents who tell each other things, share a document, and say what they are editing."""

from __future__ import annotations

from typing import Protocol


class Shell(Protocol):
    """Runs ``cleo`` and shows the command with what it prints."""

    def show(self, *words: str, agent: str | None = None) -> None: ...


def talk(shell: Shell) -> None:
    """A message with its receipt, a topic, a document that is reviewed and locked, a lease."""
    shell.show(
        *("conduit", "send", "The parser drops comments after a comma. Can you look? #parser"),
        *("--subject", "Parser", "--to", "bob", "--ack-within", "1h"),
        agent="ada",
    )
    shell.show("conduit", "inbox", agent="bob")
    shell.show("conduit", "poll", agent="bob")
    shell.show("conduit", "ack", "1", agent="bob")
    shell.show("conduit", "send", "Found it.", "--reply-to", "1", agent="bob")
    shell.show("conduit", "thread", "1", agent="ada")
    shell.show("conduit", "receipts", "1", agent="ada")
    shell.show("conduit", "search", "comments", agent="bob")
    shell.show("topic", "subscribe", "builds", agent="bob")
    shell.show("topic", "publish", "builds", "The build is green", agent="ada")
    shell.show("conduit", "watch", "--once", agent="bob")
    shell.show("lease", "acquire", "src/parser/**", "--ttl", "30m", agent="ada")
    shell.show("lease", "check", "README.md", agent="bob")
