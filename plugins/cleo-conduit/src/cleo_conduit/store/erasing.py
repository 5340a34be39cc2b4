"""Marking that the file still holds text that was taken out of its rows."""

from __future__ import annotations

#: Key of ``conduit_meta``, there from a redaction until the file was written anew.
UNWIPED = "unwiped"
#: Takes the mark away, unless it is another one by now.
WIPED = "DELETE FROM conduit_meta WHERE key = :key AND value = :seen"
#: Writes the search index anew as one piece, without the words of what was taken out.
OPTIMIZE = "INSERT INTO messages_fts (messages_fts) VALUES ('optimize')"
