"""Settings: defaults < global file < project file < environment < flags, each with its source."""

from __future__ import annotations

from cleo_core.config.keys import CORE_KEYS
from cleo_core.config.settings import Config, Scope, Value, resolve_agent, resolve_session

__all__ = ["CORE_KEYS", "Config", "Scope", "Value", "resolve_agent", "resolve_session"]
