"""The section that a release adds to a changelog, and where it goes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_tasks.service import changelog
from cleo_tasks.service.changelog import Style
from cleo_tasks.service.repository import Commit

SECTION = "## v1.0.0 - 2026-03-25\n\n### Features\n\n- x (T001)\n"


def task(id_: str, title: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": title, "type": "task", "role": "work", "parent_id": None, **more}


def test_tasks_stand_under_what_they_are_and_below_their_parents() -> None:
    text = changelog.section(
        Style(),
        "v1.2.0",
        "2026-03-25",
        note="Read this.\n# Not a heading",
        tasks=[
            task("T001", "A task"),
            task("T002", "A crash", role="bug"),
            task("T003", "An epic", type="epic"),
            task("T004", "Part of it", parent_id="T003"),
            task("T005", "Part of the part", type="subtask", parent_id="T004"),
            task("T006", "Which database", role="spike"),
            task("T007", "Elsewhere", parent_id="T099"),
        ],
        commits=[Commit("abc1234", "Fix a typo", "Fix a typo\n")],
    )
    assert text == (
        "## v1.2.0 - 2026-03-25\n\nRead this.\n\\# Not a heading\n\n"
        "### Features\n\n"
        "- An epic (T003)\n  - Part of it (T004)\n    - Part of the part (T005)\n"
        "- A task (T001)\n- Elsewhere (T007)\n\n"
        "### Fixes\n\n- A crash (T002)\n\n"
        "### Research\n\n- Which database (T006)\n\n"
        "### Other commits\n\n- Fix a typo (abc1234)\n"
    )


def test_many_commits_are_counted() -> None:
    commits = [Commit(f"{n:07x}", "x", "x") for n in range(changelog.MOST_COMMITS + 3)]
    text = changelog.section(Style(), "v1", "2026-03-25", note=None, tasks=[], commits=commits)
    assert text.endswith("- and 3 more\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("snake_case and _emphasis_ __init__", r"snake_case and \_emphasis\_ \_\_init\_\_"),
        ("a *b* `c` [d](e) <f>", r"a \*b\* \`c\` \[d\](e) \<f\>"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("1. no list", r"1\. no list"),
        ("12) no list", r"12\) no list"),
        ("1.2 is a number", "1.2 is a number"),
        ("&amp; a | b ~~c~~ \\d", r"\&amp; a \| b \~\~c\~\~ \\d"),
        ("tab\tand \x1b[31mred\u202e", r"tab and \[31mred"),
        ("👩‍💻 works", "👩‍💻 works"),
    ],
)
def test_markdown_in_a_title_is_shown_as_it_is(text: str, shown: str) -> None:
    assert changelog.escaped(text) == shown


@pytest.mark.parametrize(
    ("file", "style"),
    [
        ("", Style()),
        ("# Changelog\n\nAll of it.\n", Style()),
        ("# Changelog\n\n## v1.0.0 - 2026-01-01\n", Style()),
        ("# Changelog\n\n## 1.0.0 (2026-01-01)\n", Style(prefix="")),
        ("# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n", Style(2, True, "")),
        ("# Changelog\n\n## [Unreleased]\n", Style(2, True, "")),
        ("# Changelog\n\n## [v1.0.0]\n", Style(2, True, "v")),
        ("# 1.0.0\n\n# 0.9.0\n", Style(1, False, "")),
        ("### 1.0.1\n\n## 1.0.0\n", Style(2, False, "")),
        ("```\n## [1.0.0]\n```\n", Style()),
        ("<!--\n## [1.0.0]\n-->\n## v1.0\n", Style()),
    ],
)
def test_a_files_own_style_is_kept(file: str, style: Style) -> None:
    assert changelog.style_of(file) == style


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"# Changelog\n\n{SECTION}"),
        ("# Changelog", f"# Changelog\n\n{SECTION}"),
        ("# Changelog\n\nWords.\n", f"# Changelog\n\nWords.\n\n{SECTION}"),
        (
            "# Changelog\n\n## v0.9.0\n\n- y\n",
            f"# Changelog\n\n{SECTION}\n## v0.9.0\n\n- y\n",
        ),
        ("## 0.9.0\n- y", f"{SECTION}\n## 0.9.0\n- y"),
        (
            "# C\n\n## [Unreleased]\n\n### Added\n\n- z\n\n## [0.9.0]\n",
            f"# C\n\n## [Unreleased]\n\n{SECTION}\n### Added\n\n- z\n\n## [0.9.0]\n",
        ),
        ("# C\n## [Unreleased]", f"# C\n## [Unreleased]\n\n{SECTION}"),
        ("# C\n\n## About\n\nx\n", f"# C\n\n{SECTION}\n## About\n\nx\n"),
        ("\ufeff## 0.9.0\n", f"\ufeff{SECTION}\n## 0.9.0\n"),
    ],
)
def test_a_section_goes_above_the_other_versions(before: str, after: str) -> None:
    assert changelog.inserted(before.encode(), SECTION).decode() == after


def test_a_file_with_other_line_ends_keeps_them() -> None:
    made = changelog.inserted(b"# C\r\n\r\n## 0.9.0\r\n", SECTION)
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert made.endswith(b"\r\n\r\n## 0.9.0\r\n")


@pytest.mark.parametrize(
    ("file", "there"),
    [
        ("## v1.0.0 - 2026-01-01\n", True),
        ("## [1.0.0] - 2026-01-01\n", True),
        ("## [1.0.0](https://example.org)\n", True),
        ("# 1.0.0\n", True),
        ("## Version 1.0.0\n", True),
        ("## v1.0.0\r\n", True),
        ("## v1.0.0-rc.1\n", False),
        ("## v1.0.01\n", False),
        ("## v11.0.0\n", False),
        ("v1.0.0\n", False),
        ("```\n## v1.0.0\n```\n", False),
    ],
)
def test_a_version_is_found_by_its_heading(file: str, there: bool) -> None:
    found = changelog.section_of(f"# Changelog\n{file}\ntext\n", "v1.0.0")
    assert (found is not None) is there


def test_a_section_goes_to_the_next_heading_of_its_level() -> None:
    text = (
        "# Changelog\r\n\r\n## 1.0.0 (soon)\r\n\r\n### Added\r\n\r\n- caf\udce9\r\n\r\n"
        "```\r\n## no heading\r\n```\r\n\r\n## 0.9.0\r\n\r\n- old\r\n"
    )
    assert changelog.section_of(text, "v1.0.0") == (
        "## 1.0.0 (soon)\n\n### Added\n\n- caf\ufffd\n\n```\n## no heading\n```\n"
    )
    assert changelog.section_of(text, "v0.9.0") == "## 0.9.0\n\n- old\n"


@settings(max_examples=40, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    *("# Changelog\n", "\n", "## [Unreleased]\n", "## v0.9.0\n", "```\n"),
                    *("<!--\n", "-->\n", "text\r\n", "\ufeff", "## 0.8.0", "- x\n", "\xff"),
                ]
            )
        ).map(lambda lines: "".join(lines).encode("latin-1", "replace")),
    )
)
def test_not_one_byte_of_what_is_there_changes(content: bytes) -> None:
    made = changelog.inserted(content, SECTION)
    added = len(made) - len(content)
    begins = [n for n in range(len(content) + 1) if made[:n] + made[n + added :] == content]
    assert begins or content.strip(b"\xef\xbb\xbf \t\r\n") == b""


@settings(max_examples=40, deadline=None)
@given(
    title=st.text(min_size=1, max_size=60),
    version=st.from_regex(r"v[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-rc\.[0-9])?", fullmatch=True),
)
def test_a_section_of_any_title_has_one_heading_of_its_version(title: str, version: str) -> None:
    text = changelog.section(
        Style(), version, "2026-03-25", note=title, tasks=[task("T001", title)], commits=[]
    )
    headings = [one.words for one in changelog.headings(text)]
    assert headings == [f"{version} - 2026-03-25", "Features"]
    made = changelog.inserted(b"# Changelog\n", text).decode("utf-8")
    assert changelog.section_of(made, version) == text
    assert not re.search("[\x00-\x09\x0b-\x1f]", text)
