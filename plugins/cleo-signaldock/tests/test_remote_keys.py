"""An agent's key at its server, shown against a server that keeps digests as the real one does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cleo_core.errors import CleoError

pytest.importorskip("httpx", reason="needs the extra client")

KEY = "sk_live_" + "5a" * 32
ROTATION = pytest.mark.guarantee(
    "signaldock-08",
    "A key's rotation that is cut short on either side never loses the only valid key: the same "
    "command finishes it.",
)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class Server:
    """Knows agents by the digests of their keys, the one before included."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.seen: list[tuple[str, str, dict[str, Any]]] = []
        #: Answers that are given in order before what was asked is done or, with True, after.
        self.faults: list[tuple[int, bool]] = []
        self.url = ""
        #: What stands in an answer in the place of the envelope.
        self.portal: bytes | None = None

    def content(self, path: str, body: dict[str, Any]) -> bytes:
        agent = path.split("/")[2] if path.count("/") > 1 else body.get("agentId", "")
        envelope = {"success": True, "data": {"agent": {"agentId": agent}}}
        return json.dumps(envelope).encode() if self.portal is None else self.portal

    def answer(self, method: str, path: str, key: str | None, body: dict[str, Any]) -> int:
        self.seen.append((method, path, body))
        fault, done = self.faults.pop(0) if self.faults else (0, True)
        if fault and not done:
            return fault
        return fault or self._done(method, path, key, body)

    def _done(self, method: str, path: str, key: str | None, body: dict[str, Any]) -> int:
        agent = path.split("/")[2] if path.count("/") > 1 else body.get("agentId", "")
        if method == "POST" and path == "/agents":
            if agent in self.known:
                return 409
            self.known[agent] = [body["apiKeyHash"]]
            return 201
        if key is None or digest(key) not in self.known.get(agent, ()):
            return 401
        if path.endswith("/rotate-key"):
            self.known[agent] = [self.known[agent][-1], body["apiKeyHash"]]
        return 200


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            status = state.answer(self.command, self.path, bearer, body)
            content = state.content(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any  # noqa: N815 - the library's names

        def log_message(self, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def agents(cleo_app: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("cleo_signaldock.service.remote._WAITS", (0.0, 0.0))
    return cleo_app.service("agents")


def test_a_rotated_key_is_the_one_that_the_server_knows(agents: Any, server: Server) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = [digest(KEY)]

    done = agents.keys_rotate("a", overlap="2h")

    key = agents.credential("a").key
    assert key != KEY
    assert key.startswith("sk_live_")
    assert len(key) == len(KEY)
    assert server.known["a"] == [digest(KEY), digest(key)]
    assert server.seen == [
        (
            "POST",
            "/agents/a/rotate-key",
            {"apiKeyHash": digest(key), "overlapSeconds": 7200},
        )
    ]
    assert (done.finished, agents.credential("a").pending) == (False, None)


@ROTATION
@pytest.mark.parametrize("done_there", [False, True])
def test_a_rotation_without_an_answer_goes_on_where_it_stopped(
    agents: Any, server: Server, done_there: bool
) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = [digest(KEY)]
    server.faults = [(500, False), (500, False), (503, done_there)]
    if done_there:
        # The server took the key, and its answer never came.
        server.faults = [(500, False), (500, False)]
        original = server._done
        lost = [True]

        def losing(*arguments: Any) -> int:
            status = original(*arguments)
            return 502 if lost and lost.pop() else status

        server._done = losing  # type: ignore[method-assign]

    with pytest.raises(CleoError) as error:
        agents.keys_rotate("a")
    assert error.value.exit == 94
    held = agents.credential("a")
    assert held.key == KEY
    assert held.pending is not None
    assert digest(held.key) in server.known["a"] or digest(held.pending) in server.known["a"]

    finished = agents.keys_rotate("a")

    assert agents.credential("a").key == held.pending
    assert digest(held.pending) == server.known["a"][-1]
    assert finished.finished is done_there


def test_a_key_that_the_server_refuses_flags_the_agent(agents: Any, server: Server) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = []

    for act in (lambda: agents.keys_rotate("a"), lambda: agents.signin("a")):
        with pytest.raises(CleoError) as error:
            act()
        assert (error.value.exit, error.value.fix) == (93, "cleo agent keys set a")
        assert agents.get("a").reauth_reason == "rejected"
        agents.keys_set("a", KEY)

    agents.flag_reauth("a", "rejected")
    server.known["a"] = [digest(KEY)]
    assert agents.signin("a").promoted is False
    assert agents.get("a").requires_reauth is False


@pytest.mark.guarantee(
    "signaldock-04", "The key that register stores is the one that the server is asked with."
)
def test_registering_at_a_server_sends_a_digest_and_keeps_the_key(
    agents: Any, server: Server
) -> None:
    done = agents.register("a", url=server.url, remote=True, skills=["go"])

    key = agents.credential("a").key
    assert server.known == {"a": [digest(key)]}
    assert [step.store for step in done.steps] == ["signaldock", "server", "conduit", "tasks"]
    ((_, _, document),) = server.seen
    assert key not in json.dumps(document)
    assert document["skills"] == ["go"]
    assert agents.register("a", url=server.url, remote=True).changed is False
    assert len(server.seen) == 1
    assert agents.signin("a").base_url == server.url


@ROTATION
def test_registering_that_was_cut_short_goes_on(agents: Any, server: Server) -> None:
    server.faults = [(500, False)] * 3
    with pytest.raises(CleoError) as error:
        agents.register("a", url=server.url, remote=True)
    assert error.value.exit == 94
    pending = agents.credential("a").pending

    agents.register("a", url=server.url, remote=True)

    assert agents.credential("a").key == pending
    assert server.known == {"a": [digest(pending)]}


def test_neither_redirects_nor_long_answers_nor_dry_runs_lead_anywhere(
    agents: Any, server: Server, cleo_app: Any
) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.faults = [(302, False)]
    with pytest.raises(CleoError) as error:
        agents.signin("a")
    assert error.value.exit == 94
    assert [path for _, path, _ in server.seen] == ["/agents/a"]
    with cleo_app.dry_running():
        agents.keys_rotate("a")
    assert len(server.seen) == 1
    assert KEY not in str(error.value) + json.dumps(error.value.details)


def test_only_an_agent_at_a_server_has_a_key_there(agents: Any) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", url="https://127.0.0.1:9")
    for id_, exit_code in (("a", 6), ("b", 4)):
        with pytest.raises(CleoError) as error:
            agents.keys_rotate(id_)
        assert error.value.exit == exit_code
    with pytest.raises(CleoError) as error:
        agents.keys_rotate("a", overlap="30d")
    assert error.value.exit == 2
    agents.keys_set("b", KEY)
    with pytest.raises(CleoError) as error:
        agents.keys_rotate("b")
    assert error.value.exit == 94


@ROTATION
def test_of_two_rotations_at_once_the_servers_key_is_the_one_that_stays(
    agents: Any, server: Server, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = [digest(KEY)]
    answer = server.answer
    nested: list[Any] = []

    def during(*arguments: Any) -> int:
        # The second rotation runs while the server answers the first.
        if not nested:
            nested.append(None)
            with cleo_open() as app:
                nested[0] = app.service("agents").keys_rotate("a")
        return answer(*arguments)

    monkeypatch.setattr(server, "answer", during)
    agents.keys_rotate("a")
    key = agents.credential("a").key
    assert digest(key) == server.known["a"][-1]
    assert agents.credential("a").pending is None


def test_a_key_that_is_given_during_a_rotation_stays(
    agents: Any, server: Server, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = [digest(KEY)]
    answer = server.answer

    def during(*arguments: Any) -> int:
        with cleo_open() as app:
            app.service("agents").keys_set("a", KEY[::-1])
        return answer(*arguments)

    monkeypatch.setattr(server, "answer", during)
    with pytest.raises(CleoError) as error:
        agents.keys_rotate("a")
    assert error.value.exit == 21
    assert agents.credential("a").key == KEY[::-1]


@ROTATION
def test_registering_whose_first_answer_is_lost_is_not_taken_for_another_agents(
    agents: Any, server: Server
) -> None:
    done, lost = server._done, [True]

    def losing(*arguments: Any) -> int:
        status = done(*arguments)
        return 502 if lost and lost.pop() else status

    server._done = losing  # type: ignore[method-assign]
    agents.register("a", url=server.url, remote=True)

    assert server.known == {"a": [digest(agents.credential("a").key)]}
    server.known["b"] = ["somebody else's"]
    with pytest.raises(CleoError) as error:
        agents.register("b", url=server.url, remote=True)
    assert error.value.exit == 90
    assert [step["state"] for step in error.value.details["steps"]] == ["written", "failed"]


@ROTATION
@pytest.mark.parametrize(
    "content",
    [
        b"<html>sign in to this network</html>",
        b"",
        b"[]",
        b"[" * 5000,
        b'{"success": false, "error": {"code": "E_AUTH"}}',
        b'{"success": true}',
        b'{"success": true, "data": {"agent": {"agentId": "another"}}}',
    ],
)
def test_what_is_no_servers_answer_is_no_success(
    agents: Any, server: Server, content: bytes
) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.known["a"] = [digest(KEY)]
    server.portal = content
    for act in (
        lambda: agents.keys_rotate("a"),
        lambda: agents.signin("a"),
        lambda: agents.register("b", url=server.url, remote=True),
    ):
        with pytest.raises(CleoError) as error:
            act()
        assert error.value.exit == 94
    held = agents.credential("a")
    assert held.key == KEY
    assert held.pending is not None
    server.portal = None
    agents.keys_rotate("a")
    assert digest(agents.credential("a").key) == server.known["a"][-1]


def test_a_server_that_asks_for_fewer_requests_is_told_apart(agents: Any, server: Server) -> None:
    agents.register("a", api_key=KEY, url=server.url)
    server.faults = [(429, False)]
    with pytest.raises(CleoError) as error:
        agents.signin("a")
    assert (error.value.exit, error.value.code) == (98, "E_LIMIT")
