"""What services return: typed records, whose field names in camelCase are the JSON keys."""
