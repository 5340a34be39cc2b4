"""The transports that come with the message store."""
