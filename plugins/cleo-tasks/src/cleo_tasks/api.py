"""What the plugin declares, as data: its store, commands, settings and references."""

from __future__ import annotations

from cleo_core.api import CommandSpec, ConfigKey, Reference, StoreSpec

STORE = StoreSpec(
    name="tasks",
    tier="project",
    file="tasks.db",
    application_id=0x434C544B,
    head="tasks_0001",
    schema="cleo_tasks.schema:metadata",
    migrations="cleo_tasks.migrations",
    snapshot="cleo_tasks.snapshot:STATEMENTS",
    kinds={
        "task": "tasks",
        "session": "sessions",
        "adr": "architecture_decisions",
        "release": "release_manifests",
        "pipeline": "lifecycle_pipelines",
        "agent_instance": "agent_instances",
    },
    derived=("tasks_fts",),
)

#: name, module of ``cleo_tasks.cli``, help, section, verbs that only read.
_COMMANDS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("add", "tasks", "Add a task.", "Tasks", ()),
    ("add-batch", "batch", "Add tasks from JSON lines.", "Tasks", ()),
    ("show", "tasks", "Show tasks whole.", "Tasks", ("",)),
    ("list", "tasks", "List tasks.", "Tasks", ("",)),
    ("find", "search", "Search tasks.", "Tasks", ("",)),
    ("exists", "tasks", "Say whether a task exists.", "Tasks", ("",)),
    ("update", "editing", "Change fields of a task.", "Tasks", ()),
    ("complete", "status", "Complete tasks.", "Tasks", ()),
    ("cancel", "status", "Give tasks up.", "Tasks", ()),
    ("reopen", "status", "Open done or cancelled tasks again.", "Tasks", ()),
    ("archive", "status", "Put closed tasks away.", "Tasks", ()),
    ("unarchive", "status", "Take tasks back out of the archive.", "Tasks", ()),
    ("delete", "status", "Delete tasks (into the archive).", "Tasks", ()),
    ("dash", "stats", "See where the project stands.", "Work", ("",)),
    ("next", "readiness", "Say what to do next, and why.", "Work", ("",)),
    ("ready", "readiness", "List what can be started now.", "Work", ("",)),
    ("claim", "claims", "Take a task, so that no other agent does.", "Work", ()),
    ("unclaim", "claims", "Give a claimed task back.", "Work", ()),
    ("start", "claims", "Begin to work on a task.", "Work", ()),
    ("stop", "claims", "Stop working on the current task.", "Work", ()),
    ("current", "claims", "Show the task being worked on.", "Work", ("",)),
    (
        "session",
        "sessions",
        "Sessions, handoffs and briefings.",
        "Work",
        ("status", "list", "show", "briefing"),
    ),
    ("instance", "instances", "Agents at work, and those that are gone.", "Work", ("list", "show")),
    (
        "deps",
        "graph",
        "What waits for what.",
        "Structure",
        ("show", "waves", "critical-path", "impact", "cycles", "overview"),
    ),
    ("blockers", "graph", "List what holds most others up.", "Structure", ("",)),
    ("tree", "placing", "Show the hierarchy.", "Structure", ("",)),
    ("reparent", "placing", "Move a task below another.", "Structure", ()),
    ("reorder", "placing", "Move a task among its siblings.", "Structure", ()),
    ("relate", "relations", "Relations between tasks.", "Structure", ("list", "suggest")),
    ("label", "labels", "Labels.", "Structure", ("list", "show")),
    ("phase", "phases", "Phases of the project.", "Delivery", ("list", "show")),
    (
        "lifecycle",
        "lifecycle",
        "The stages that an epic or a task goes through.",
        "Delivery",
        ("show", "stages", "history"),
    ),
    ("verify", "verifying", "Record or show what is verified of a task.", "Delivery", ()),
    ("adr", "adrs", "Architecture decisions.", "Delivery", ("list", "show", "find")),
    (
        "manifest",
        "manifests",
        "What research and work brought forth.",
        "Delivery",
        ("list", "show", "find", "stats", "stages"),
    ),
    ("release", "releases", "Releases.", "Delivery", ("plan", "list", "show", "changelog")),
    ("stats", "stats", "Count tasks.", "Records", ("",)),
    ("log", "logs", "Who changed what.", "Records", ("list", "show")),
    (
        "token",
        "tokens",
        "Count the tokens that work has cost.",
        "Records",
        ("summary", "list", "show", "estimate"),
    ),
    ("sequence", "logs", "The numbers of tasks.", "Records", ("show", "check")),
    ("statuses", "registry", "List the statuses there are.", "Records", ("",)),
    ("link", "links", "Links to other trackers.", "Records", ("list",)),
    ("export", "transfer", "Write tasks to a file.", "Records", ("",)),
    ("import", "transfer", "Read tasks from a file or another tracker.", "Records", ()),
)

COMMANDS = tuple(
    CommandSpec(
        name, f"cleo_tasks.cli.{module}:{name.replace('-', '_')}_command", help, section, reads
    )
    for name, module, help, section, reads in _COMMANDS
)

#: Checks ``tasks.<name>``, each ``check_<name>`` of ``cleo_tasks.service.health``.
CHECKS = (
    *("sequence", "counters", "search", "cycles", "parents", "stages", "focus", "claims"),
    *("instances", "registry", "versions", "project", "credentials"),
)


def _mode(name: str, default: str, help: str, minimal: str = "off") -> ConfigKey:
    """A key that says off, warn or block, with its value in each preset."""
    return ConfigKey(
        f"tasks.{name}",
        "enum",
        default,
        choices=("off", "warn", "block"),
        help=help,
        presets={"strict": "block", "standard": "warn", "minimal": minimal},
    )


def _number(name: str, default: int, help: str) -> ConfigKey:
    return ConfigKey(f"tasks.{name}", "int", default, help=help)


CONFIG = (
    _mode("acceptance.mode", "off", "What to do about too few acceptance criteria."),
    _number("acceptance.min", 3, "How many acceptance criteria a task should have."),
    _mode("session.enforce", "off", "What to do about work outside a session or its scope."),
    _number("hierarchy.max_depth", 3, "Levels of the hierarchy."),
    _number("hierarchy.max_siblings", 0, "Open children of one task; 0 is any number."),
    _number("hierarchy.max_active_siblings", 0, "Active children of one task; 0 is any number."),
    _number("add.duplicate_window_seconds", 60, "How long the same task is not added twice."),
    _number("list.limit", 20, "Rows of a list."),
    _number("find.limit", 20, "Rows of a search."),
    _number("agents.heartbeat_seconds", 30, "How often an instance should report."),
    _number("agents.stale_seconds", 180, "Silence after which an instance counts as crashed."),
    _mode("verification.mode", "off", "What to do about unverified work."),
    ConfigKey(
        "tasks.verification.gates",
        "list",
        ["implemented", "testsPassed", "qaPassed"],
        help="Gates that completing a task needs.",
    ),
    _number("verification.max_rounds", 3, "Rounds of verification."),
    ConfigKey(
        "tasks.verification.independent_qa",
        "bool",
        False,
        help="Whether qaPassed is for another agent than the one that recorded implemented.",
    ),
    ConfigKey(
        "tasks.lifecycle.mode",
        "enum",
        "strict",
        choices=("strict", "advisory", "off"),
        help="What to do about moves that the lifecycle does not allow.",
        presets={"strict": "strict", "standard": "advisory", "minimal": "off"},
    ),
    ConfigKey(
        "tasks.release.bump_command",
        "list",
        (),
        help="Program and arguments that write a release's version into the project; "
        "{version} is 1.2.0, {tag} is v1.2.0.",
    ),
    ConfigKey(
        "tasks.release.branch", "str", None, help="The branch that is released; any if unset."
    ),
    ConfigKey("tasks.release.remote", "str", "origin", help="Where releases are pushed."),
    _number("session.stale_hours", 24, "Idle hours after which a session is collected."),
    _number("claims.stale_hours", 24, "Hours after which an absent agent's claim is freed."),
)

REFERENCES = (
    Reference("tasks.tasks.assignee", "agent", "keep", "keep", name="tasks.assignee"),
    Reference("tasks.sessions.agent_id", "agent", "keep", "keep", name="sessions.agent_id"),
    Reference(
        "tasks.agent_instances.agent_id",
        "agent",
        "reject",
        "null",
        name="agent_instances.agent_id",
        handler="cleo_tasks.service.agent_deletion:forget_agents",
    ),
    Reference(
        "tasks.agent_credentials.agent_id",
        "agent",
        "reject",
        "delete",
        name="agent_credentials.agent_id",
        handler="cleo_tasks.service.credential_cache:drop_deleted",
    ),
    Reference(
        "tasks.pipeline_manifest.brain_obs_id",
        "observation",
        "null",
        "null",
        name="pipeline_manifest.brain_obs_id",
        handler="cleo_tasks.service.observation_deletion:forget_observations",
    ),
)
