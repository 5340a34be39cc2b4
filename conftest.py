"""What holds for every run of this repository's tests."""

from __future__ import annotations

import os
import sys

# Where Python is told to keep no bytecode, as in many containers, each of the many processes that
# the tests start would compile all of CLEO anew, and every run all of the tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
