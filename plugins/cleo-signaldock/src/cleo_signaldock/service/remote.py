"""A server that agents are at, as far as their keys go; the routes are SignalDock's.

Needs the extra ``client``. TLS is verified, no redirect is followed, nothing of the environment
(proxies, netrc) is asked, an answer has at most 1 MiB, and a key travels in a header only.
"""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.service import fields

if TYPE_CHECKING:
    import httpx

_MOST = 1 << 20
#: Seconds before the second and the third attempt.
_WAITS = (0.2, 0.8)


class Server:
    """One server, by its base URL; a context manager.

    :raises CleoError: ``E_EXTRA_MISSING`` (5); ``E_INSECURE_URL`` (94).
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = fields.url(base_url)
        try:
            import httpx
        except ImportError:
            raise CleoError(
                "E_EXTRA_MISSING",
                "Talking to a server needs httpx, which is not installed.",
                fix="pip install 'cleo-signaldock[client]'",
            ) from None
        self._client: httpx.Client = httpx.Client(
            base_url=self.base_url,
            timeout=httpx.Timeout(10.0, connect=5.0),
            follow_redirects=False,
            trust_env=False,
        )
        self._failures: tuple[type[Exception], ...] = (httpx.HTTPError, httpx.InvalidURL)

    def register(self, document: dict[str, Any], key_hash: str) -> None:
        """Make an agent known to the server with the digest of its key.

        :raises SignaldockError: 93 refused, 90 the server knows another agent by this id, 94.
        """
        status, content = self._send("POST", "/agents", body={**document, "apiKeyHash": key_hash})
        if status == 409:
            raise SignaldockError(
                "E_AGENT_EXISTS",
                f"{self.base_url} knows another agent by this id.",
                fix=f"cleo agent signin {document['agentId']}",
            )
        self._require(status, content, str(document["agentId"]))

    def rotate(self, agent_id: str, key: str, key_hash: str, overlap: int) -> None:
        """Give the server the digest of an agent's next key.

        :param overlap: seconds for which the present key is still taken.
        :raises SignaldockError: 93, 94.
        """
        body = {"apiKeyHash": key_hash, "overlapSeconds": overlap}
        status, content = self._send(
            "POST", f"/agents/{agent_id}/rotate-key", agent_id=agent_id, key=key, body=body
        )
        self._require(status, content, agent_id)

    def accepts(self, agent_id: str, key: str) -> bool:
        """Whether the server takes this key for the agent's.

        :raises SignaldockError: 94.
        """
        status, content = self._send("GET", f"/agents/{agent_id}", agent_id=agent_id, key=key)
        if status in (401, 403):
            return False
        self._require(status, content, agent_id)
        return True

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        agent_id: str | None = None,
        key: str | None = None,
        body: dict[str, Any] | None = None,
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        if key is not None and agent_id is not None:
            headers |= {"Authorization": f"Bearer {key}", "X-Agent-Id": agent_id}
        last = "no answer"
        for wait in (0.0, *_WAITS):
            time.sleep(wait)
            try:
                with self._client.stream(method, path, headers=headers, json=body) as answer:
                    content = b""
                    for part in answer.iter_bytes():
                        content += part
                        if len(content) > _MOST:
                            raise self._unreachable("its answer is longer than 1 MiB")
                if answer.status_code < 500:
                    return answer.status_code, content
                last = f"status {answer.status_code}"
            except self._failures as error:
                # The words of the library's errors can hold the address, never a header.
                last = type(error).__name__
        raise self._unreachable(last)

    def _require(self, status: int, content: bytes, agent_id: str) -> None:
        """Take an answer for a success only where it says so itself, and of this agent.

        What stands between here and the server, a portal or a proxy, answers 200 too.
        """
        if status in (401, 403):
            raise SignaldockError("E_AUTH", f"{self.base_url} refuses the key: status {status}.")
        if status == 429:
            raise SignaldockError("E_LIMIT", f"{self.base_url} asks for fewer requests.")
        if not 200 <= status < 300:
            raise self._unreachable(f"status {status}")
        try:
            envelope = json.loads(content)
            data: dict[str, Any] = envelope["data"] if envelope["success"] is True else {"agent": 0}
            named = data.get("agent", data).get("agentId", agent_id)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            named = None
        if named != agent_id:
            raise self._unreachable("its answer is not one of a SignalDock server")

    def _unreachable(self, why: str) -> SignaldockError:
        return SignaldockError(
            "E_REMOTE_UNREACHABLE",
            f"{self.base_url} did not do what was asked: {why}.",
            details={"server": self.base_url},
        )
