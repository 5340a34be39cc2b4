"""The capabilities and skills that every registry knows, and the other words for them."""

from __future__ import annotations

from collections.abc import Mapping

#: Category -> slugs.
CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "communication": ("chat", "messaging", "streaming", "webhooks"),
    "execution": ("tools", "file_operations", "automation", "file_upload", "autonomous"),
    "development": ("code_generation", "code_review", "testing", "git"),
    "analysis": ("search", "web_browsing", "reasoning"),
    "coordination": ("orchestration",),
    "devops": ("deployment", "monitoring"),
}
SKILLS: Mapping[str, tuple[str, ...]] = {
    "language": (
        *("typescript", "javascript", "python", "rust", "go", "java", "csharp", "sql", "bash"),
    ),
    "framework": ("react", "nextjs", "svelte", "express", "axum", "django", "electron"),
    "database": ("sqlite", "postgres", "redis", "drizzle_orm", "diesel"),
    "practice": (
        *("api_design", "testing", "devops", "security", "architecture", "documentation"),
        *("code_review", "debugging", "sse", "webhooks", "orchestration", "task_management"),
        *("research", "web_development", "monorepo"),
    ),
}
_NAMES: Mapping[str, str] = {
    "typescript": "TypeScript",
    "javascript": "JavaScript",
    "csharp": "C#",
    "sql": "SQL",
    "nextjs": "Next.js",
    "sqlite": "SQLite",
    "postgres": "PostgreSQL",
    "drizzle_orm": "Drizzle ORM",
    "api_design": "API design",
    "devops": "DevOps",
    "sse": "SSE",
}
_ALIASES: Mapping[str, str] = {
    "conversation": "chat",
    "tool_use": "tools",
    "tool-use": "tools",
    "code": "code_generation",
    "coding": "code_generation",
    "webhook": "webhooks",
    "shell": "bash",
    "c#": "csharp",
    "next.js": "nextjs",
    "postgresql": "postgres",
    "api": "api_design",
    "docs": "documentation",
}
CAPABILITY_ALIASES: Mapping[str, str] = {**_ALIASES, "sse": "streaming"}
SKILL_ALIASES: Mapping[str, str] = {**_ALIASES, "coding": "typescript"}


def display_name(slug: str) -> str:
    """What people read for a slug."""
    return _NAMES.get(slug) or slug.replace("_", " ").capitalize()
