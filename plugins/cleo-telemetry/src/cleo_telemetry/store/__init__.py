"""All SQL of telemetry: a connection in, rows out."""
