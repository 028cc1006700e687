# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options: aliases, types, and who wins of task, environment and .helmstack."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.argspec import (
    HELM_SPRAY,
    HELMSTACK,
    HELMSTACK_TEMPLATE,
    RELEASE,
    request,
    with_defaults,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError


def test_typed_resolves_aliases_and_types_and_adds_nothing() -> None:
    given = HELMSTACK.typed({"file": "a.yaml", "verify_ssl": "no", "prune_max": "7", "wait": None})
    assert given == {"stack_files": ["a.yaml"], "validate_certs": False, "prune_max": 7}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"enviroment": "dev"}, "'enviroment' is no option of this module. Did you mean 'environment'?"),
        ({"_bundle": "/tmp/x"}, "'_bundle' is no option of this module"),
        ({"state": "gone"}, "value of state must be one of: present, absent"),
        ({"prune_max": "many"}, "prune_max"),
        ({"proxy_headers": {"basic_auth": "a:b"}}, "unknown option proxy_headers.basic_auth. Supported"),
        ({"diff_ignore": [{"kid": "Deployment"}]}, "unknown option diff_ignore.kid. Supported parameters include: "),
    ],
)
def test_typed_names_what_is_wrong(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        HELMSTACK.typed(args)
    assert message in str(caught.value)


def test_no_option_of_a_release_has_a_default() -> None:
    assert [name for name, option in RELEASE.argument_spec.items() if "default" in option] == []


@pytest.mark.parametrize(
    ("given", "environ", "context"),
    [
        ({}, {}, "file"),
        ({}, {"K8S_AUTH_CONTEXT": "environment"}, None),
        ({"context": "task"}, {}, "task"),
        ({"context": "task"}, {"K8S_AUTH_CONTEXT": "environment"}, "task"),
    ],
)
def test_helmstack_file_gives_only_what_nobody_else_has_set(
    given: dict[str, str], environ: dict[str, str], context: str | None
) -> None:
    merged = with_defaults(HELMSTACK, given, {"kube_context": "file"}, environ)
    assert merged.get("context") == context


def test_helmstack_file_serves_all_modules() -> None:
    assert with_defaults(HELMSTACK_TEMPLATE, {}, {"prune": True, "binary_path": "h3"}, {}) == {"binary_path": "h3"}


@pytest.mark.parametrize("name", ["state", "all", "expected_plan", "stack_files", "remote_src"])
def test_helmstack_file_cannot_set_what_only_the_task_may(name: str) -> None:
    with pytest.raises(InputError, match=f"'{name}' cannot be set in .helmstack"):
        with_defaults(HELMSTACK, {}, {name: "x"}, {})


def test_environment_fills_only_what_is_unset() -> None:
    environ = {"K8S_AUTH_HOST": "https://a", "K8S_AUTH_API_KEY": "t", "OTHER": "x"}
    assert HELMSTACK.from_environment({"api_key": "mine"}, environ) == {"host": "https://a"}


def test_request_speaks_the_words_of_the_stack_room() -> None:
    asked = request(
        {"disable_hook": True, "wait": False, "targets": ["a"], "concurrency": 3},
        stack_files=["/s"],
        groups=[],
        environ={},
    )
    assert asked.defaults == {"disable_hooks": True, "wait": False}
    assert (asked.stack_files, asked.targets, asked.environment) == (("/s",), ("a",), None)


def test_what_is_marked_secret_is_found_at_any_depth_and_in_urls() -> None:
    params = {
        "api_key": "k",
        "proxy": "http://me:p%40ss@proxy.example:3128",
        "host": "https://api.example",
        "proxy_headers": {"proxy_basic_auth": "me:two"},
        "repositories": [{"name": "r", "password": "three"}],
    }
    assert set(HELM_SPRAY.secrets(params)) == {"k", "p%40ss", "p@ss", "me:two", "three"}
