"""Requests to the API server: bounded in time, with clear errors, and JSON as the result."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client, config, utils
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError, TimedOut
from harness.core.timeouts import Timeouts
from harness.infra.cluster import Cluster
from harness.infra.kube import server_side_apply
from harness.infra.kube.manifests import Manifest
from harness.infra.kube.streams import Lines

NOT_FOUND = 404
#: Seconds without a line after which a log is requested again; a worker may be silent for long.
_LOG_READ_TIMEOUT = 3600.0
_TRANSIENT = (429, 500, 502, 503, 504)


class Refused(InfrastructureError):
    """The API server refused a request; `status` is the HTTP status, 0 if there was none."""

    def __init__(self, what: str, status: int, message: str) -> None:
        seen = f"{status} {message}" if status else message
        super().__init__(f"the cluster refused: {what}", expected="it to be done", seen=seen)
        self.status = status


@dataclass(frozen=True)
class Executed:
    """Result of a command in a container."""

    code: int
    stdout: str
    stderr: str


class Api:
    """One API server; threads may share an instance."""

    def __init__(self, cluster: Cluster, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        try:
            # Any, here and below: the client's declared types are wrong for _preload_content=False,
            # and this class returns only JSON or records of this package.
            self._client: Any = config.new_client_from_config(  # type: ignore[no-untyped-call]  # has no types
                config_file=str(cluster.kubeconfig)
            )
        except config.ConfigException as error:
            raise InfrastructureError(
                f"cannot use the kubeconfig of cluster {cluster.name}",
                expected=f"{cluster.kubeconfig} to name a cluster and a user",
                seen=str(error),
            ) from error
        self._core: Any = client.CoreV1Api(self._client)
        self._batch: Any = client.BatchV1Api(self._client)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- reading ------------------------------------------------------------------------------

    def pods(self, namespace: str, selector: str = "") -> Any:
        method = self._core.list_namespaced_pod
        return self._read(
            f"pods of {namespace}", lambda **k: method(namespace, label_selector=selector, **k)
        )

    def pod(self, namespace: str, name: str) -> Any:
        method = self._core.read_namespaced_pod
        return self._read(f"pod {name}", lambda **k: method(name, namespace, **k))

    def job(self, namespace: str, name: str) -> Any:
        method = self._batch.read_namespaced_job
        return self._read(f"Job {name}", lambda **k: method(name, namespace, **k))

    def service(self, namespace: str, name: str) -> Any:
        method = self._core.read_namespaced_service
        return self._read(f"Service {name}", lambda **k: method(name, namespace, **k))

    def service_account(self, namespace: str, name: str) -> Any:
        method = self._core.read_namespaced_service_account
        return self._read(f"ServiceAccount {name}", lambda **k: method(name, namespace, **k))

    def namespaces(self, selector: str) -> Any:
        method = self._core.list_namespace
        return self._read("namespaces", lambda **k: method(label_selector=selector, **k))

    def nodes(self, selector: str) -> Any:
        method = self._core.list_node
        return self._read("nodes", lambda **k: method(label_selector=selector, **k))

    def events(self, namespace: str, selector: str = "") -> Any:
        method = self._core.list_namespaced_event
        return self._read(
            f"events of {namespace}", lambda **k: method(namespace, field_selector=selector, **k)
        )

    def log(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        previous: bool,
        *,
        last: int | None = None,
        most: int | None = None,
        times: bool = False,
    ) -> str:
        """Return what a container has logged so far.

        Args:
            namespace: The pod's namespace.
            pod: The pod's name.
            container: The container's name; None if the pod has only one.
            previous: Read the log of the container's previous run.
            last: Return only this many lines, from the end.
            most: Return at most this many bytes, from the beginning.
            times: Begin each line with its time.
        """
        response = self._read_response(
            f"log of pod {pod}",
            lambda **k: self._core.read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                previous=previous,
                timestamps=times,
                **({} if last is None else {"tail_lines": last}),
                **({} if most is None else {"limit_bytes": most}),
                **k,
            ),
        )
        return bytes(response.data).decode("utf-8", "replace")

    # -- streams ------------------------------------------------------------------------------

    def follow_log(self, namespace: str, pod: str, container: str, previous: bool) -> Lines:
        """Follow a container's log from its beginning, each line with its time, until it ends."""
        what = f"log of {pod}/{container}"
        with _translate_errors(what):
            response = self._core.read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                follow=not previous,
                previous=previous,
                timestamps=True,
                _preload_content=False,
                _request_timeout=(self.timeouts.api, _LOG_READ_TIMEOUT),
            )
        return Lines(response, what)

    def watch_pods(self, namespace: str, version: str, seconds: int) -> Lines:
        """Watch changes of pods since `version`, for up to `seconds`: a JSON object per line."""
        what = f"changes of pods in {namespace}"
        with _translate_errors(what):
            response = self._core.list_namespaced_pod(
                namespace,
                watch=True,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=seconds,
                _preload_content=False,
                _request_timeout=(self.timeouts.api, seconds + self.timeouts.api),
            )
        return Lines(response, what)

    def watch_job(self, namespace: str, name: str, version: str, seconds: int) -> Lines:
        """Watch changes of a Job since `version`, for up to `seconds`: a JSON object per line."""
        what = f"changes of Job {name}"
        with _translate_errors(what):
            response = self._batch.list_namespaced_job(
                namespace,
                field_selector=f"metadata.name={name}",
                watch=True,
                resource_version=version,
                timeout_seconds=seconds,
                _preload_content=False,
                _request_timeout=(self.timeouts.api, seconds + self.timeouts.api),
            )
        return Lines(response, what)

    # -- changing -----------------------------------------------------------------------------

    def create(self, namespace: str, manifest: Manifest) -> None:
        """Create one object of any kind that the client library knows."""
        name = manifest.get("metadata", {}).get("name", "without a name")
        what = f"create {manifest.get('kind')} {name}"
        try:
            with _translate_errors(what):
                utils.create_from_dict(  # type: ignore[no-untyped-call]  # has no types
                    self._client, manifest, namespace=namespace, _request_timeout=self.timeouts.api
                )
        except utils.FailToCreateError as error:
            first = error.api_exceptions[0]
            raise Refused(what, first.status or 0, _message(first)) from error
        except (AttributeError, ValueError) as error:
            # The client has no method for the kind, or the client's models refuse the object.
            raise Refused(what, 0, f"not an object that can be created: {error}") from error

    def apply(self, namespace: str, manifest: Manifest) -> None:
        """Apply a manifest in this namespace: create or update its object."""
        with _translate_errors(f"apply {manifest['kind']} {manifest['metadata']['name']}"):
            server_side_apply.set_to(self._client, namespace, manifest, self.timeouts.api)

    def delete_pod(self, namespace: str, name: str, grace: int) -> None:
        with _translate_errors(f"delete pod {name}"):
            self._core.delete_namespaced_pod(
                name, namespace, grace_period_seconds=grace, _request_timeout=self.timeouts.api
            )

    def evict_pod(self, namespace: str, name: str, grace: int) -> None:
        body = client.V1Eviction(
            metadata=client.V1ObjectMeta(name=name),
            delete_options=client.V1DeleteOptions(grace_period_seconds=grace),
        )
        with _translate_errors(f"evict pod {name}"):
            self._core.create_namespaced_pod_eviction(
                name, namespace, body, _request_timeout=self.timeouts.api
            )

    def delete_job(self, namespace: str, name: str) -> None:
        """Delete a Job and its pods in the background; no error if there is no such Job."""
        try:
            with _translate_errors(f"delete Job {name}"):
                self._batch.delete_namespaced_job(
                    name,
                    namespace,
                    propagation_policy="Background",
                    _request_timeout=self.timeouts.api,
                )
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise

    def patch_job(self, namespace: str, name: str, patch: dict[str, Any]) -> None:
        with _translate_errors(f"change Job {name}"):
            self._batch.patch_namespaced_job(
                name, namespace, patch, _request_timeout=self.timeouts.api
            )

    def patch_service(self, namespace: str, name: str, patch: dict[str, Any]) -> None:
        with _translate_errors(f"change Service {name}"):
            self._core.patch_namespaced_service(
                name, namespace, patch, _request_timeout=self.timeouts.api
            )

    def delete_service(self, namespace: str, name: str) -> None:
        with _translate_errors(f"delete Service {name}"):
            self._core.delete_namespaced_service(
                name, namespace, _request_timeout=self.timeouts.api
            )

    def patch_node(self, name: str, *, unschedulable: bool, labels: dict[str, str | None]) -> None:
        """Set whether a node takes new pods, and set its labels; None removes a label."""
        patch = {"spec": {"unschedulable": unschedulable}, "metadata": {"labels": labels}}
        with _translate_errors(f"change node {name}"):
            self._core.patch_node(name, patch, _request_timeout=self.timeouts.api)

    def label_namespace(self, name: str, labels: dict[str, str | None]) -> None:
        """Set labels of a namespace; None removes a label."""
        with _translate_errors(f"label namespace {name}"):
            self._core.patch_namespace(
                name, {"metadata": {"labels": labels}}, _request_timeout=self.timeouts.api
            )

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace in the background; no error if it is gone already."""
        try:
            with _translate_errors(f"delete namespace {name}"):
                self._core.delete_namespace(
                    name, propagation_policy="Background", _request_timeout=self.timeouts.api
                )
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise

    def execute(
        self, namespace: str, pod: str, argv: tuple[str, ...], container: str | None
    ) -> Executed:
        """Run a command in a container, for at most `timeouts.command` seconds."""
        what = f"`{' '.join(argv)}` in pod {pod}"
        # `stream` replaces a method of its ApiClient while it connects, so it gets a separate one.
        api_client: Any = client.ApiClient(self._client.configuration)
        with api_client, _translate_errors(what):
            socket: Any = stream(
                client.CoreV1Api(api_client).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                command=list(argv),
                container=container,
                stdout=True,
                stderr=True,
                _preload_content=False,
                _request_timeout=self.timeouts.api,
            )
        try:
            socket.run_forever(timeout=self.timeouts.command)
            if socket.is_open():
                raise TimedOut(
                    f"{what} took longer than {self.timeouts.command:g} s",
                    expected="the command to end",
                    seen=socket.read_all()[-2000:] or "no output",
                )
            code = _exit_code(what, socket.read_channel(ERROR_CHANNEL))
            return Executed(code, socket.read_stdout(timeout=0), socket.read_stderr(timeout=0))
        finally:
            socket.close()
            # `close` leaves the socket open if the server closed the connection first.
            socket.sock.shutdown()

    # -- requests -----------------------------------------------------------------------------

    def _read(self, what: str, call: Callable[..., Any]) -> Any:
        return json.loads(self._read_response(what, call).data)

    def _read_response(self, what: str, call: Callable[..., Any]) -> urllib3.BaseHTTPResponse:
        """Repeat a read request that fails temporarily, for at most `timeouts.api` seconds."""

        def probe() -> urllib3.BaseHTTPResponse:
            try:
                with _translate_errors(what):
                    response: urllib3.BaseHTTPResponse = call(
                        _preload_content=False, _request_timeout=self.timeouts.api
                    )
                    return response
            except Refused as refused:
                if refused.status not in _TRANSIENT:
                    raise
                raise NotYet(str(refused)) from refused
            except _NoAnswer as error:
                raise NotYet(str(error)) from error

        return wait_until(f"the API server to notify the {what}", probe, timeout=self.timeouts.api)


class _NoAnswer(InfrastructureError):
    """The API server did not answer."""


@contextlib.contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        # A rejected web socket has no status; its reason is the server's message.
        raise Refused(what, error.status or 0, _message(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise _NoAnswer(
            f"the cluster did not answer: {what}", expected="an answer", seen=str(error)
        ) from error


def _message(error: Any) -> str:
    with contextlib.suppress(TypeError, ValueError, KeyError):
        return str(json.loads(error.body)["message"])
    return str(error.body or error.reason)


def _exit_code(what: str, status: str) -> int:
    with contextlib.suppress(ValueError, KeyError, IndexError):
        result = json.loads(status)
        if result["status"] == "Success":
            return 0
        if result["reason"] == "NonZeroExitCode":
            return int(result["details"]["causes"][0]["message"])
    raise InfrastructureError(
        f"{what} ended without an exit code",
        expected="the cluster to say how the command ended",
        seen=status or "a connection that was cut",
    )
