"""Users and organisations, how they sign in, and what they may claim."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy import text as sql

from cleo_core.columns import (
    at,
    boolean,
    index,
    json_list,
    json_object,
    one_of,
    required,
    text,
    uuid,
)
from cleo_signaldock.enums import MEMBER_ROLE, USER_ROLE, VERIFICATION
from cleo_signaldock.schema.tables import may_name, of_agent, of_row, table

users = table(
    "users",
    uuid("id", primary_key=True),
    required("email"),
    required("name"),
    text("slug", unique=True),
    text("username"),
    text("display_username"),
    text("image"),
    boolean("email_verified"),
    one_of("role", USER_ROLE, "user"),
    text("default_agent_id"),
    boolean("banned"),
    text("ban_reason"),
    at("ban_expires"),
    json_object("metadata"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    Index("uq_users_email_lower", sql("lower(email)"), unique=True),
    Index("uq_users_username_lower", sql("lower(username)"), unique=True),
)

accounts = table(
    "accounts",
    uuid("id", primary_key=True),
    of_row("user_id", "users"),
    required("provider_id"),
    required("account_id"),
    text("password_hash"),
    text("access_token_encrypted"),
    text("refresh_token_encrypted"),
    at("access_token_expires_at"),
    at("refresh_token_expires_at"),
    text("scope"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    UniqueConstraint("provider_id", "account_id"),
    index("user_id"),
)

sessions = table(
    "sessions",
    uuid("id", primary_key=True),
    of_row("user_id", "users"),
    required("token_hash", unique=True),
    required("csrf_hash"),
    text("ip_address"),
    text("user_agent"),
    at("expires_at", nullable=False),
    at("last_seen_at", nullable=False),
    may_name("active_organization_id", "organization"),
    boolean("active", 1),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("user_id"),
)

verifications = table(
    "verifications",
    uuid("id", primary_key=True),
    required("identifier"),
    one_of("purpose", VERIFICATION),
    required("value_hash", unique=True),
    json_object("payload"),
    at("expires_at", nullable=False),
    at("used_at"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("identifier"),
)

organization = table(
    "organization",
    uuid("id", primary_key=True),
    required("name"),
    text("slug", unique=True),
    text("logo"),
    json_object("metadata"),
    may_name("owner_id", "users"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
)

organization_members = table(
    "organization_members",
    of_row("organization_id", "organization"),
    of_row("user_id", "users"),
    one_of("role", MEMBER_ROLE, "member"),
    at("joined_at", nullable=False),
    PrimaryKeyConstraint("organization_id", "user_id"),
    index("user_id"),
)

claim_codes = table(
    "claim_codes",
    uuid("id", primary_key=True),
    of_agent(),
    required("code_hash", unique=True),
    at("expires_at", nullable=False),
    at("used_at"),
    may_name("used_by", "users"),
    at("created_at", nullable=False),
    index("agent_id"),
)

org_agent_keys = table(
    "org_agent_keys",
    uuid("id", primary_key=True),
    of_row("organization_id", "organization"),
    of_agent(),
    text("key_hash", unique=True),
    required("label", default=""),
    json_list("scopes", '["send","read"]'),
    required("created_by"),
    at("created_at", nullable=False),
    at("last_used_at"),
    at("expires_at"),
    at("revoked_at"),
    index("organization_id"),
    index("agent_id"),
)
