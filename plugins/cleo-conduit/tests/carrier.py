"""A plugin that carries mail: a registry of agents, and a transport between two projects.

What the registry says, and how a server behaves, stands in a file. An address
``https://project.test/…`` is that of another project on this machine; ``https://server.test`` gives
the scripted answers and notes what it was given.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

SERVER = "https://server.test"
KEY = "sk_live_" + "5ec2e7" * 10 + "abcd"

_MODULE = """
import json, os, time
from types import SimpleNamespace
from urllib.parse import unquote
from cleo_conduit.api import Identity, Inbound, PushResult, TransportSpec
from cleo_conduit.transport import NotAuthenticatedError
from cleo_conduit.transports.local import LocalTransport
from cleo_core import hookimpl, open_app
from cleo_core.api import ServiceSpec
from cleo_core.errors import CleoError, NotFoundError

CLEO_API = (1, 0)
FOLDER = os.path.dirname(os.path.abspath(__file__))


def load(name):
    with open(os.path.join(FOLDER, name)) as stream:
        return json.load(stream)


def store(name, value):
    path = os.path.join(FOLDER, name)
    with open(path + ".new", "w") as stream:
        json.dump(value, stream)
    os.replace(path + ".new", path)


@hookimpl
def cleo_register_services():
    return [ServiceSpec("agents", "carrier_plugin:Agents")]


@hookimpl
def cleo_conduit_transports():
    if not load("script.json").get("transport", True):
        return []
    return [TransportSpec("carrier", 5, "carrier_plugin:Carrier", ("https",))]


class Agents:
    def __init__(self, app):
        self.app = app

    def get(self, agent_id, *, everywhere=False):
        found = load("agents.json").get(agent_id)
        if found is None:
            raise NotFoundError("There is no agent " + agent_id)
        transport = {"type": found["transport_type"], "baseUrl": found["api_base_url"]}
        return SimpleNamespace(agent_id=agent_id, transport=transport)

    def known(self, ids):
        return {one: one in load("agents.json") for one in ids}

    def credential(self, agent_id):
        found = load("agents.json").get(agent_id) or {}
        if found.get("lost"):
            raise CleoError("E_IO", "The key of " + agent_id + " cannot be read.")
        return SimpleNamespace(
            agent_id=agent_id,
            key=found.get("key"),
            base_url=found.get("api_base_url"),
            transport_config=None,
        )

    def flag_reauth(self, agent_id, reason):
        script = load("script.json")
        script.setdefault("flagged", []).append([agent_id, reason])
        store("script.json", script)


class Carrier:
    def __init__(self, app):
        self.env = app.env
        self.identity = None
        self.other = None
        self.local = None

    def connect(self, identity):
        self.identity = identity
        script = load("script.json")
        if script.get("unreachable"):
            raise ConnectionError("no route to host")
        if script.get("connect") == "raises":
            raise ConnectionError(script["raises"])
        if identity.base_url.startswith("https://project.test/"):
            path = unquote(identity.base_url.removeprefix("https://project.test/"))
            self.other = open_app(path, agent=identity.agent_id)
            origin = "https://project.test/" + str(script["here"])
            self.local = LocalTransport(self.other, origin=origin)
            self.local.connect(identity)

    def push(self, event):
        script = load("script.json")
        script.setdefault("pushed", []).append(
            [event["id"], event["recipient"], event["idempotencyKey"], event["content"]]
        )
        answers = script.get("answers", [])
        answer = answers.pop(0) if answers else None
        script["answers"] = answers
        store("script.json", script)
        if script.get("push") == "raises":
            raise ValueError(script["raises"])
        if script.get("slow"):
            time.sleep(script["slow"])
        if answer == "key":
            raise NotAuthenticatedError("no key for " + self.identity.base_url)
        if answer == "break":
            raise TimeoutError("the connection broke")
        if answer is not None:
            return PushResult(**answer)
        if self.local is not None:
            return self.local.push(event)
        return PushResult("accepted", status=202)

    def poll(self, after, limit):
        script = load("script.json")
        if script.get("poll") == "error":
            raise RuntimeError("401 Unauthorized")
        if script.get("poll") == "raises":
            raise RuntimeError(script["raises"])
        if self.local is not None:
            return self.local.poll(after, limit)
        waiting = [Inbound(*one) for one in script.get("inbound", []) if one[0] > after]
        return waiting[:limit]

    def ack(self, ids, state):
        script = load("script.json")
        script.setdefault("acked", []).append([list(ids), state])
        store("script.json", script)
        if script.get("ack") == "die":
            os.kill(os.getpid(), 9)
        if self.local is not None:
            self.local.ack(ids, state)

    def states(self, ids):
        if load("script.json").get("states") == "raises":
            raise RuntimeError(load("script.json")["raises"])
        if self.local is not None:
            return self.local.states(ids)
        return load("script.json").get("states", {})

    def close(self):
        if self.other is not None:
            self.other.close()
            self.other = None
"""


class Carrier:
    """The installed plugin, as a test sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def agents(self, **agents: Any) -> None:
        """What the registry says: id -> its server (a text), or None for one that is here."""
        found = {}
        for id_, server in agents.items():
            more = server if isinstance(server, dict) else {"api_base_url": server}
            here = more.get("api_base_url") is None
            found[id_] = {"transport_type": "local" if here else "http", "key": KEY, **more}
        (self.folder / "agents.json").write_text(json.dumps(found))

    def script(self, **script: Any) -> None:
        """How servers behave."""
        (self.folder / "script.json").write_text(json.dumps(script))

    def change(self, **script: Any) -> None:
        """Change how servers behave, and keep what they noted."""
        self.script(**{**self.noted, **script})

    @property
    def noted(self) -> dict[str, Any]:
        """What the servers noted: ``pushed``, ``acked``, ``flagged``."""
        found: dict[str, Any] = json.loads((self.folder / "script.json").read_text())
        return found


def address(project: Path) -> str:
    """The address of a project on this machine."""
    return f"https://project.test/{quote(str(project), safe='')}"


def install(folder: Path, monkeypatch: Any) -> Carrier:
    """Install it for this process and for those that it starts."""
    info = folder / "carrier-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cleo.plugins]\ncarrier = carrier_plugin\n")
    (folder / "carrier_plugin.py").write_text(_MODULE)
    monkeypatch.syspath_prepend(str(folder))
    earlier = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{earlier}" if earlier else str(folder))
    sys.modules.pop("carrier_plugin", None)
    made = Carrier(folder)
    made.agents()
    made.script()
    return made
