# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of ten charts that are used most: what in them makes it hard to say that nothing changes.

Each has a few of the public chart's objects and all of its habits: passwords that a lookup keeps, checksums over them,
certificates that are made anew with each render, hooks, definitions, claims, webhooks that others complete, switches by
what the cluster serves, sub-charts with conditions, a library chart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness import Workspace

TEN = "redis postgresql rabbitmq nginx keycloak mongodb argo-cd cert-manager prometheus kube-prometheus-stack".split()

# As Bitnami's library chart: a password stays what it is once its Secret is there; an upgrade that lacks it stops.
_LIBRARY = """\
{{- define "common.name" -}}{{ .Release.Name }}-{{ .Chart.Name }}{{- end }}
{{- define "common.match" -}}
{"app.kubernetes.io/name": {{ quote .Chart.Name }}, "app.kubernetes.io/instance": {{ quote .Release.Name }}}
{{- end }}
{{- define "common.labels" -}}
{"app.kubernetes.io/name": {{ quote .Chart.Name }}, "app.kubernetes.io/instance": {{ quote .Release.Name }},
 "app.kubernetes.io/managed-by": {{ quote .Release.Service }},
 "app.kubernetes.io/version": {{ quote .Chart.AppVersion }}, "helm.sh/chart": "{{ .Chart.Name }}-{{ .Chart.Version }}"}
{{- end }}
{{- define "common.password" -}}
{{- $data := (lookup "v1" "Secret" .context.Release.Namespace .secret).data }}
{{- if $data }}
{{- if not (hasKey $data .key) }}{{ fail (printf "PASSWORDS ERROR: the secret %s lacks %s" .secret .key) }}{{ end }}
{{- index $data .key }}
{{- else if .given }}{{ .given | b64enc }}
{{- else if .context.Release.IsUpgrade }}{{ fail "PASSWORDS ERROR: you must provide your current passwords" }}
{{- else }}{{ randAlphaNum 10 | b64enc }}{{ end }}
{{- end }}
{{- define "common.pod" -}}
{"containers": [{"name": "main", "image": "registry.invalid/{{ .Chart.Name }}:{{ .Chart.AppVersion }}",
 "resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1024Mi"}}}]}
{{- end }}
{{- define "common.webhook" -}}
{"name": "hook.example.org", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Ignore",
 "clientConfig": {"service": {"name": "{{ include "common.name" . }}", "namespace": {{ quote .Release.Namespace }}}
 {{- with .bundle }}, "caBundle": {{ quote . }}{{ end }}},
 "rules": [{"apiGroups": ["PREFIX.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"],
 "resources": ["nothings"]}]}
{{- end }}
"""
_PASSWORDS = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ $name }}", labels: {{ include "common.labels" . }}}
data:
{{- range $key, $given := .Values.auth }}
  {{ $key }}: {{ include "common.password" (dict "secret" $name "key" $key "given" $given "context" $) | quote }}
{{- end }}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: "{{ $name }}", labels: {{ include "common.labels" . }}}
spec: {ports: [{name: tcp, port: 80, targetPort: 8080}], selector: {{ include "common.match" . }}}
"""
_WORKLOAD = """\
apiVersion: apps/v1
kind: KIND
metadata: {name: "{{ $name }}", labels: {{ include "common.labels" . }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {{ include "common.match" . }}}
  template:
    metadata:
      labels: {{ include "common.labels" . }}
      annotations: {ANNOTATIONS}
    spec: {{ include "common.pod" . }}
"""
_CLAIMS = """\
  serviceName: "{{ $name }}"
  volumeClaimTemplates:
    - metadata: {name: data, labels: {{ include "common.match" . }}}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ $name }}", labels: {{ include "common.labels" . }}}
data:
  settings.conf: |
    {{- toYaml .Values.settings | nindent 4 }}
"""
_OF_CONFIG = """"checksum/config": '{{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}'"""
_OF_SECRET = """"checksum/secret": '{{ include (print $.Template.BasePath "/secrets.yaml") . | sha256sum }}'"""
_KEPT_TLS = """\
{{- $data := (lookup "v1" "Secret" .Release.Namespace (print $name "-tls")).data | default dict }}
{{- $ca := genCA "internal-ca" 365 }}
{{- $cert := genSignedCert $name nil (list $name) 365 $ca }}
apiVersion: v1
kind: Secret
metadata: {name: "{{ $name }}-tls"}
type: kubernetes.io/tls
data:
  tls.crt: {{ get $data "tls.crt" | default (b64enc $cert.Cert) | quote }}
  tls.key: {{ get $data "tls.key" | default (b64enc $cert.Key) | quote }}
  ca.crt: {{ get $data "ca.crt" | default (b64enc $ca.Cert) | quote }}
"""
# Another certificate with each render, and in the webhook that trusts it as well.
_NEW_TLS = """\
{{- $ca := genCA "webhook-ca" 365 }}
{{- $cert := genSignedCert $name nil (list (printf "%s.%s.svc" $name .Release.Namespace)) 365 $ca }}
apiVersion: v1
kind: Secret
metadata: {name: "{{ $name }}-webhook"}
type: kubernetes.io/tls
data: {tls.crt: "{{ b64enc $cert.Cert }}", tls.key: "{{ b64enc $cert.Key }}"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: "PREFIX-{{ $name }}"}
webhooks: [{{ include "common.webhook" (merge (dict "bundle" (b64enc $ca.Cert)) .) }}]
"""
# Completed by a hook's job, or by a controller, once it is there.
_WEBHOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: "PREFIX-{{ $name }}"}
webhooks: [{{ include "common.webhook" . }}]
"""
_DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PREFIXPLURAL.PREFIX.example.org, annotations: {helm.sh/resource-policy: keep}}
spec:
  group: PREFIX.example.org
  scope: Namespaced
  names: {plural: PREFIXPLURAL, singular: onePLURAL, kind: KindOfPLURAL}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ $name }}-job"
  annotations: {helm.sh/hook: "EVENTS", helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: "registry.invalid/job:1"}]}}}
"""
_SWITCHED = """\
{{- if .Capabilities.APIVersions.Has "monitoring.example.org/v1" }}{{ fail "nobody serves this" }}{{ end }}
{{- if semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "{{ $name }}"}
spec: {maxUnavailable: 1, selector: {matchLabels: {{ include "common.match" . }}}}
{{- end }}
"""
_RUNTIME_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ $name }}-runtime"}
type: Opaque
"""
# As Grafana's: the password is looked up, and a checksum over the data is among the pods' annotations.
_GRAFANA = """\
{{- define "grafana.data" -}}
{{- $data := (lookup "v1" "Secret" .Release.Namespace (include "common.name" .)).data }}
admin-user: {{ b64enc "admin" | quote }}
admin-password: {{ if $data }}{{ index $data "admin-password" }}{{ else }}{{ randAlphaNum 40 | b64enc }}{{ end }}
{{- end }}
"""
_GRAFANA_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ $name }}"}
data: {{- include "grafana.data" . | nindent 2 }}
"""


def _workload(kind: str = "Deployment", *annotations: str) -> str:
    text = _WORKLOAD.replace("KIND", kind).replace("ANNOTATIONS", ", ".join(annotations))
    return text + (_CLAIMS if kind == "StatefulSet" else "")


def _job(events: str) -> str:
    return _JOB.replace("EVENTS", events)


def write_ten(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Puts the charts below charts/; returns what a user gives each of them."""
    stateful, kept = _workload("StatefulSet", _OF_CONFIG), _workload("StatefulSet", _OF_CONFIG, _OF_SECRET)
    database = {"secrets": _PASSWORDS, "config": _CONFIG, "service": _SERVICE}
    passwords = {"root-password": "", "replication-password": "", "given": "Tr0ub4dor"}
    of_grafana = """"checksum/secret": '{{ include "grafana.data" . | sha256sum }}'"""
    crds = {"crds/monitors.yaml": _DEFINITION.replace("PLURAL", "monitors")}
    charts = _Charts(workspace)
    charts.put("redis", {**database, "workload": stateful}, auth=passwords)
    charts.put("postgresql", {**database, "workload": stateful, "pdb": _SWITCHED}, auth=passwords)
    charts.put("rabbitmq", {**database, "workload": kept}, auth={"password": "", "erlang-cookie": ""})
    charts.put("nginx", {"tls": _KEPT_TLS, "workload": _workload(), "service": _SERVICE})
    charts.put("keycloak", {**database, "workload": kept}, auth={"admin-password": ""}, subs=["postgresql"])
    waiting = _job("post-install,post-upgrade")
    charts.put("mongodb", {**database, "workload": stateful, "job": waiting}, auth={"replica-set-key": ""})
    argo = {"config": _CONFIG, "workload": _workload("Deployment", _OF_CONFIG), "pdb": _SWITCHED, "tls": _NEW_TLS}
    argo |= {"crd": _DEFINITION.replace("PLURAL", "applications"), "job": _job("pre-install,pre-upgrade")}
    charts.put("argo-cd", {**argo, "runtime": _RUNTIME_SECRET})
    cert = {"crd": _DEFINITION.replace("PLURAL", "certificates"), "webhook": _WEBHOOK, "job": _job("post-install")}
    charts.put("cert-manager", {**cert, "workload": _workload()})
    charts.put("alertmanager", {"config": _CONFIG, "workload": stateful})
    charts.put("prometheus", {"config": _CONFIG, "workload": _workload()}, subs=["alertmanager"])
    grafana = {"_data.tpl": _GRAFANA, "secret": _GRAFANA_SECRET, "workload": _workload("Deployment", of_grafana)}
    charts.put("grafana", grafana)
    operator = {"webhook": _WEBHOOK, "job": _job("pre-install,pre-upgrade"), "workload": _workload()}
    charts.put("kube-prometheus-stack", operator, subs=["grafana"], files=crds)
    return {
        **{name: {} for name in ("redis", "rabbitmq", "nginx", "cert-manager")},
        "postgresql": {"auth": {"given": "pass:word"}, "replicas": 2},
        "keycloak": {"postgresql": {"replicas": 1, "auth": {"root-password": "known-Word-1"}}},
        "mongodb": {"settings": {"size": 356136738, "ratio": 0.5, "text": "y", "on": True}},
        "argo-cd": {"settings": {"url": "https://argo.example.org"}, "replicas": 2},
        "prometheus": {"alertmanager": {"enabled": False}},
        "kube-prometheus-stack": {"grafana": {"replicas": 1}},
    }


class _Charts:
    """Names of what belongs to no namespace begin with the workspace's prefix."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.written: dict[str, dict[str, str]] = {}

    def put(
        self,
        name: str,
        templates: Mapping[str, str],
        auth: Mapping[str, str] | None = None,
        subs: list[str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        needs = [{"name": sub, "version": "1.x.x", "condition": f"{sub}.enabled"} for sub in subs or ()]
        meta = {"appVersion": "1.2.3", "dependencies": [*needs, {"name": "common", "version": "2.x.x"}]}
        values = {"replicas": 1, "auth": auth or {}, "settings": {"log": "info"}}
        put = {**(files or {}), "values.yaml": json.dumps({**values, **{sub: {"enabled": True} for sub in subs or ()}})}
        for key, text in templates.items():
            begin = "" if key.endswith(".tpl") else '{{- $name := include "common.name" . }}\n'
            put[f"templates/{key if '.' in key else f'{key}.yaml'}"] = begin + text
        library = {"apiVersion": "v2", "name": "common", "version": "2.0.0", "type": "library"}
        put |= {"charts/common/Chart.yaml": json.dumps(library), "charts/common/templates/_all.tpl": _LIBRARY}
        put = {key: text.replace("PREFIX", self.workspace.prefix) for key, text in put.items()}
        for sub in subs or ():
            put |= {f"charts/{sub}/{key}": text for key, text in self.written[sub].items()}
        self.workspace.chart(name, "1.0.0", put, **meta)
        chart = json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0", **meta})
        self.written[name] = {**put, "Chart.yaml": chart}
