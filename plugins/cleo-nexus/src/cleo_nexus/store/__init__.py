"""All SQL of the store: a connection in, rows out."""
