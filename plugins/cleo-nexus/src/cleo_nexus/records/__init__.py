"""What the service answers with."""
