# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of stack files, and typed reading of nodes; errors say what was expected and what was found."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils import durations, helmyaml
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.helmyaml import Node, plain

try:
    import jmespath
    import jmespath.exceptions
except ImportError:
    jmespath = None  # type: ignore[assignment]

# Per-release options: the stack file's key, the field of model.Options, its kind
OPTIONS: Mapping[str, tuple[str, str]] = {
    "wait": ("wait", "boolean"),
    "waitForJobs": ("wait_for_jobs", "boolean"),
    "timeout": ("timeout", "duration"),
    "force": ("force", "boolean"),
    "recreatePods": ("recreate_pods", "boolean"),
    "createNamespace": ("create_namespace", "boolean"),
    "atomic": ("atomic", "boolean"),
    "historyMax": ("history_max", "integer"),
    "disableHooks": ("disable_hooks", "boolean"),
    "skipCRDs": ("skip_crds", "boolean"),
    "test": ("test", "boolean"),
    "upgradeCRDs": ("upgrade_crds", "boolean"),
    "skipSchemaValidation": ("skip_schema_validation", "boolean"),
    "reuseValues": ("reuse_values", "boolean"),
    "resetValues": ("reset_values", "boolean"),
    "postRenderer": ("post_renderer", "string"),
    "helmBinary": ("helm_binary", "string"),
    "devel": ("devel", "boolean"),
    "verify": ("verify", "boolean"),
    "keyring": ("keyring", "string"),
}
RELEASE_KEYS = frozenset(
    """
    name namespace chart version digest values set ignore needs weight labels protected spray ready description
    """.split()
) | frozenset(OPTIONS)
DEFAULTS_KEYS = frozenset(OPTIONS) | {"namespace"}
STACK_KEYS = frozenset("name releases environments repositories helmDefaults variables env stacks".split())
OVERLAY_KEYS = frozenset("releases repositories helmDefaults variables".split())
ENVIRONMENT_KEYS = frozenset("overlays overlay variables".split())
NESTED_KEYS = frozenset("name path url".split())
REPOSITORY_KEYS = frozenset(
    "name url type username password ca_file cert_file key_file known_hosts insecure plain_http oci".split()
)
REPOSITORY_FLAGS = frozenset(("insecure", "plain_http", "oci"))
REPOSITORY_FILES = frozenset(("ca_file", "cert_file", "key_file", "known_hosts"))
REPOSITORY_TYPES = ("helm", "oci", "git")
READY_KEYS = frozenset("apiVersion kind name namespace when".split())
SPRAY_KEYS = frozenset(
    "targets exclude prefix_releases prefix_releases_with_namespace default_weight set_values".split()
)
SET_KEYS = frozenset("value value_type".split())
SET_TYPES = ("raw", "string", "json", "literal")
# Where the name that a task has for an option of a release (kubernetes.core's) is not that of its field
FIELDS = {"disable_hook": "disable_hooks"}

LONGEST_RELEASE_NAME = 53
RELEASE_NAME = re.compile(
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)  # helm: chartutil.validName
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(rf"({RELEASE_NAME.pattern}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
SIMPLE_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
HELM_LABELS = frozenset("name owner status version createdAt modifiedAt".split())  # helm: driver.GetSystemLabels


def found(node: Node) -> str:
    """A node's content, for a message; never the value of a secret."""
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "string"
    shown = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return f"a {kind}" if node.secret or len(shown) > 60 else f"the {kind} {shown}"


def wrong(node: Node, what: str, expected: str, hint: str = "") -> InputError:
    return InputError(f"{what}: expected {expected}, found {found(node)}", where=node.where, hint=hint)


def mapping(node: Node, what: str, keys: Collection[str] | None = None) -> dict[str, Node]:
    """A mapping's members; with ``keys``, no others than these. Nothing counts as empty."""
    if node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise wrong(node, what, "a mapping")
    for key, item in node.value.items():
        if keys is not None and key not in keys:
            raise InputError(f"unknown key '{key}' in {what}", where=item.where, hint=did_you_mean(key, keys))
    return node.value


def items(node: Node, what: str) -> list[Node]:
    """A list's nodes. Nothing counts as empty."""
    if node.value is None:
        return []
    if not isinstance(node.value, list):
        raise wrong(node, what, "a list")
    return node.value


def string(node: Node, what: str) -> str:
    if isinstance(node.value, str) and node.value:
        return node.value
    scalar = isinstance(node.value, (bool, int, float))
    raise wrong(node, what, "a string", "Put it in quotes" if scalar else "")


def strings(node: Node, what: str) -> tuple[str, ...]:
    return tuple(string(item, what) for item in items(node, what))


def scalar(node: Node) -> Any:
    """A node's content; text that a variable brought is read as YAML, as if it were written there without quotes."""
    return helmyaml.plain_scalar(node.value) if isinstance(node.value, str) and node.via else node.value


def boolean(node: Node, what: str) -> bool:
    value = scalar(node)
    if isinstance(value, bool):
        return value
    quoted = node.value in ("true", "false") and not node.via
    raise wrong(node, what, "true or false", "Write it without quotes" if quoted else "")


def integer(node: Node, what: str) -> int:
    value = scalar(node)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise wrong(node, what, "an integer of 0 or more")


def duration(node: Node, what: str) -> int:
    """Seconds; see durations.py."""
    seconds = durations.seconds(node.value)
    if seconds is None:
        raise wrong(node, what, durations.EXPECTED)
    return seconds


def matching(node: Node, what: str, rule: re.Pattern[str], length: int, told: str) -> str:
    """A string that follows a rule of Kubernetes or Helm."""
    value = string(node, what)
    if len(value) > length or not rule.fullmatch(value):
        raise wrong(node, what, f"{told}, at most {length} characters")
    return value


def release_name(node: Node) -> str:
    told = "a release name (lower-case letters, digits, '-' and '.', a letter or digit at both ends)"
    return matching(node, "name", RELEASE_NAME, LONGEST_RELEASE_NAME, told)


def namespace(node: Node) -> str:
    told = "a namespace (lower-case letters, digits and '-', a letter or digit at both ends)"
    return matching(node, "namespace", DNS_LABEL, 63, told)


def labels(node: Node) -> dict[str, str]:
    """Labels for Helm's release: Kubernetes' rules, less those that Helm and this collection keep for themselves."""
    result: dict[str, str] = {}
    for key, item in mapping(node, "labels").items():
        if not LABEL_KEY.fullmatch(key):
            raise InputError(f"'{key}' is not a label's name as Kubernetes wants it", where=item.where)
        if key in HELM_LABELS or key.split("/")[0] == "helmstack.io":
            raise InputError(f"the label '{key}' is kept for Helm and helmstack themselves", where=item.where)
        if item.value == "":
            result[key] = ""
            continue
        told = "a label's value (letters, digits, '-', '_' and '.', a letter or digit at both ends)"
        result[key] = matching(item, f"label {key}", LABEL_VALUE, 63, told)
    return result


def option(key: str, node: Node, name: str = "") -> Any:
    """The value of a per-release option by the stack file's key.

    :arg name: its name in the file, if not that key.
    """
    name, kind = name or key, OPTIONS[key][1]
    if kind == "boolean":
        return boolean(node, name)
    if kind == "duration":
        return duration(node, name)
    return integer(node, name) if kind == "integer" else string(node, name)


def task_defaults(members: Mapping[str, Node]) -> dict[str, Any]:
    """The per-release options among those of ``.helmstack``, by their fields; each is called there as in a task."""
    keys = {field: key for key, (field, _kind) in OPTIONS.items()}
    named = ((FIELDS.get(name, name), name) for name in members)
    return {field: option(keys[field], members[name], name) for field, name in named if field in keys}


def task_options(values: Mapping[str, Any], where: Location) -> dict[str, Any]:
    """The per-release options among a task's, which go by their snake_case names."""
    keys = {field: key for key, (field, _kind) in OPTIONS.items()}
    return {
        field: option(keys[field], Node(value, where))
        for field, value in values.items()
        if field in keys and value is not None
    }


def digest(node: Node) -> str:
    """The sha256 of a chart, with or without its name before it."""
    told = "sha256: and 64 digits or letters a to f"
    return "sha256:" + matching(node, "digest", DIGEST, 71, told).removeprefix("sha256:")


def repository(name: str, node: Node) -> dict[str, Any]:
    """A repository's members; paths are as they are written."""
    members = mapping(node, "repository", REPOSITORY_KEYS)
    if "url" not in members:
        raise InputError(f"the repository '{name}' lacks a url", where=node.where)
    values: dict[str, Any] = {}
    for key, item in members.items():
        values[key] = boolean(item, key) if key in REPOSITORY_FLAGS else string(item, key)
        if key == "type" and values[key] not in REPOSITORY_TYPES:
            raise wrong(item, "type", "one of " + ", ".join(REPOSITORY_TYPES))
    return {**values, "name": name}


def spray(node: Node) -> dict[str, Any] | None:
    """helm_spray's options for a release; None: it is not an umbrella chart."""
    switch = scalar(node)
    if switch is None or switch is False:
        return None
    if switch is True:
        return {}
    if not isinstance(node.value, dict):
        raise wrong(node, "spray", "true, false or a mapping of helm_spray's options")
    options = mapping(node, "spray", SPRAY_KEYS)
    for key, item in options.items():
        if key in ("targets", "exclude"):
            strings(item, key)
        elif key == "default_weight":
            integer(item, key)
        elif key == "prefix_releases":
            string(item, key)
        elif key == "set_values":
            set_values(item)
        else:
            boolean(item, key)
    return {key: plain(item) for key, item in options.items()}


def check_spray(given: Mapping[str, Any]) -> None:
    """Holds if no two of helm_spray's options contradict each other.

    :raises InputError: they do.
    """
    if given.get("targets") and given.get("exclude"):
        raise InputError("targets and exclude cannot be used together", hint="Leave one of them out")
    if given.get("prefix_releases") and given.get("prefix_releases_with_namespace"):
        raise InputError("prefix_releases and prefix_releases_with_namespace cannot be used together")


def set_values(node: Node) -> None:
    """The set_values of helm_spray; in a stack, a file's content is in ``values``."""
    for item in items(node, "set_values"):
        members = mapping(item, "set_values", SET_KEYS)
        if "value" not in members:
            raise InputError("an entry of set_values lacks 'value'", where=item.where)
        string(members["value"], "value")
        kind = string(members["value_type"], "value_type") if "value_type" in members else "raw"
        if kind not in SET_TYPES:
            raise wrong(members["value_type"], "value_type", "one of " + ", ".join(SET_TYPES))


def ready(node: Node) -> tuple[dict[str, str], ...]:
    """What must hold before dependants start."""
    result = []
    for item in items(node, "ready"):
        members = mapping(item, "ready", READY_KEYS)
        for key in ("apiVersion", "kind", "name", "when"):
            if key not in members:
                raise InputError(f"an entry of ready lacks '{key}'", where=item.where)
        result.append({key: string(member, key) for key, member in members.items()})
        _check_expression(members["when"])
    return tuple(result)


def _check_expression(node: Node) -> None:
    """Holds if the node is JMESPath; without the library, which only the run needs, it shows there."""
    if jmespath is None:
        return
    try:
        jmespath.compile(node.value)
    except jmespath.exceptions.JMESPathError as error:
        why = next(iter(str(error).splitlines()), "")
        what = f"'when: {node.value}' of a release's ready is no JMESPath: {why}"
        raise InputError(what, where=node.where) from None
