"""An API server that says what a test tells it to: requests in, prepared answers out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.core.timeouts import Timeouts
from harness.infra.cluster import Cluster
from harness.infra.kube import Kube, Namespace


@dataclass(frozen=True)
class Answer:
    """One answer: a body, or `chunks` sent one by one and then `cut`, `held` or ended well."""

    body: Any = None
    status: int = 200
    chunks: tuple[str, ...] | None = None
    #: After the chunks, break the connection.
    cut: bool = False
    #: After the chunks, say nothing more until the server stops.
    held: bool = False


class FakeApi:
    """Answers each `METHOD /path` (a watch: `WATCH /path`) in turn; the last answer stays."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        #: Type and content of what came with each request that had any.
        self.sent: list[tuple[str, str]] = []
        self.over = threading.Event()
        self._answers: dict[str, list[Answer]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(self._server.server_port))
        #: Its kubectl only repeats what it is told.
        self.cluster = Cluster("fake", kubeconfig, Path("/bin/echo"), owned=False)
        self.timeouts = Timeouts().scaled(0.03)
        self.kube = Kube(self.cluster, self.timeouts)

    @property
    def namespace(self) -> Namespace:
        return self.kube.namespace("n")

    def on(self, request: str, *answers: Answer) -> None:
        self._answers[request] = list(answers)

    def json(self, body: Any) -> Answer:
        return Answer(body)

    def no(self, status: int, message: str) -> Answer:
        """As the API server says no."""
        return Answer({"kind": "Status", "code": status, "message": message}, status)

    def stream(self, *chunks: str, cut: bool = False, held: bool = False) -> Answer:
        return Answer(chunks=chunks, cut=cut, held=held)

    def answer(self, method: str, path: str) -> Answer:
        place, _, query = path.partition("?")
        request = f"{'WATCH' if 'watch=' in query else method} {place}"
        self.asked.append(request)
        prepared = self._answers.get(request)
        if not prepared:
            return self.no(404, f"{request} not found")
        return prepared.pop(0) if len(prepared) > 1 else prepared[0]

    def stop(self) -> None:
        """Take no more requests. May be called twice."""
        if not self.over.is_set():
            self.over.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def close(self) -> None:
        self.kube.close()
        self.stop()


@pytest.fixture
def fake_api(tmp_path: Path) -> Iterator[FakeApi]:
    """An API server on a free port; `fake_api.namespace` talks to it, with short time-outs."""
    api = FakeApi(tmp_path)
    yield api
    api.close()


@pytest.fixture
def pod_json() -> Callable[..., dict[str, Any]]:
    """Makes pods with one container `c`, as the API has them."""

    def make(name: str, state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        status = {"name": "c", "image": "i", "restartCount": 0, "state": state or {}, **more}
        return {
            "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "7"},
            "spec": {},
            "status": {"phase": "Pending", "containerStatuses": [status]},
        }

    return make


def _kubeconfig(port: int) -> str:
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {}}],
        }
    )


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if body:
                api.sent.append((self.headers["Content-Type"], body.decode()))
            answer = api.answer(self.command, self.path)
            self.send_response(answer.status)
            if answer.chunks is not None:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self._stream(answer)
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def _stream(self, answer: Answer) -> None:
            for chunk in answer.chunks or ():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk.encode()), chunk.encode()))
                self.wfile.flush()
            if answer.held:
                api.over.wait(30)
            if answer.cut or answer.held:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PATCH = do_DELETE = _reply  # noqa: N815  # the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
            """Nothing: a test that fails says more by itself."""

    return Handler
