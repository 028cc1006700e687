# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module does, with its options typed; the engine is imported when there is something to do."""

from __future__ import annotations

from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.argspec import (
    HELM_SPRAY,
    HELMSTACK,
    HELMSTACK_BUNDLE,
    HELMSTACK_IMPORT,
    HELMSTACK_INFO,
    HELMSTACK_LOCK,
    HELMSTACK_TEMPLATE,
    HELMSTACK_VALUES,
)
from ansible_collections.helmstack.core.plugins.module_utils.import_task import repositories_of
from ansible_collections.helmstack.core.plugins.module_utils.module import Call, ModuleDefinition
from ansible_collections.helmstack.core.plugins.module_utils.spray_task import on_target


def _deploy(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import engine
    from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions

    diff = call.diff or bool(call.params.get("report_file"))
    options = RunOptions.of(call.params, call.handover.progress_file, call.renders)
    if call.handover.done is not None:
        from ansible_collections.helmstack.core.plugins.module_utils.take_back import take_back

        return take_back(call.stack, options, call.handover.done, workdir=call.workdir, guard=call.guard)
    return engine.deploy(
        call.stack, options, check_mode=call.check_mode, diff=diff, workdir=call.workdir, guard=call.guard
    )


def _info(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import engine
    from ansible_collections.helmstack.core.plugins.module_utils.run_options import RunOptions

    options = RunOptions.of(call.params, call.handover.progress_file)
    return engine.info(call.stack, options, tuple(call.params["include"]), workdir=call.workdir, guard=call.guard)


def _template(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import engine
    from ansible_collections.helmstack.core.plugins.module_utils.report.template import RenderOptions
    from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions

    return engine.template(
        call.stack,
        RenderOptions.of(call.params),
        ToolOptions.of(call.params),
        check_mode=call.check_mode,
        diff=call.diff,
        workdir=call.workdir,
        guard=call.guard,
    )


def _values(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import engine
    from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions

    options = engine.ValuesOptions(
        ToolOptions.of(call.params),
        call.params["chart_defaults"],
        call.params["compare_to"],
        other=next(iter(call.handover.others or ()), None),
    )
    return engine.values(call.stack, options, diff=call.diff, workdir=call.workdir, guard=call.guard)


def _lock(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import chart_commands
    from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions

    options = chart_commands.LockOptions(
        ToolOptions.of(call.params),
        tuple(call.params["update"]),
        call.params["outdated"],
        call.handover.others,
    )
    return chart_commands.lock(call.stack, options, diff=call.diff, workdir=call.workdir, guard=call.guard)


def _bundle(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import chart_commands
    from ansible_collections.helmstack.core.plugins.module_utils.report.template import RenderOptions
    from ansible_collections.helmstack.core.plugins.module_utils.run_tools import ToolOptions

    options = chart_commands.BundleOptions(
        ToolOptions.of(call.params),
        call.params["dest"],
        call.params["images"],
        RenderOptions.of(call.params),
        call.handover.others,
    )
    return chart_commands.bundled(
        call.stack, options, check_mode=call.check_mode, diff=call.diff, workdir=call.workdir, guard=call.guard
    )


def _import(call: Call) -> dict[str, Any]:
    from ansible_collections.helmstack.core.plugins.module_utils import import_clusters

    options = import_clusters.ImportOptions.of(call.params)
    return import_clusters.imported(call.stack, options, workdir=call.workdir, guard=call.guard)


DEPLOY = ModuleDefinition(HELMSTACK, _deploy, patient=True)
SPRAY = ModuleDefinition(HELM_SPRAY, _deploy, on_target)
INFO = ModuleDefinition(HELMSTACK_INFO, _info)
TEMPLATE = ModuleDefinition(HELMSTACK_TEMPLATE, _template)
VALUES = ModuleDefinition(HELMSTACK_VALUES, _values)
LOCK = ModuleDefinition(HELMSTACK_LOCK, _lock)
BUNDLE = ModuleDefinition(HELMSTACK_BUNDLE, _bundle)
IMPORT = ModuleDefinition(HELMSTACK_IMPORT, _import, repositories_of)
