# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a plan that a reviewer should read first: a table of plain rules; docs/risks.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart import semver
from ansible_collections.helmstack.core.plugins.module_utils.plan import risky
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan

DATA_LOSS, OUTAGE, ACCESS, DOWNGRADE, SECRET = "data-loss", "outage", "access", "downgrade", "secret"
KINDS_OF_RISK = (DATA_LOSS, OUTAGE, ACCESS, DOWNGRADE, SECRET)

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
_ROLES = ("ClusterRole", "Role")
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_GATES = (*_BINDINGS, *_WEBHOOKS, "NetworkPolicy")
_ADDED, _CHANGED, _GONE = ("add",), ("change", "replace"), ("remove",)
_LOST = ("remove", "replace")


@dataclass(frozen=True)
class Rule:
    """One rule: the objects' kinds, their change, and a condition; ``why`` is the message.

    :arg kinds: None: any.
    :arg ops: what happens to the object.
    :arg holds: the condition on the object before and after; a text that it gives replaces ``why``.
    """

    risk: str
    kinds: tuple[str, ...] | None
    ops: tuple[str, ...]
    why: str
    holds: Callable[[Any, Any], Any] = lambda before, after: True


_VOLUMES = ("PersistentVolumeClaim", "PersistentVolume")
RULES = (
    Rule(DATA_LOSS, _VOLUMES, _LOST, "the volume is deleted, and its data may be lost"),
    Rule(DATA_LOSS, ("Namespace",), _LOST, "the namespace is deleted with everything in it"),
    Rule(DATA_LOSS, ("CustomResourceDefinition",), _LOST, "all custom resources of this kind are deleted with it"),
    Rule(DATA_LOSS, None, _LOST, "a custom resource that requests storage is deleted", risky.custom_with_storage),
    Rule(
        DATA_LOSS,
        ("StatefulSet",),
        _CHANGED,
        "its volumeClaimTemplates change: new pods may begin with empty volumes",
        risky.other("spec", "volumeClaimTemplates"),
    ),
    Rule(
        DATA_LOSS,
        ("StatefulSet",),
        _LOST,
        "its volumes are deleted with it, as persistentVolumeClaimRetentionPolicy says",
        risky.deletes_claims,
    ),
    Rule(OUTAGE, None, ("replace",), "it is deleted and made anew"),
    Rule(OUTAGE, (*_WORKLOADS, "Service", "Ingress"), _GONE, "it is deleted, and its users find nothing"),
    Rule(OUTAGE, None, _CHANGED, "it is scaled to 0 replicas", risky.scaled_to_zero),
    Rule(OUTAGE, ("Service",), _CHANGED, "", risky.service_differs),
    Rule(OUTAGE, ("PodDisruptionBudget",), _LOST, "nothing keeps a drain from ending all its pods at once"),
    Rule(ACCESS, _GATES, _ADDED, "it is added"),
    Rule(ACCESS, _GATES, _GONE, "it is removed"),
    Rule(ACCESS, _BINDINGS, _CHANGED, "", risky.binding_widened),
    Rule(ACCESS, _ROLES, _CHANGED, "it allows more", risky.more_of("rules")),
    Rule(ACCESS, _WEBHOOKS, _CHANGED, "what it is called for, or who answers, changes", risky.webhooks_differ),
    Rule(ACCESS, ("NetworkPolicy",), _CHANGED, "what it lets through changes", risky.other("spec")),
    Rule(SECRET, ("Secret",), _GONE, "it is deleted, and pods that use it no longer start"),
    Rule(SECRET, ("Secret",), _CHANGED, "", risky.keys_gone),
)


def table(plan: Plan) -> list[dict[str, Any]]:
    """The risks of a plan, the worst kind first, else in the plan's order."""
    found = [risk for change in plan.changes if change.effective for risk in _of(change)]
    return sorted(found, key=lambda risk: KINDS_OF_RISK.index(risk["risk"]))


def _of(change: Change) -> Iterator[dict[str, Any]]:
    for item in change.objects:
        yield from _of_object(change, item)
    for why in _versions(change):
        yield {"risk": DOWNGRADE, "release": change.id, "object": None, "why": why}


def _of_object(change: Change, item: ObjectChange) -> Iterator[dict[str, Any]]:
    op, before, after = _happens(item), item.before or {}, item.after or {}
    for rule in RULES:
        if op not in rule.ops or (rule.kinds is not None and item.kind not in rule.kinds):
            continue
        told = rule.holds(before, after)
        if told:
            named = {"kind": item.kind, "namespace": item.namespace, "name": item.name}
            why = rule.why or str(told)
            yield {"risk": rule.risk, "release": change.id, "object": named, "why": why}


def _happens(item: ObjectChange) -> str:
    """The op; that a hook is made anew whenever it runs is its way, and what counts is whether it differs."""
    if item.op == "change" and item.before is None:  # it exists, and no release has it: its state before is unknown
        return "add"
    hook = item.op == "replace" and bool(item.hook)
    if not hook or item.before is None:
        return "" if hook else item.op
    return "change" if item.before != item.after else ""


def _versions(change: Change) -> Iterable[str]:
    """The message on the versions of chart and app; there is none if the chart is another one."""
    if change.chart is None or change.chart_from != change.chart.name:
        return
    for what, old, new in (
        ("chart version", change.version_from, change.chart.version),
        ("app version", change.app_version_from, change.chart.app_version),
    ):
        before, after = semver.parse(old or ""), semver.parse(new or "")
        if before is None or after is None:
            continue
        if after.key < before.key:
            yield f"the {what} goes back from {old} to {new}"
        elif after.release[0] > before.release[0]:
            yield f"the {what} jumps to another major one, from {old} to {new}"
