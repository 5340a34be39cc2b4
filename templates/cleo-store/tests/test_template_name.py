"""What this store does that no other does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


def test_an_item_is_listed_and_shown(cleo_cli: Cli, cleo_project: Path) -> None:
    added = cleo_cli("template-name", "add", "Read the guide", "--tag", "start").data
    assert added["title"] == "Read the guide"
    assert added["tags"] == ["start"]
    listed = cleo_cli("template-name", "list")
    assert listed.data == [added]
    assert listed.page["total"] == 1
    assert cleo_cli("template-name", "show", added["id"]).data == added


def test_a_list_can_be_narrowed(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("template-name", "add", "one")
    high = cleo_cli("template-name", "add", "two", "--importance", "high").data
    assert cleo_cli("template-name", "list", "--importance", "high").data == [high]


@pytest.mark.parametrize(
    ("title", "exit_code"), [("", 6), (" \t", 6), ("x" * 201, 6), ("two\nlines", 6), ("x" * 200, 0)]
)
def test_titles_are_one_line_of_text(
    title: str, exit_code: int, cleo_cli: Cli, cleo_project: Path
) -> None:
    assert cleo_cli("template-name", "add", title).code == exit_code


def test_python_users_have_the_same_service(cleo_app: App) -> None:
    service = cleo_app.service("template_name")
    item = service.add("Read the guide", tags=["start"])
    assert service.show(item.id) == item
    with pytest.raises(CleoError, match="no item"):
        service.show("another")


def test_other_stores_can_ask_which_items_exist(cleo_app: App) -> None:
    item = cleo_app.service("template_name").add("Read the guide")
    found = cleo_app.exists("template_name", [item.id, "no"])
    assert found == {item.id: True, "no": False}
