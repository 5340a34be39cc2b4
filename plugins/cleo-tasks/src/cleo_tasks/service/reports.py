"""Reports of test runs: how many tests, and how they ended.

JUnit XML (as pytest, Maven, Gradle, gotestsum and others write it), pytest-json-report, the JSON of
Jest and Vitest, CTRF (https://ctrf.io) and TAP (https://testanything.org, versions 12 to 14).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record

#: Bytes of a report that is read; JSON takes about ten times its size in memory.
MOST_BYTES = 32 << 20
FORMATS = "JUnit XML, pytest-json-report, Jest or Vitest JSON, CTRF, TAP"

#: Deeper than any report is nested.
_MOST_LEVELS = 64


class ReportError(Exception):
    """A file is no report that can be read; the message says why, without its end."""


@record
class Report(Declared):
    """What a report counts; ``errors``: what went wrong outside of any one test, or before it."""

    format: str
    tests: int
    passed: int
    failed: int
    errors: int
    skipped: int

    def problem(self) -> str | None:
        """Why this is no successful run of tests, or None."""
        if self.failed or self.errors:
            return f"{self.failed} of {self.tests} tests failed, with {self.errors} errors"
        if self.tests <= self.skipped:
            return f"no test was run ({self.tests} counted, {self.skipped} skipped)"
        return None


def parse(data: bytes) -> Report:
    """The counts of a report, whose format is found out.

    :raises ReportError: it is none of the known formats, or it contradicts itself.
    """
    head = _decoded(data[:65536]).lstrip()
    if head.startswith("<"):
        report = _junit(data)
    elif head.startswith("{"):
        report = _json(_decoded(data))
    elif _TAP_HEAD.search(head):
        report = _tap(_decoded(data))
    else:
        raise ReportError(f"is none of {FORMATS}")
    if report.passed + report.failed + report.skipped > report.tests:
        raise ReportError(
            f"contradicts itself: {report.passed} passed, {report.failed} failed and "
            f"{report.skipped} skipped of {report.tests} tests"
        )
    return report


def _decoded(data: bytes) -> str:
    """Text; only names and messages can hold what cannot be decoded, and they are not looked at."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


# JUnit XML


def _junit(data: bytes) -> Report:
    from xml.parsers import expat

    counter = _JUnit()
    parser = expat.ParserCreate()
    parser.StartElementHandler = counter.start
    parser.EndElementHandler = counter.end
    # Entities are declared in a document type alone, and no report has one.
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ReportError(f"is no well-formed XML: {error}") from None
    return counter.report()


def _refuse_doctype(*_: object) -> None:
    raise ReportError("declares a document type, which may hide entities that expand without end")


class _JUnit:
    """Counts ``testcase`` elements; ``failures`` and ``errors`` that suites claim count too."""

    _SKIPPED = ("notrun", "disabled", "skipped", "ignored", "suppressed")
    _FAILED = ("failed", "failure", "fail", "error")

    def __init__(self) -> None:
        self._open: list[str] = []
        self._tests = self._failed = self._errors = self._skipped = self._outside = 0
        self._claimed = {"failures": 0, "errors": 0}
        self._state = ""

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        name = element.rpartition(":")[2]
        if not self._open and name not in ("testsuites", "testsuite"):
            raise ReportError(f"is XML with the root <{name[:40]}>, and no JUnit report")
        if len(self._open) >= _MOST_LEVELS:
            raise ReportError("is nested deeper than any report")
        if name in ("testsuites", "testsuite"):
            for claim in self._claimed:
                number = attributes.get(claim, "").strip()
                if re.fullmatch(r"[0-9]{1,15}", number):
                    self._claimed[claim] = max(self._claimed[claim], int(number))
        elif name == "testcase":
            self._tests += 1
            words = {attributes.get(key, "").lower() for key in ("status", "result")}
            self._state = (
                "failure"
                if words.intersection(self._FAILED)
                else "skipped"
                if words.intersection(self._SKIPPED)
                else ""
            )
        elif self._open[-1] == "testcase" and name in ("failure", "error", "skipped"):
            # A failure is not hidden by what follows it.
            if self._state not in ("failure", "error"):
                self._state = name
        elif self._open[-1] in ("testsuites", "testsuite") and name in ("failure", "error"):
            self._outside += 1
        self._open.append(name)

    def end(self, element: str) -> None:
        self._open.pop()
        if element.rpartition(":")[2] == "testcase":
            self._failed += self._state == "failure"
            self._errors += self._state == "error"
            self._skipped += self._state == "skipped"

    def report(self) -> Report:
        failed = max(self._failed, self._claimed["failures"])
        errors = max(self._errors + self._outside, self._claimed["errors"])
        passed = self._tests - self._failed - self._errors - self._skipped
        tests = max(self._tests, passed + failed + self._skipped)
        return Report("junit", tests, passed, failed, errors, self._skipped)


# JSON


def _json(text: str) -> Report:
    import json

    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"is no JSON that can be read: {str(error)[:200]}") from None
    if "numTotalTests" in data:
        return _jest(data)
    results = data.get("results")
    if isinstance(results, dict) and isinstance(results.get("summary"), dict):
        return _ctrf(results["summary"], results)
    if isinstance(data.get("summary"), dict) and "exitcode" in data:
        return _pytest(data["summary"], data)
    raise ReportError(f"is JSON, and none of {FORMATS}")


def _jest(data: Mapping[str, Any]) -> Report:
    """https://jestjs.io/docs/configuration#testresultsprocessor-string; Vitest writes the same."""
    tests, passed = _count(data, "numTotalTests"), _count(data, "numPassedTests")
    failed = _count(data, "numFailedTests")
    errors = _count(data, "numRuntimeErrorTestSuites")
    suites = _count(data, "numFailedTestSuites")
    if "testResults" in data:
        files = _listed(data, "testResults")
        ended = Counter(
            _word(test, "status") for file in files for test in _listed(file, "assertionResults")
        )
        claimed = {"failed": failed, "passed": passed, "tests": tests}
        _agree(claimed, {**ended, "tests": ended.total()})
        suites = max(suites, sum(_word(file, "status") == "failed" for file in files))
    if data.get("success") is True and not failed and not errors and suites:
        raise ReportError(
            "contradicts itself: it says success, and failed in testResults or numFailedTestSuites"
        )
    return Report(
        "jest",
        tests,
        passed,
        failed,
        errors if data.get("success") is True or failed or errors else 1,
        _count(data, "numPendingTests") + _count(data, "numTodoTests"),
    )


def _ctrf(summary: Mapping[str, Any], results: Mapping[str, Any]) -> Report:
    names = ("failed", "other", "passed", "skipped", "pending", "tests")
    counts = {name: _count(summary, name) for name in names}
    if "tests" in results:
        ended = Counter(_word(test, "status") for test in _listed(results, "tests"))
        _agree(counts, {**ended, "tests": ended.total()})
    return Report(
        "ctrf",
        counts["tests"],
        counts["passed"],
        counts["failed"],
        # Whatever else became of a test, it did not pass.
        counts["other"],
        counts["skipped"] + counts["pending"],
    )


def _pytest(summary: Mapping[str, Any], data: Mapping[str, Any]) -> Report:
    """https://github.com/numirias/pytest-json-report#format; words without tests are left out."""
    words = ("failed", "error", "passed", "xpassed", "skipped", "xfailed")
    counts = {word: _count(summary, word) for word in words}
    tests = _count(summary, "total")
    errors = counts["error"]
    if "tests" in data:
        ended = Counter(_pytest_outcome(test) for test in _listed(data, "tests"))
        _agree({**counts, "tests": tests}, {**ended, "tests": ended.total()})
        errors += sum(ended[word] for word in ended if word not in (*words, *_PYTEST_PLUGINS))
    ended_with = _count(data, "exitcode")
    return Report(
        "pytest-json",
        tests,
        counts["passed"] + counts["xpassed"],
        counts["failed"],
        # Collecting failed, or the run was interrupted.
        errors if ended_with == 0 or counts["failed"] or errors else 1,
        counts["skipped"] + counts["xfailed"],
    )


#: Outcomes of pytest's plugins that are no failure: it passed when it was run again, or in parts.
_PYTEST_PLUGINS = ("rerun", "subtests passed", "subtests skipped")


def _pytest_outcome(test: Mapping[str, Any]) -> str:
    """What became of a test; a stage that failed is not hidden by what the whole is said to be."""
    stages = [test[name] for name in ("setup", "call", "teardown") if test.get(name) is not None]
    if not all(isinstance(stage, dict) for stage in stages):
        raise ReportError("has a stage in tests, which is no object")
    outcome = _word(test, "outcome")
    broken = any(stage.get("outcome") == "failed" for stage in stages)
    return "failed" if broken and outcome != "error" else outcome


def _listed(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ReportError(f"has {name}, which is no list of objects")
    return found


def _word(test: Mapping[str, Any], name: str) -> str:
    word = test.get(name)
    if not isinstance(word, str):
        raise ReportError(f"has a test in it whose {name} is no word")
    return word


def _agree(claimed: Mapping[str, int], listed: Mapping[str, int]) -> None:
    """Compare a summary with what its list of tests adds up to.

    :raises ReportError: they differ.
    """
    for name, number in claimed.items():
        if (found := listed.get(name, 0)) != number:
            raise ReportError(
                f"contradicts itself: {name} is {number} in its summary and {found} by its tests"
            )


def _count(counts: Mapping[str, Any], name: str) -> int:
    number = counts.get(name, 0)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**53:
        raise ReportError(f"has {name}, which is no number of tests")
    return number


# TAP

_TAP_HEAD = re.compile(r"^(TAP version \d+|1\.\.\d+|(not )?ok\b)", re.MULTILINE)
_TAP_PLAN = re.compile(r"1\.\.(\d{1,15})\s*(#.*)?\Z")
_TAP_POINT = re.compile(r"(?P<not>not )?ok\b(?P<rest>.*)\Z")
_TAP_DIRECTIVE = re.compile(r"(?<!\\)#\s*(skip|todo)", re.IGNORECASE)


def _tap(text: str) -> Report:
    """Subtests and diagnostics are indented and belong to the point that follows or precedes."""
    planned: int | None = None
    seen = passed = failed = skipped = bailed = 0
    for line in re.split(r"\r?\n", text):
        if plan := _TAP_PLAN.match(line):
            if planned is not None:
                raise ReportError("has two plans")
            planned = int(plan[1])
        elif line.startswith("Bail out!"):
            bailed = 1
        elif point := _TAP_POINT.match(line):
            seen += 1
            directive = _TAP_DIRECTIVE.search(point["rest"])
            if directive is not None and (point["not"] or directive[1].lower() == "skip"):
                skipped += 1
            elif point["not"]:
                failed += 1
            else:
                passed += 1
    if planned is None and not bailed:
        raise ReportError("has no plan, so that nobody knows whether it is whole")
    # Points that are missing, or that nobody planned, are errors of the run.
    return Report("tap", seen, passed, failed, bailed + abs((planned or seen) - seen), skipped)
