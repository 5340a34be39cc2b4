"""All SQL of the brain store: a connection or a unit goes in, rows come out."""
