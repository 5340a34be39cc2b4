"""Which agents another project sees."""

from __future__ import annotations

import os

from cleo_conduit.api import STORE
from cleo_conduit.ids import parse_agent_id
from cleo_conduit.records.refs import Ref
from cleo_conduit.service.refs import as_ref
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import elsewhere
from cleo_core.errors import CleoError, UsageError, shortened
from cleo_core.inputs import as_filter, plain_text
from cleo_core.paths import check_test_root, cleo_directory_name


class ElsewhereVerbs(Verbs):
    """Reading from other projects."""

    def refs_in(self, path: str, agent_id: str) -> list[Ref]:
        """The ref of an agent, enabled or not, in another project; empty where it has none.

        The project's file is read from a private copy, whatever holds it open: it keeps every
        byte, and neither it nor anything beside it is made.

        :param path: the project's root directory.
        :raises UsageError: 2, no agent id or no path.
        :raises ValidationError: 6, its conduit.db is of something else, damaged, of a schema that
            is not known here, or written without pause.
        :raises CleoError: 3, the project is not there or may not be read.
        """
        id_ = parse_agent_id(agent_id)
        root = as_filter(lambda given: plain_text(os.fspath(given), "path"), path)
        if not root:
            raise UsageError("The path of the other project is empty.")
        check_test_root(root)
        if not os.path.isdir(root):
            raise CleoError("E_IO", f"There is no project directory {shortened(root)}.")
        file = os.path.join(root, cleo_directory_name(self.app.env), STORE.file)
        try:
            return [as_ref(row) for row in elsewhere.rows(file) if row["agent_id"] == id_]
        except ValueError as error:
            raise elsewhere.unreadable(file, f"the row of {id_} is no ref ({error})") from error
