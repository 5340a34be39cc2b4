"""Every SQL statement of the identity store: one text for SQLite and PostgreSQL."""
