"""What other programs remember, read as items; nothing here writes."""
