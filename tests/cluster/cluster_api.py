"""A small client of the Kubernetes API, with the standard library only: what starting and testing the cluster needs."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Object = dict[str, Any]
_KEPT = 30.0  # seconds; the server closes a connection that is not used for 90


class ApiError(Exception):
    """The API server refused a request; `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """Requests to one API server as one user. Paths are as the server has them, e.g. /api/v1/namespaces."""

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        address = urlsplit(server)
        self._address = (str(address.hostname), int(address.port or 443))
        self._token = token
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        # A handshake costs the server more than most requests.
        self._idle: deque[tuple[http.client.HTTPSConnection, float]] = deque()

    def text(self, path: str, method: str = "GET", body: Object | None = None, kind: str = "application/json") -> str:
        """The answer's text. Raises ApiError for a status of 400 and more, OSError without a connection."""
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": kind,
            "User-Agent": "helmstack-test-cluster",
        }
        with self._connection() as connection:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            found = answer.read().decode(errors="replace")
        if answer.status >= 400:
            raise ApiError(answer.status, f"{method} {path}: {answer.status} {found}")
        return found

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection for one request, which is kept for the next if all goes well."""
        connection = self._kept() or http.client.HTTPSConnection(*self._address, context=self._tls, timeout=10)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append((connection, time.monotonic()))

    def _kept(self) -> http.client.HTTPSConnection | None:
        with suppress(IndexError):  # other threads take some, too
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < _KEPT:
                    return connection
                connection.close()
        return None

    def get(self, path: str) -> Object:
        """One object or one list."""
        return self._object(self.text(path))

    def find(self, path: str) -> Object:
        """One object or one list; empty if there is no such object."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == 404:
                return {}
            raise

    def create(self, path: str, body: Object) -> Object:
        """Creates an object in the collection at this path."""
        return self._object(self.text(path, "POST", body))

    def patch(self, path: str, body: Object) -> Object:
        """Merges the body into the object at this path."""
        return self._object(self.text(path, "PATCH", body, "application/merge-patch+json"))

    def apply(self, path: str, body: Object) -> Object:
        """Server-side apply; the path's query says as which fieldManager."""
        return self._object(self.text(path, "PATCH", body, "application/apply-patch+yaml"))

    def delete(self, path: str) -> Object:
        """Deletes the object at this path, and what it owns in the background."""
        return self._object(self.text(path, "DELETE", {"propagationPolicy": "Background"}))

    def wait(self, path: str, condition: Callable[[Object], bool], seconds: float = 30.0) -> Object:
        """Polls the object until the condition holds. Raises TimeoutError with its last status."""
        deadline, found = time.monotonic() + seconds, {}
        while time.monotonic() < deadline:
            found = self.find(path)
            if found and condition(found):
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{path} is not as expected after {seconds} s: {json.dumps(found.get('status', found))}")

    def wait_gone(self, path: str, seconds: float = 30.0) -> None:
        """Polls until there is no such object. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.find(path):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} is still there after {seconds} s")
            time.sleep(0.05)

    @staticmethod
    def _object(text: str) -> Object:
        found: Object = json.loads(text)
        return found
