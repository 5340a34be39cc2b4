"""All SQL of the tasks store: a connection or a unit goes in, rows and records come out."""
