"""``cleo chain``: parse, call the service, return a Result."""
