"""Somebody new sends a message, and does what each refusal says."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cleo_conduit")
pytest.importorskip("cleo_signaldock")


def test_following_each_fix_leads_to_a_message_sent(
    cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    send = ("conduit", "send", "hello", "--to", "bob", "--agent", "ann")
    followed = []
    for _ in range(3):
        sent = cleo_cli(*send)
        if sent.code == 0:
            break
        followed.append(sent.error["fix"])
        assert cleo_cli(*shlex.split(sent.error["fix"])[1:]).code == 0, sent.error
    assert sent.code == 0
    assert followed == ["cleo agent register ann", "cleo agent register bob"]


def test_an_agent_that_is_registered_and_not_seen_here_is_to_be_attached(
    cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    assert cleo_cli("agent", "register", "ann").code == 0
    assert cleo_cli("agent", "detach", "ann").code == 0
    refused = cleo_cli("conduit", "send", "hello", "--to", "ann", "--agent", "ann")
    assert (refused.code, refused.error["fix"]) == (99, "cleo agent attach ann")
    assert cleo_cli("agent", "attach", "nobody").error["fix"] == "cleo agent register nobody"
