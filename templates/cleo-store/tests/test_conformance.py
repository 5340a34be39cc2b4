"""Everything that CLEO promises for a store, shown for this one."""

from cleo_core.testing import StoreConformance


class TestStore(StoreConformance):
    plugin = "template-name"
