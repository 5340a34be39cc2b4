"""Every record of every package: what one may not have is said when its first instance is made."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points

import pytest

from cleo_core.api import Declared
from cleo_core.api.records import _plan_of

PACKAGES = sorted(
    {"cleo_core", *(entry.module.split(".")[0] for entry in entry_points(group="cleo.plugins"))}
)


def _subclasses(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


@pytest.mark.parametrize("package", PACKAGES)
def test_instances_of_each_are_made_with_the_fields_that_it_declares(package: str) -> None:
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    records = [
        one
        for one in {*_subclasses(Declared)}
        if one.__module__.startswith(f"{package}.") and "__signature__" in vars(one)
    ]
    assert records
    for one in records:
        plan = _plan_of(one)
        declared = dataclasses.fields(one)  # type: ignore[arg-type] # every record is a dataclass
        assert list(plan.fields) == [field.name for field in declared], one
        assert plan.hidden == {field.name for field in declared if not field.repr}, one
