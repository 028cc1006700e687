# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule of the table fires, and does not where it should not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.mentions import Mentions
from ansible_collections.helmstack.core.plugins.module_utils.plan import risks
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import Change, ObjectChange, Plan


def obj(kind: str, api: str = "v1", hook: str = "", **fields: Any) -> dict[str, Any]:
    notes = {"annotations": {"helm.sh/hook": hook}} if hook else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", **notes}, **fields}


def told(op: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    kind = (before or after or {})["kind"]
    hook = frozenset(((after or {}).get("metadata", {}).get("annotations") or {}).values())
    item = ObjectChange(op, kind, "n", "x", before, after, hook=hook)
    plan = Plan("s", None, (Change("a", "n", "upgrade", objects=(item,)),), "d")
    return [f"{risk['risk']}: {risk['why']}" for risk in risks.table(plan)]


def spec(kind: str, **fields: Any) -> dict[str, Any]:
    return obj(kind, spec=fields)


def service(**fields: Any) -> dict[str, Any]:
    return spec("Service", **{"selector": {"app": "a"}, "ports": [{"port": 80, "targetPort": 8080}], **fields})


def binding(role: str = "view", *names: str, kind: str = "RoleBinding") -> dict[str, Any]:
    subjects = [{"kind": "ServiceAccount", "name": name} for name in names]
    return obj(kind, roleRef={"kind": "ClusterRole", "name": role}, subjects=subjects)


def webhook(policy: str, bundle: str) -> dict[str, Any]:
    return obj(
        "ValidatingWebhookConfiguration", webhooks=[{"failurePolicy": policy, "clientConfig": {"caBundle": bundle}}]
    )


CLAIMS = [{"metadata": {"name": "data"}, "spec": {"storageClassName": "slow"}}]
OTHER_CLAIMS = [{"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}]
DELETED = {"whenDeleted": "Delete"}
KAFKA = obj("Kafka", "kafka.strimzi.io/v1beta2", spec={"kafka": {"storage": {"type": "jbod"}}})
MONITOR = obj("ServiceMonitor", "monitoring.coreos.com/v1", spec={"selector": {}, "volumes": [{"name": "a"}]})
UNHOUSED = obj("Cluster", "postgresql.cnpg.io/v1", spec={"persistence": False, "pod": {"volumes": []}})

FIRES: list[tuple[str, Any, Any, list[str]]] = [
    ("remove", obj("PersistentVolumeClaim"), None, ["data-loss: the volume is deleted"]),
    ("remove", obj("PersistentVolume"), None, ["data-loss: the volume is deleted"]),
    ("remove", obj("Namespace"), None, ["data-loss: the namespace is deleted"]),
    ("remove", obj("CustomResourceDefinition"), None, ["data-loss: all custom resources"]),
    ("replace", obj("CustomResourceDefinition"), obj("CustomResourceDefinition"), ["data-loss: all", "outage: it is"]),
    ("remove", KAFKA, None, ["data-loss: a custom resource that requests storage is deleted"]),
    (
        "change",
        spec("StatefulSet", volumeClaimTemplates=CLAIMS),
        spec("StatefulSet", volumeClaimTemplates=OTHER_CLAIMS),
        ["data-loss: its volumeClaimTemplates change"],
    ),
    (
        "remove",
        spec("StatefulSet", volumeClaimTemplates=CLAIMS, persistentVolumeClaimRetentionPolicy=DELETED),
        None,
        ["data-loss: its volumes are deleted", "outage: it is deleted"],
    ),
    ("replace", obj("ConfigMap"), obj("ConfigMap", data={"a": "b"}), ["outage: it is deleted and made anew"]),
    ("remove", obj("Deployment"), None, ["outage: it is deleted"]),
    ("remove", obj("Service"), None, ["outage: it is deleted"]),
    ("change", spec("Deployment"), spec("Deployment", replicas=0), ["outage: it is scaled to 0 replicas"]),
    ("change", spec("Thing", replicas=3), spec("Thing", replicas=0), ["outage: it is scaled to 0 replicas"]),
    (
        "change",
        service(),
        service(type="NodePort"),
        ["outage: its type changes from ClusterIP to NodePort"],
    ),
    ("change", service(), service(selector={"app": "b"}), ["outage: its selector changes"]),
    ("change", service(), service(ports=[{"port": 81, "targetPort": 8080}]), ["outage: port 80/TCP goes"]),
    ("change", service(), service(ports=[{"port": 80, "targetPort": 9090}]), ["outage: port 80/TCP goes or leads"]),
    ("remove", obj("PodDisruptionBudget"), None, ["outage: nothing keeps a drain"]),
    ("add", None, binding(), ["access: it is added"]),
    ("add", None, obj("NetworkPolicy"), ["access: it is added"]),
    ("change", None, binding(), ["access: it is added"]),
    ("remove", binding(kind="ClusterRoleBinding"), None, ["access: it is removed"]),
    ("remove", webhook("Fail", "a"), None, ["access: it is removed"]),
    ("change", binding("view", "a"), binding("view", "a", "b"), ["access: it also holds for ServiceAccount b"]),
    ("change", binding("view"), binding("admin"), ["access: it gives ClusterRole admin instead of ClusterRole view"]),
    ("change", obj("Role", rules=[]), obj("Role", rules=[{"verbs": ["*"]}]), ["access: it allows more"]),
    ("change", webhook("Fail", "a"), webhook("Ignore", "b"), ["access: what it is called for"]),
    (
        "change",
        spec("NetworkPolicy", ingress=[]),
        spec("NetworkPolicy", ingress=[{}]),
        ["access: what it lets through changes"],
    ),
    ("remove", obj("Secret", data={"a": ""}), None, ["secret: it is deleted"]),
    ("change", obj("Secret", data={"a": "", "b": ""}), obj("Secret", stringData={"b": ""}), ["secret: its key a goes"]),
    (
        "replace",
        obj("Secret", hook="pre-upgrade", data={"a": "", "b": ""}),
        obj("Secret", hook="pre-upgrade", data={"b": ""}),
        ["secret: its key a goes"],
    ),
]

QUIET: list[tuple[str, Any, Any]] = [
    ("add", None, obj("PersistentVolumeClaim")),
    ("change", obj("PersistentVolumeClaim"), spec("PersistentVolumeClaim", storage="2Gi")),
    ("add", None, obj("Namespace")),
    ("change", obj("CustomResourceDefinition"), spec("CustomResourceDefinition", versions=[])),
    ("remove", MONITOR, None),
    ("remove", UNHOUSED, None),
    ("remove", obj("Lease", "coordination.k8s.io/v1", spec={"storage": "a"}), None),
    (
        "change",
        spec("StatefulSet", volumeClaimTemplates=CLAIMS),
        spec("StatefulSet", volumeClaimTemplates=CLAIMS, replicas=2),
    ),
    ("remove", obj("ConfigMap"), None),
    ("replace", obj("Job", hook="pre-upgrade"), obj("Job", hook="pre-upgrade", spec={"a": 1})),
    ("replace", None, obj("Job", hook="pre-install")),
    ("change", spec("Deployment", replicas=3), spec("Deployment", replicas=1)),
    ("change", spec("Deployment", replicas=0), spec("Deployment", replicas=0, paused=True)),
    ("change", service(), service(type="ClusterIP", ports=[{"port": 80, "targetPort": 8080}, {"port": 443}])),
    ("change", spec("Service", ports=[{"port": 80}]), spec("Service", ports=[{"port": 80, "targetPort": 80}])),
    ("add", None, obj("PodDisruptionBudget")),
    ("change", spec("PodDisruptionBudget"), spec("PodDisruptionBudget", minAvailable=1)),
    ("change", binding("view", "a", "b"), binding("view", "b")),
    ("add", None, obj("Role", rules=[{"verbs": ["*"]}])),
    ("change", obj("Role", rules=[{"verbs": ["*"]}]), obj("Role", rules=[])),
    ("change", webhook("Fail", "a"), webhook("Fail", "b")),
    ("change", obj("NetworkPolicy", spec={"ingress": []}), obj("NetworkPolicy", spec={"ingress": []}, more=1)),
    ("add", None, obj("Secret", data={"a": ""})),
    ("change", obj("Secret", data={"a": "1"}), obj("Secret", data={"a": "2"})),
]


@pytest.mark.parametrize(("op", "before", "after", "expected"), FIRES)
def test_a_rule_fires(op: str, before: Any, after: Any, expected: list[str]) -> None:
    found = told(op, before, after)
    assert len(found) == len(expected), found
    assert all(text.startswith(words) for text, words in zip(found, expected)), found


@pytest.mark.parametrize(("op", "before", "after"), QUIET)
def test_no_rule_fires(op: str, before: Any, after: Any) -> None:
    assert told(op, before, after) == []


def test_every_rule_of_the_table_has_a_case() -> None:
    fired = {words.split(": ", 1)[0] for case in FIRES for words in case[3]}
    assert fired | {risks.DOWNGRADE} == set(risks.KINDS_OF_RISK)
    for rule in risks.RULES:
        cases = [case for case in FIRES if rule.kinds is None or (case[1] or case[2])["kind"] in rule.kinds]
        assert any(text.startswith(f"{rule.risk}: {rule.why}"[:20]) for case in cases for text in told(*case[:3])), rule


def upgraded(before: tuple[str, str | None], after: tuple[str, str | None], name: str = "web") -> list[str]:
    chart = Chart("./c", "/c", "web", after[0], after[1], "d", Mentions())
    change = Change(
        "a", "n", "upgrade", chart=chart, chart_from=name, version_from=before[0], app_version_from=before[1]
    )
    return [risk["why"] for risk in risks.table(Plan("s", None, (change,), "d"))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("1.2.0", None), ("1.1.0", None), ["the chart version goes back from 1.2.0 to 1.1.0"]),
        (("1.2.0", "2.0"), ("1.3.0", "1.9"), ["the app version goes back from 2.0 to 1.9"]),
        (("1.2.0", "1"), ("2.0.0", "3"), ["the chart version jumps", "the app version jumps"]),
        (("1.0.0", "1"), ("1.0.0-rc1", "1"), ["the chart version goes back"]),
        (("1.2.0", "1"), ("1.3.0", "1.1"), []),
        (("1.2.0", "latest"), ("1.3.0", "stable"), []),
    ],
)
def test_versions_that_go_back_or_jump_are_told(before: Any, after: Any, expected: list[str]) -> None:
    found = upgraded(before, after)
    assert len(found) == len(expected)
    assert all(text.startswith(words) for text, words in zip(found, expected))


def test_the_version_of_another_chart_says_nothing() -> None:
    assert upgraded(("9.0.0", "9"), ("1.0.0", "1"), name="other") == []


def test_what_is_not_touched_is_no_risk_and_the_worst_comes_first() -> None:
    gone = ObjectChange("remove", "PersistentVolumeClaim", "n", "x", obj("PersistentVolumeClaim"))
    secret = ObjectChange("remove", "Secret", "n", "s", obj("Secret"))
    drifted = Change("a", "n", "unchanged", reasons=("drift",), objects=(gone,))
    changes = (drifted, Change("b", "n", "uninstall", objects=(secret, gone)))
    found = risks.table(Plan("s", None, changes, "d"))
    assert [(risk["risk"], risk["release"]) for risk in found] == [("data-loss", "n/b"), ("secret", "n/b")]
    assert found[0]["object"] == {"kind": "PersistentVolumeClaim", "namespace": "n", "name": "x"}
