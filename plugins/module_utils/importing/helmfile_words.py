# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""helmfile's keys of a release and of ``helmDefaults``: which mean the same here, and what does the work of the others.

Source: helmfile 1.8, ReleaseSpec and HelmSpec of pkg/state/state.go.
"""

from __future__ import annotations

from collections.abc import Mapping

# helmfile's key -> the stack file's
SAME: Mapping[str, str] = {
    "atomic": "atomic",
    "createNamespace": "createNamespace",
    "devel": "devel",
    "force": "force",
    "historyMax": "historyMax",
    "keyring": "keyring",
    "postRenderer": "postRenderer",
    "recreatePods": "recreatePods",
    "reuseValues": "reuseValues",
    "rollbackOnFailure": "atomic",
    "skipCRDs": "skipCRDs",
    "skipSchemaValidation": "skipSchemaValidation",
    "timeout": "timeout",
    "verify": "verify",
    "wait": "wait",
    "waitForJobs": "waitForJobs",
}
# read elsewhere
READ = frozenset(
    """
    chart chartPath directory version name namespace description labels values secrets set setString needs installed
    condition hooks kubeContext missingFileHandler missingFileHandlerConfig valuesPathPrefix syncReleaseLabels
    """.split()
)
# helmstack does this in its own way: no note is needed
NEEDLESS = frozenset(
    """
    disableValidation disableValidationOnInstall disableOpenAPIValidation diffArgs suppressDiff suppressOutputLineRegex
    disableAutoDetectedKubeVersionForDiff skipDeps skipRefresh resolveOCIVersions trackMode trackTimeout trackLogs
    trackFailedLogs trackKinds skipKinds trackResources trackFailOnError kubedogQPS kubedogBurst helmStuckGrace
    waitRetries unitTests inherit templateArgs deleteTimeout
    """.split()
)
INSTEAD: Mapping[str, str] = {
    "adopt": "Helm takes over what bears its labels and annotations; the check names what another release owns",
    "apiVersions": "templates see the cluster's own APIs",
    "args": "name the option itself in helmDefaults or at the release",
    "cascade": "Helm deletes in the background",
    "cleanupOnFail": "on_failure: rollback takes all back that a failed run has changed",
    "deleteWait": "state: absent waits as wait says",
    "dependencies": "write a chart of your own that has the chart and these as dependencies",
    "enableDNS": "templates do not ask the DNS; give the address as a value",
    "env": "write set with ${VARIABLE}",
    "forceConflicts": "force: true or drift: correct take over what others have changed",
    "forceGoGetter": "write chart as docs/charts.md says",
    "forceNamespace": "write a post-renderer that sets the namespace",
    "insecureSkipTLSVerify": "write insecure: true at the repository",
    "jsonPatches": "write a post-renderer that runs kustomize, or ask the chart for a value",
    "kubeVersion": "templates see the cluster's own version",
    "plainHttp": "write plain_http: true at the repository",
    "postRendererArgs": "write a program that calls it with these",
    "serverSide": "Helm 4 goes on in the way in which a release was made; Helm 3 merges",
    "setTemplate": "write set",
    "strategicMergePatches": "write a post-renderer that runs kustomize, or ask the chart for a value",
    "syncArgs": "name the option itself in helmDefaults or at the release",
    "takeOwnership": "the check names the objects that belong to others; label and annotate them for the release",
    "transformers": "write a post-renderer that runs kustomize, or ask the chart for a value",
    "updateStrategy": "force: true deletes and makes anew what Kubernetes refuses to change",
    "valuesTemplate": "write values",
}
STATE_INSTEAD: Mapping[str, str] = {
    "apiVersions": INSTEAD["apiVersions"],
    "kubeVersion": INSTEAD["kubeVersion"],
    "lockFilePath": "helmstack_lock makes helmstack.lock",
}
REPOSITORY: Mapping[str, str] = {
    "username": "username",
    "caFile": "ca_file",
    "certFile": "cert_file",
    "keyFile": "key_file",
    "skipTLSVerify": "insecure",
    "plainHttp": "plain_http",
}
REPOSITORY_INSTEAD: Mapping[str, str] = {
    "registryConfig": "the task's registry_config names it",
    "managed": "log in with username and password, or with the task's registry_config",
    "verify": "write verify: true at its releases",
    "keyring": "write keyring at its releases",
    "passCredentials": "logins go to the repository's own server alone",
}
