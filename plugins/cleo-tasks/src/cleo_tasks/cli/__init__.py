"""Commands of the tasks store: parse, call the service, return a Result."""
