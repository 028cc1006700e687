# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules, in groups that each module adds up. Documented in plugins/doc_fragments/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import secrets_in
from ansible_collections.helmstack.core.plugins.module_utils.stack.resolve import Request
from ansible_collections.helmstack.core.plugins.module_utils.stack.schema import FIELDS

Option = Mapping[str, Any]
Names = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ArgSpec:
    """What AnsibleModule needs to know of a module's options; specs add up."""

    argument_spec: Mapping[str, Option]
    mutually_exclusive: Names = ()
    required_if: tuple[tuple[Any, ...], ...] = ()
    required_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __add__(self, other: ArgSpec) -> ArgSpec:
        return ArgSpec(
            argument_spec={**self.argument_spec, **other.argument_spec},
            mutually_exclusive=self.mutually_exclusive + other.mutually_exclusive,
            required_if=self.required_if + other.required_if,
            required_by={**self.required_by, **other.required_by},
        )

    def to_kwargs(self) -> dict[str, Any]:
        """The keyword arguments of AnsibleModule. Every module here supports check mode."""
        return {**self.to_validate(), "supports_check_mode": True}

    def to_validate(self) -> dict[str, Any]:
        """The keyword arguments of ArgumentSpecValidator."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def secrets(self, params: Mapping[str, Any]) -> list[str]:
        """The values of secret options, and the passwords in URLs."""
        urls = [str(params[name]) for name in ("host", "proxy") if params.get(name)]
        return [*_marked(self.argument_spec, params), *(secret for url in urls for secret in secrets_in(url))]

    @property
    def names(self) -> set[str]:
        """What a user may write: the options' names and aliases."""
        aliases = {alias for option in self.argument_spec.values() for alias in option.get("aliases", ())}
        return aliases | {name for name in self.argument_spec if not name.startswith("_")}

    def canonical(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """``args`` without unset options, and with the options' names in place of aliases; values do not change."""
        names = {alias: name for name, option in self.argument_spec.items() for alias in option.get("aliases", ())}
        return {names.get(key, key): value for key, value in args.items() if value is not None}

    def typed(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """``args`` checked and converted to their types. No defaults and no environment are added.

        :raises InputError: one sentence with everything that is wrong.
        """
        unknown = sorted(set(args) - self.names)
        if unknown:
            raise InputError(f"'{unknown[0]}' is no option of this module", hint=did_you_mean(unknown[0], self.names))
        bare = {
            name: {key: value for key, value in option.items() if key not in ("default", "fallback")}
            for name, option in self.argument_spec.items()
        }
        given = self.canonical(args)
        result = ArgumentSpecValidator(bare, mutually_exclusive=self.mutually_exclusive).validate(given)
        if result.error_messages:
            raise InputError(", ".join(_message(error) for error in result.errors.errors))
        return {name: result.validated_parameters[name] for name in given}

    def from_environment(self, given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
        """The options that ``given`` leaves unset and that an environment variable sets."""
        variables = {name: option["fallback"][1] for name, option in self.argument_spec.items() if "fallback" in option}
        return {
            name: environ[variable]
            for name, names in variables.items()
            for variable in names
            if name not in given and variable in environ
        }


def _message(error: Exception) -> str:
    """What is wrong, which of options below another one ansible leaves for its caller to say."""
    return f"unknown option {error}" if isinstance(error, UnsupportedError) else str(error)


def _marked(options: Mapping[str, Option], params: Mapping[str, Any]) -> Iterator[str]:
    for name, option in options.items():
        value = params.get(name)
        if option.get("no_log") and value:
            yield str(value)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield from _marked(option.get("options", {}), item)


_STR: Option = {"type": "str"}
_BOOL: Option = {"type": "bool"}
_OFF: Option = {"type": "bool", "default": False}
_PATHS: Option = {"type": "list", "elements": "path"}
_STRINGS: Option = {"type": "list", "elements": "str"}
_REPORT: Mapping[str, Option] = {"report_file": _PATHS, "report_limit": {"type": "int", "default": 60_000}}


def _env(variable: str, **option: Any) -> Option:
    return {"type": "str", **option, "fallback": (env_fallback, [variable])}


STACK = ArgSpec(
    {
        "stack_files": {**_PATHS, "aliases": ["stack_file", "file"]},
        "environment": _STR,
        "overlays": _PATHS,
        "variables": {"type": "dict"},
        "targets": _STRINGS,
        "selector": _STR,
        "include_needs": _OFF,
        "lock_file": {"type": "path"},
        "remote_src": _OFF,
        "_bundle": {"type": "path"},
        "_variables": {"type": "str"},
        "_take_back": {"type": "dict"},
    }
)

# Without defaults: a task that says nothing must not override what the stack's helmDefaults say.
RELEASE = ArgSpec(
    {
        "wait": _BOOL,
        "wait_for_jobs": _BOOL,
        "timeout": _STR,
        "force": _BOOL,
        "atomic": _BOOL,
        "history_max": {"type": "int"},
        "create_namespace": _BOOL,
        "disable_hook": _BOOL,
        "skip_crds": _BOOL,
        "upgrade_crds": _BOOL,
        "test": _BOOL,
        "skip_schema_validation": _BOOL,
        "reuse_values": _BOOL,
        "reset_values": _BOOL,
        "post_renderer": _STR,
    }
)

SPRAY = ArgSpec(
    {
        "chart_ref": {"type": "str", "required": True, "aliases": ["chart"]},
        "chart_version": _STR,
        "release_namespace": {"type": "str", "required": True, "aliases": ["namespace"]},
        "values_files": _STRINGS,
        "release_values": {"type": "dict", "aliases": ["values"]},
        "set_values": {
            "type": "list",
            "elements": "dict",
            "options": {
                "value": {"type": "str", "required": True},
                "value_type": {
                    "type": "str",
                    "default": "raw",
                    "choices": ["raw", "string", "file", "json", "literal"],
                },
            },
        },
        "targets": _STRINGS,
        "exclude": _STRINGS,
        "prefix_releases": _STR,
        "prefix_releases_with_namespace": _OFF,
        "default_weight": {"type": "int"},
        "repositories": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "url": {"type": "str", "required": True},
                "username": _STR,
                "password": {"type": "str", "no_log": True},
                "ca_file": {"type": "path"},
                "cert_file": {"type": "path"},
                "key_file": {"type": "path", "no_log": False},
                "insecure": _OFF,
                "oci": _OFF,
                "plain_http": _OFF,
                "type": {"type": "str", "default": "helm", "choices": ["helm", "oci", "git"]},
                "known_hosts": {"type": "path"},
            },
        },
        "remote_src": _OFF,
        "_bundle": {"type": "path"},
    }
)

HELM = ArgSpec({"binary_path": {"type": "path"}, "registry_config": {"type": "path"}})

IMPORT = ArgSpec(
    {
        "dest": {"type": "path", "required": True},
        "force": _OFF,
        "stack_name": _STR,
        "namespaces": _STRINGS,
        "label_selectors": _STRINGS,
        "names": _STRINGS,
        "clusters": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "kubeconfig": {"type": "path"},
                "context": _STR,
                "host": _STR,
                "api_key": {"type": "str", "no_log": True},
                "ca_cert": {"type": "path"},
                "expected_cluster": _STR,
            },
        },
        "helmfile": {
            "type": "list",
            "elements": "dict",
            "options": {"file": {"type": "path", "required": True}, "environment": _STR},
        },
        "repositories": SPRAY.argument_spec["repositories"],
        "vault_id": _STR,
        "_bundle": {"type": "path"},
    }
)

BUNDLE = ArgSpec({"bundle": {"type": "path"}})
LOCK = ArgSpec({"update": {**_STRINGS, "default": []}, "outdated": {"type": "bool", "default": True}})
BUNDLING = ArgSpec(
    {
        "dest": {"type": "path", "required": True},
        "environments": _STRINGS,
        "images": {"type": "bool", "default": True},
        "kube_version": _STR,
        "api_versions": {**_STRINGS, "default": []},
    }
)

CLUSTER = ArgSpec(
    {
        "kubeconfig": _env("K8S_AUTH_KUBECONFIG", type="raw", aliases=["kubeconfig_path"]),
        "context": _env("K8S_AUTH_CONTEXT", aliases=["kube_context"]),
        "host": _env("K8S_AUTH_HOST"),
        "api_key": _env("K8S_AUTH_API_KEY", no_log=True),
        "username": _env("K8S_AUTH_USERNAME"),
        "password": _env("K8S_AUTH_PASSWORD", no_log=True),
        "client_cert": _env("K8S_AUTH_CERT_FILE", type="path", aliases=["cert_file"]),
        "client_key": _env("K8S_AUTH_KEY_FILE", type="path", aliases=["key_file"], no_log=False),
        "ca_cert": _env("K8S_AUTH_SSL_CA_CERT", type="path", aliases=["ssl_ca_cert"]),
        "validate_certs": _env("K8S_AUTH_VERIFY_SSL", type="bool", default=True, aliases=["verify_ssl"]),
        "proxy": _env("K8S_AUTH_PROXY"),
        "no_proxy": _env("K8S_AUTH_NO_PROXY"),
        "proxy_headers": {
            "type": "dict",
            "options": {"proxy_basic_auth": _env("K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH", no_log=True)},
        },
        "impersonate_user": _env("K8S_AUTH_IMPERSONATE_USER"),
        "impersonate_groups": {**_STRINGS, "fallback": (env_fallback, ["K8S_AUTH_IMPERSONATE_GROUPS"])},
        "in_cluster": _OFF,
        "expected_cluster": _STR,
    }
)

CHANGE = ArgSpec(
    {
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "all": _OFF,
        "prune": _OFF,
        "prune_max": {"type": "int", "default": 5},
        "take_over": {"type": "bool", "default": False},
        "delete_namespace": {"type": "bool", "default": False},
        "diff_lines": {"type": "int", "default": 1000},
        "expected_plan": {"type": "raw"},
        "on_failure": {"type": "str", "default": "stop", "choices": ["stop", "continue", "rollback"]},
        "recover": {"type": "str", "default": "rollback", "choices": ["fail", "rollback"]},
        "pending_age": {"type": "str", "default": "10m"},
        "drift": {"type": "str", "default": "ignore", "choices": ["ignore", "report", "correct"]},
        "run_tests": {"type": "str", "default": "changed", "choices": ["changed", "always", "never"]},
        "concurrency": {"type": "int", "default": 8},
        "diff_ignore": {"type": "list", "elements": "dict", "options": {"kind": _STR, "name": _STR, "path": _STR}},
        # plan/forbid.py checks its keys: "message" may be no name of an option to Ansible's own tests
        "forbid": {"type": "list", "elements": "dict"},
        **_REPORT,
        "lock": {"type": "bool", "default": True},
        "lock_wait": {"type": "str", "default": "0s"},
        "progress": {"type": "bool", "default": True},
    }
)

INFO = ArgSpec(
    {
        "include": {
            **_STRINGS,
            "default": [],
            "choices": ["values", "computed_values", "manifest", "hooks", "notes"],
        }
    }
)

TEMPLATE = ArgSpec(
    {
        "kube_version": _STR,
        "api_versions": {**_STRINGS, "default": []},
        "include_crds": _OFF,
        "include_hooks": {"type": "bool", "default": True},
        "output_dir": {"type": "path"},
    }
)

VALUES = ArgSpec({"compare_to": _STR, "chart_defaults": _OFF, **_REPORT})

HELMSTACK = STACK + BUNDLE + CHANGE + RELEASE + HELM + CLUSTER
HELM_SPRAY = SPRAY + BUNDLE + CHANGE + RELEASE + HELM + CLUSTER
HELMSTACK_INFO = STACK + HELM + CLUSTER + INFO
# It needs no cluster, but module_defaults of the action group must reach it without harm.
HELMSTACK_TEMPLATE = STACK + HELM + CLUSTER + TEMPLATE
HELMSTACK_VALUES = STACK + HELM + CLUSTER + VALUES
HELMSTACK_LOCK = STACK + HELM + CLUSTER + LOCK
HELMSTACK_BUNDLE = STACK + HELM + CLUSTER + BUNDLING
HELMSTACK_IMPORT = IMPORT + HELM + CLUSTER

# What `.helmstack` may name: one file serves all modules that read a stack.
STACK_OPTIONS = frozenset().union(
    *(spec.names for spec in (HELMSTACK, HELMSTACK_INFO, HELMSTACK_TEMPLATE, HELMSTACK_VALUES))
)

# A folder's .helmstack must not turn a deployment into a deletion, nor say where it is searched itself, nor what is
# written on the controller.
_NEVER_DEFAULTS = frozenset(
    "stack_files remote_src state all take_over delete_namespace expected_plan report_file report_limit".split()
)


def release_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that helm gets for a release, by the names of the stack room."""
    return {FIELDS.get(name, name): given[name] for name in RELEASE.argument_spec if name in given}


def request(
    given: Mapping[str, Any],
    *,
    stack_files: Sequence[str],
    groups: Sequence[str],
    environ: Mapping[str, str],
    secrets: Sequence[str] = (),
) -> Request:
    """The task's options as a Request of the stack room."""
    return Request(
        stack_files=tuple(stack_files),
        environment=given.get("environment"),
        groups=tuple(groups),
        overlays=tuple(given.get("overlays") or ()),
        variables=given.get("variables") or {},
        targets=tuple(given.get("targets") or ()),
        selector=given.get("selector"),
        include_needs=bool(given.get("include_needs")),
        defaults=release_options(given),
        environ=environ,
        option_names=STACK_OPTIONS,
        secrets=tuple(secrets),
        lock_file=given.get("lock_file"),
        makes_lock_file=bool(given.get("lock_file_may_lack")),
        update=tuple(given.get("update") or ()),
    )


def with_defaults(
    spec: ArgSpec, given: Mapping[str, Any], defaults: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """``given``, and from a ``.helmstack`` file the options that neither the task nor the environment sets.

    Options of the other modules are passed over, as one file serves all of them.

    :raises InputError: for an option that only the task may set.
    """
    refused = sorted(_NEVER_DEFAULTS & set(defaults))
    if refused:
        raise InputError(f"'{refused[0]}' cannot be set in .helmstack", hint="Set it in the task")
    taken = {**given, **spec.from_environment(given, environ)}
    options = spec.canonical(defaults)
    return {**{name: value for name, value in options.items() if name in spec.names - set(taken)}, **given}
