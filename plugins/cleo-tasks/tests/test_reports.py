"""Reports of test runs: what counts as a success, and what is no report at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_tasks.service.reports import Report, ReportError, parse


def junit(*cases: str, attributes: str = "") -> bytes:
    return f"<testsuites><testsuite {attributes}>{''.join(cases)}</testsuite></testsuites>".encode()


PASSED = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure message="m">text</failure></testcase>'
BROKEN = '<testcase name="c"><error/></testcase>'
SKIPPED = '<testcase name="d"><skipped/></testcase>'

JEST = {
    "numTotalTests": 5,
    "numPassedTests": 3,
    "numFailedTests": 0,
    "numPendingTests": 1,
    "numTodoTests": 1,
    "numRuntimeErrorTestSuites": 0,
    "success": True,
}
PYTEST = {"exitcode": 0, "summary": {"total": 5, "passed": 3, "xfailed": 1, "skipped": 1}}
CTRF = {
    "reportFormat": "CTRF",
    "results": {
        "tool": {"name": "x"},
        "summary": {"tests": 5, "passed": 3, "failed": 0, "pending": 1, "skipped": 1, "other": 0},
    },
}
TAP = """TAP version 14
1..5
# Subtest: inner
    ok 1 - inner
    not ok 2 - inner fails
    1..2
ok 1 - outer
ok 2
ok 3 - says \\# skip me not
ok 4 - # SKIP no network
not ok 5 - later # TODO not written
"""


PYTEST_TESTS = [
    {"outcome": "passed", "call": {"outcome": "passed"}},
    {"outcome": "passed"},
    {"outcome": "passed", "setup": {"outcome": "passed"}, "teardown": None},
    {"outcome": "xfailed", "call": {"outcome": "skipped"}},
    {"outcome": "skipped", "setup": {"outcome": "skipped"}},
]
JEST_FILES = [
    {"status": "passed", "assertionResults": [{"status": "passed"}, {"status": "passed"}]},
    {"status": "focused", "assertionResults": [{"status": "passed"}, {"status": "pending"}]},
    {"status": "skipped", "assertionResults": [{"status": "todo"}]},
]
CTRF_TESTS = [{"status": word} for word in ("passed", "passed", "passed", "pending", "skipped")]


def pytest_report(*tests: Any, **summary: int) -> dict[str, Any]:
    counts = {**PYTEST["summary"], **summary}  # type: ignore[dict-item]  # one value is a number
    return {**PYTEST, "summary": counts, "tests": list(tests)}


def jest_report(*files: Any, **counts: Any) -> dict[str, Any]:
    return {**JEST, **counts, "testResults": list(files)}


def ctrf_report(*tests: Any, **summary: int) -> dict[str, Any]:
    counts = {**CTRF["results"]["summary"], **summary}  # type: ignore[index,call-overload]
    return {"results": {"summary": counts, "tests": list(tests)}}


def report(data: bytes | str | dict[str, Any]) -> Report:
    if isinstance(data, dict):
        data = json.dumps(data)
    return parse(data.encode() if isinstance(data, str) else data)


def attempt(data: bytes | str) -> Report | ReportError:
    try:
        return report(data)
    except ReportError as error:
        return error


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (junit(PASSED, PASSED, PASSED, SKIPPED, SKIPPED), "junit"),
        (JEST, "jest"),
        (PYTEST, "pytest-json"),
        (CTRF, "ctrf"),
        (jest_report(*JEST_FILES), "jest"),
        (pytest_report(*PYTEST_TESTS), "pytest-json"),
        (ctrf_report(*CTRF_TESTS), "ctrf"),
        (TAP, "tap"),
        (TAP.replace("\n", "\r\n"), "tap"),
        (TAP.replace("1..5\n", "") + "1..5\n", "tap"),
        (b"\xef\xbb\xbf" + json.dumps(JEST).encode(), "jest"),
        (json.dumps(JEST).encode("utf-16"), "jest"),
        (TAP.encode("utf-16"), "tap"),
        (junit(PASSED, PASSED, PASSED, SKIPPED, SKIPPED).decode().encode("utf-16"), "junit"),
    ],
)
def test_each_format_is_found_out_and_counted(data: Any, format: str) -> None:
    found = report(data)
    assert found == Report(format, tests=5, passed=3, failed=0, errors=0, skipped=2)
    assert found.problem() is None


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (junit(PASSED, FAILED), (2, 1, 1, 0, 0)),
        (junit(PASSED, BROKEN), (2, 1, 0, 1, 0)),
        (junit(PASSED, "<testcase><failure/><skipped/></testcase>"), (2, 1, 1, 0, 0)),
        (junit(PASSED, "<testcase><skipped/><failure/></testcase>"), (2, 1, 1, 0, 0)),
        (junit(PASSED, '<testcase status="failed"/>'), (2, 1, 1, 0, 0)),
        (junit(PASSED, '<error message="no fixture"/>'), (1, 1, 0, 1, 0)),
        (junit(PASSED, attributes='tests="2" failures="1"'), (2, 1, 1, 0, 0)),
        (junit(PASSED, attributes='errors=" 1 " failures="x"'), (1, 1, 0, 1, 0)),
        (junit(SKIPPED, '<testcase status="notrun"/>'), (2, 0, 0, 0, 2)),
        (junit(), (0, 0, 0, 0, 0)),
        (
            "<testsuite><testcase/><ns:testcase><ns:failure/></ns:testcase></testsuite>",
            (2, 1, 1, 0, 0),
        ),
        ({**JEST, "numFailedTests": 1, "numPassedTests": 2, "success": False}, (5, 2, 1, 0, 2)),
        ({**JEST, "success": False}, (5, 3, 0, 1, 2)),
        ({**JEST, "numRuntimeErrorTestSuites": 2}, (5, 3, 0, 2, 2)),
        ({"numTotalTests": 0, "success": True}, (0, 0, 0, 0, 0)),
        ({"exitcode": 5, "summary": {"total": 0}}, (0, 0, 0, 1, 0)),
        ({"exitcode": 2, "summary": {"total": 2, "passed": 2}}, (2, 2, 0, 1, 0)),
        ({"exitcode": 1, "summary": {"total": 2, "error": 1, "passed": 1}}, (2, 1, 0, 1, 0)),
        ({"results": {"summary": {"tests": 2, "passed": 1, "other": 1}}}, (2, 1, 0, 1, 0)),
        ("1..2\nok 1\nnot ok 2\n", (2, 1, 1, 0, 0)),
        ("1..3\nok 1\n", (1, 1, 0, 2, 0)),
        ("1..1\nok 1\nok 2\n", (2, 2, 0, 1, 0)),
        ("1..2\nok 1\nBail out! disk full\n", (1, 1, 0, 2, 0)),
        ("ok 1\nBail out!\n", (1, 1, 0, 1, 0)),
        ("1..0 # SKIP nothing here\n", (0, 0, 0, 0, 0)),
        ("TAP version 13\n1..1\nok 1 # skip\n", (1, 0, 0, 0, 1)),
    ],
)
def test_what_is_no_success_is_counted_and_said(data: Any, counts: tuple[int, ...]) -> None:
    found = report(data)
    assert (found.tests, found.passed, found.failed, found.errors, found.skipped) == counts
    assert found.problem()


ONE = {"total": 1, "passed": 1}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"exitcode": 0, "summary": ONE, "tests": [{"outcome": "failed"}]}, "tests"),
        ({"exitcode": 0, "summary": ONE, "tests": [{"outcome": "error"}]}, "tests"),
        ({"exitcode": 0, "summary": ONE, "tests": []}, "tests"),
        ({"exitcode": 0, "summary": ONE, "tests": [{"outcome": "passed"}] * 2}, "tests"),
        (
            pytest_report(*PYTEST_TESTS[1:], {"call": {"outcome": "failed"}, **PYTEST_TESTS[1]}),
            "failed",
        ),
        (pytest_report(*PYTEST_TESTS[1:], {"outcome": "failed"}), "failed"),
        (pytest_report(*PYTEST_TESTS[:3], *[{"outcome": "passed"}] * 2), "passed"),
        (jest_report(*JEST_FILES[1:], {"status": "failed", "assertionResults": []}), "tests"),
        (
            jest_report(
                *JEST_FILES[1:],
                {"status": "passed", "assertionResults": [{"status": "failed"}] * 2},
            ),
            "failed",
        ),
        (jest_report({**JEST_FILES[0], "status": "failed"}, *JEST_FILES[1:]), "failed"),
        (jest_report(*JEST_FILES[:2]), "tests"),
        (jest_report(*JEST_FILES, numFailedTestSuites=1), "numFailedTestSuites"),
        (ctrf_report(*CTRF_TESTS[1:], {"status": "failed"}), "failed"),
        (ctrf_report(*CTRF_TESTS[1:], {"status": "other"}), "other"),
        (ctrf_report(*CTRF_TESTS[1:], {"status": "odd"}), "passed"),
        (ctrf_report(*CTRF_TESTS[1:]), "tests"),
    ],
)
def test_a_summary_that_its_own_list_of_tests_denies_is_refused(data: Any, words: str) -> None:
    with pytest.raises(ReportError, match=f"contradicts itself.*{words}"):
        report(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest_report({"outcome": "failed"}, passed=0, failed=1, total=1, xfailed=0, skipped=0),
        {"exitcode": 0, "summary": {"total": 1, "odd": 1}, "tests": [{"outcome": "odd"}]},
        jest_report({"status": "failed", "assertionResults": []}, *JEST_FILES, success=False),
        jest_report(
            {"status": "failed", "assertionResults": [{"status": "failed"}]},
            *JEST_FILES,
            numFailedTests=1,
            numTotalTests=6,
            success=False,
        ),
        ctrf_report(*CTRF_TESTS, {"status": "failed"}, failed=1, tests=6),
    ],
)
def test_a_failed_run_whose_list_agrees_is_a_failed_run(data: Any) -> None:
    found = report(data)
    assert found.failed + found.errors == 1
    assert found.problem()


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]><testsuite><testcase name='&l9;'/></testsuite>"
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        ("<testsuite><testcase>", "no well-formed XML"),
        ("<testsuite>&undefined;</testsuite>", "no well-formed XML"),
        ('<?xml version="1.0" encoding="klingon"?><testsuite/>', "no well-formed XML"),
        ("<html/>", "root <html>"),
        ("<testsuite>" * 80, "nested deeper"),
        ("{", "no JSON"),
        ('{"a": ' * 5000, "no JSON"),
        ('{"numTotalTests": ' + "9" * 5000 + "}", "no JSON"),
        ("{}", "none of"),
        ('{"numTotalTests": true}', "numTotalTests"),
        ('{"numTotalTests": -1}', "numTotalTests"),
        ('{"numTotalTests": 1e3}', "numTotalTests"),
        ('{"numTotalTests": NaN}', "numTotalTests"),
        ('{"numTotalTests": ' + "[" * 900 + "]" * 900 + "}", "numTotalTests"),
        ({**JEST, "numPassedTests": 50}, "contradicts itself"),
        ({"exitcode": 0, "summary": {"total": 1, "passed": 1, "failed": 1}}, "contradicts itself"),
        (pytest_report(*PYTEST_TESTS[1:], "passed"), "tests"),
        ({**PYTEST, "tests": {"outcome": "passed"}}, "tests"),
        (pytest_report(*PYTEST_TESTS[1:], {"outcome": ["passed"]}), "outcome"),
        (jest_report(*JEST_FILES, {"status": "passed"}), "assertionResults"),
        ({**JEST, "testResults": "none"}, "testResults"),
        ({"results": {"summary": {"tests": 1, "passed": 1}, "tests": [None]}}, "tests"),
        ("[]", "none of"),
        ("", "none of"),
        ("\0\0\0", "none of"),
        ("all tests passed, honest", "none of"),
        ("ok 1\nok 2\n", "no plan"),
        ("1..1\n1..1\nok 1\n", "two plans"),
    ],
)
def test_what_is_no_report_is_refused_in_words(data: Any, words: str) -> None:
    with pytest.raises(ReportError, match=words):
        report(data)


KEYS = ["summary", "results", "exitcode", "numTotalTests", "success", "tests", "testResults"]
KEYS += ["assertionResults", "status", "outcome"]


@settings(max_examples=100, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: "<testsuite>" + text),
        st.text(max_size=200).map(lambda text: "1..2\n" + text),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(KEYS),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(json.dumps),
    )
)
def test_any_file_is_a_report_or_refused(data: bytes | str) -> None:
    found = attempt(data)
    if isinstance(found, Report):
        assert found.passed + found.failed + found.skipped <= found.tests
    else:
        assert str(found)
