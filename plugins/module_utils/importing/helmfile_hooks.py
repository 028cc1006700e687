# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hooks of a helmfile, told with the Ansible tasks that do what they do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import secret_leaves
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK

_AFTER = ("postsync", "cleanup", "postuninstall", "postapply")
_KNOWN = {"{{ .Release.Name }}": "name", "{{ .Release.Namespace }}": "namespace"}


def told(hooks: Any, names: Mapping[str, str]) -> Iterator[str]:
    """For each hook what it was and which task does it, as lines of a comment.

    :arg hooks: as the output has them.
    :arg names: ``name`` and ``namespace`` of the release; empty: hooks of the whole helmfile.
    """
    for hook in hooks if isinstance(hooks, list) else ():
        if isinstance(hook, Mapping):
            events = [str(event) for event in hook.get("events") or ()]
            after = [event for event in events if event in _AFTER]
            when = "after" if events and len(after) == len(events) else "before and after" if after else "before"
            named = f" '{hook['name']}'" if hook.get("name") else ""
            what = f"helmfile's hook{named} ({', '.join(events)}) is not carried over"
            yield f"{what}; a task {when} the deployment does it:\n  {_task(hook, names)}"


def _task(hook: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One line of YAML, in its flow style."""
    applied = hook.get("kubectlApply")
    if isinstance(applied, Mapping):
        file, folder = applied.get("filename"), applied.get("kustomize")
        module, options = "kubernetes.core.k8s", {"state": "present", "src": file}
        if not file:
            module, options = "ansible.builtin.command", {"argv": ["kubectl", "apply", "-k", folder]}
    else:
        words = [hook.get("command"), *(hook.get("args") or ())]
        module, options = "ansible.builtin.command", {"argv": [_word(word, names) for word in words]}
    _mask(options)  # a comment stands in a file that is not encrypted
    return f"{module}: {json.dumps(options, ensure_ascii=False)}"


def _mask(options: dict[str, Any]) -> None:
    for path, _value in tuple(secret_leaves(options)):
        holder: Any = options
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = MASK


def _word(word: Any, names: Mapping[str, str]) -> str:
    text = str(word)
    for template, key in _KNOWN.items():
        for said in (template, template.replace(" ", "")):
            text = text.replace(said, names.get(key, said))
    return text
