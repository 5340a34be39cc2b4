"""All SQL of the message store: a connection or a unit goes in, rows come out."""
