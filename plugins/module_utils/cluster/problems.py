# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's refusals and failures, each in one sentence. Pure: recorded answers in, exceptions out."""

from __future__ import annotations

import json
import re
import ssl
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.api_messages import without_objects
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

_RBAC = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) '
    r'(?:resource "(?P<resource>[^"]*)"(?: in API group "(?P<group>[^"]*)")?'
    r'|path "(?P<path>[^"]*)")(?: in the namespace "(?P<namespace>[^"]*)"| at the cluster scope)?'
)


_NO_DRY_RUN = "does not support dry run"  # of an admission webhook that may have side effects
_UNTYPED = "failed to create typed patch object"


class Unreachable(ClusterError):
    """No answer came, so nothing is known about what was asked."""


class Untrusted(Unreachable):
    """The server's certificate does not prove that it is the right one."""


class Unauthorized(ClusterError):
    """401: the credentials are missing, wrong or expired."""


class Forbidden(ClusterError):
    """403: the user lacks a right, or admission refuses."""


class Denied(Forbidden):
    """403 of another kind than a lacking right: a quota, a policy or an admission webhook does not want it."""


class NotFound(ClusterError):
    """404: no such object, or no such kind."""


class Conflict(ClusterError):
    """409: the object exists already, or has changed meanwhile."""


class Invalid(ClusterError):
    """400, 422: what was sent is not as the cluster wants it."""


class Untyped(Invalid):
    """Server-side apply cannot read what was sent: a field that the kind does not have, or an item that is there twice.

    The API answers it with 500 (apiserver, endpoints/handlers/fieldmanager), though to try again is of no use.
    """


class Gone(ClusterError):
    """410: a LIST's continue token or a watch's resourceVersion is too old."""


_BY_STATUS: dict[int, type[ClusterError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
}


def refused(status: int, body: bytes, method: str, path: str, server: str) -> ClusterError:
    """The exception for an HTTP answer that is no success."""
    message = without_objects(_message(body))
    if status == 401:
        return Unauthorized(
            f"the Kubernetes API at {server} does not accept the credentials (401)",
            hint="Set api_key, client_cert and client_key, or log in anew for the kubeconfig's user",
        )
    if status == 403 or (status == 400 and _NO_DRY_RUN in message):
        return _forbidden(message, method, path)
    kind = Untyped if status == 500 and _UNTYPED in message else _BY_STATUS.get(status, ClusterError)
    return kind(f"the Kubernetes API at {server} refuses {method} {path} ({status}): {message}")


def _forbidden(message: str, method: str, path: str) -> Forbidden:
    found = _RBAC.search(message)
    if not found:  # their own words are the best there are
        kind = Forbidden if _NO_DRY_RUN in message else Denied
        return kind(f"the Kubernetes API forbids {method} {path}: {message}")
    user, verb = found["user"], found["verb"]
    if found["path"]:
        return Forbidden(
            f"no right to {verb} {found['path']}: user '{user}' may not", hint=_grant(user, verb, found["path"])
        )
    what = f"{found['resource']}.{found['group']}" if found["group"] else found["resource"]
    where = f"in namespace {found['namespace']}" if found["namespace"] else "in the whole cluster"
    hint = _grant(user, verb, what, found["namespace"])
    return Forbidden(f"no right to {verb} {what} {where}: user '{user}' may not", hint=hint)


def _grant(user: str, verb: str, what: str, namespace: str | None = None) -> str:
    role = f"a Role in namespace {namespace}" if namespace else "a ClusterRole"
    return f"Grant '{user}' {role} that allows {verb} on {what}"


def unreachable(server: str, error: BaseException) -> Unreachable:
    """The exception for a request that got no answer: refused, silent, reset, or not trusted."""
    reason = _root(error)
    # urllib3 checks the host's name itself and has a CertificateError of its own for that
    if isinstance(reason, ssl.SSLCertVerificationError) or type(reason).__name__ == "CertificateError":
        return Untrusted(
            f"the certificate of the Kubernetes API at {server} is not trusted: "
            f"{getattr(reason, 'verify_message', '') or reason}",
            hint="Set ca_cert to the cluster's certificate authority, tls-server-name in the kubeconfig to the name in "
            "the certificate, or validate_certs: false if you must",
        )
    if isinstance(reason, ssl.SSLError):
        return Unreachable(
            f"no TLS connection to the Kubernetes API at {server}: {getattr(reason, 'reason', '') or reason.strerror}",
            hint="Check the server's scheme and port",
        )
    return Unreachable(
        f"the Kubernetes API at {server} is not answering: {_reason(reason)}",
        hint="Check the server's address, the network and the proxy",
    )


def _root(error: BaseException) -> BaseException:
    """The innermost cause; urllib3 wraps what the socket said in `reason`, in arguments or in the context."""
    for _depth in range(8):
        inner = [getattr(error, "reason", None), error.__cause__, *getattr(error, "args", ()), error.__context__]
        cause = next((item for item in inner if isinstance(item, BaseException) and item is not error), None)
        if cause is None:
            break
        error = cause
    return error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return re.sub(r"^<.*?>: |^[\w.]*\(.*?\): ", "", str(error)) or type(error).__name__


def _message(body: bytes) -> str:
    """The `message` of a Status, else the first line of whatever it is."""
    try:
        data: Any = json.loads(body)
        return str(data["message"])
    except (ValueError, KeyError, TypeError):
        line = next(iter(body.decode("utf-8", "replace").strip().splitlines()), "no reason given")
        return line if len(line) <= 300 else f"{line[:300]}…"
