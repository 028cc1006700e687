# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How helm is called, and what its words become. The outputs were recorded with Helm 3.22.0 and 4.3.1."""

from __future__ import annotations

import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import (
    RollbackArgs,
    TemplateArgs,
    UninstallArgs,
    UpgradeArgs,
    rollback_options,
    uninstall_options,
    upgrade_options,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.environment import environment
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure, warnings_in, words
from ansible_collections.helmstack.core.plugins.module_utils.helm.version import HelmVersion

DEBUG = "\n\nUse --debug flag to render out invalid YAML\n"
NIL = "<.Values.x.y.z>: nil pointer evaluating interface {}.y"

FAILURES = [
    (
        "3: a template error",
        f'Error: template: web/templates/cm.yaml:5:15: executing "web/templates/cm.yaml" at {NIL}{DEBUG}',
        f'web/templates/cm.yaml:5:15: executing "web/templates/cm.yaml" at {NIL}',
    ),
    (
        "4: a template error on several lines",
        'Error: web/templates/cm.yaml:2:6\n  executing "web/templates/cm.yaml" at <include "n" .>:\n'
        '    error calling include:\nweb/templates/_h.tpl:2:10\n  executing "n" at <.Values.x.y.z>:\n'
        f"    nil pointer evaluating interface {{}}.y{DEBUG}",
        'web/templates/cm.yaml:2:6 executing "web/templates/cm.yaml" at <include "n" .>: error calling include: '
        f'web/templates/_h.tpl:2:10 executing "n" at {NIL}',
    ),
    (
        "3 and 4: a parse error",
        f"Error: parse error at (web/templates/cm.yaml:1): missing value for if{DEBUG}",
        "parse error at (web/templates/cm.yaml:1): missing value for if",
    ),
    (
        "3 and 4: fail with several lines",
        f"Error: execution error at (web/templates/cm.yaml:1:51): PASSWORDS ERROR: \n   second line{DEBUG}",
        "execution error at (web/templates/cm.yaml:1:51): PASSWORDS ERROR:\n   second line",
    ),
    (
        "3: log lines before the error",
        "coalesce.go:237: warning: destination for web.a is a table. Ignoring non-table value (s3cret\nmore)\n"
        "Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n",
        "cannot re-use a name that is still in use",
    ),
    (
        "4: log lines before the error",
        'level=WARN msg="upgrade failed" name=web error="resource not ready"\n'
        "Error: UPGRADE FAILED: resource not ready, name: web, kind: Deployment\n",
        "resource not ready, name: web, kind: Deployment",
    ),
    (
        "a URL with credentials",
        "Error: failed to fetch https://me:s3cret@charts.example.org/a.tgz : 404 Not Found\n",
        "failed to fetch https://charts.example.org/a.tgz : 404 Not Found",
    ),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("stderr", "expected"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_words_are_helms_own_without_decoration(stderr: str, expected: str) -> None:
    assert words(stderr) == expected


WARNINGS = [
    (
        "3: a value that is no table",
        "coalesce.go:237: warning: skipped value for coal.sub.c: Not a table.\n",
        ["skipped value for coal.sub.c: Not a table."],
    ),
    (
        "4: a value that is no table",
        'level=INFO msg="warning: skipped value for coal.c: Not a table."\n',
        ["skipped value for coal.c: Not a table."],
    ),
    (
        "the value itself is left out, and its further lines",
        "coalesce.go:319: warning: destination for web.a is a table. Ignoring non-table value (s3cret\nwarn s3cret2)\n"
        "coalesce.go:316: warning: cannot overwrite table with non table for web.b (map[c:s3cret])\n",
        [
            "destination for web.a is a table. Ignoring non-table value",
            "cannot overwrite table with non table for web.b",
        ],
    ),
    (
        "the value itself is left out of structured logs",
        'level=INFO msg="warning: cannot overwrite table with non table for web.b (map[c:\\"s3cret\\"])"\n',
        ["cannot overwrite table with non table for web.b"],
    ),
    (
        "the API server's warnings",
        'W1121 12:00:00.000000   12345 warnings.go:70] unknown field "spec.foo"\n'
        "I1121 12:00:00.000000   12345 request.go:700] Waited for 1s\n",
        ['unknown field "spec.foo"'],
    ),
    ("4: a deprecation", 'level=WARN msg="this chart is deprecated"\n', ["this chart is deprecated"]),
    ("3: a deprecation", "WARNING: This chart is deprecated\n", ["This chart is deprecated"]),
    (
        "noise",
        "walk.go:75: found symbolic link in path: /a resolves to /b. Contents of linked file included and used\n"
        'level=INFO msg="found symbolic link in path. Contents of linked file included and used" path=/a\n'
        "WARNING: Kubernetes configuration file is group-readable. This is insecure. Location: /x\n"
        "level=DEBUG msg=x\n",
        [],
    ),
    ("the same twice", "WARNING: a\nWARNING: a\n", ["a"]),
]


@pytest.mark.parametrize(("stderr", "expected"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS])
def test_warnings_are_told_without_values(stderr: str, expected: list[str]) -> None:
    assert warnings_in(stderr) == expected


EVERYTHING = UpgradeArgs(
    release="web",
    namespace="shop",
    chart="/charts/web",
    values=("/v/1.yaml", '/v/a,"b.yaml'),
    wait=True,
    wait_for_jobs=True,
    timeout=60,
    atomic=True,
    create_namespace=True,
    history_max=3,
    disable_hooks=True,
    skip_crds=True,
    reuse_values=True,
    reset_values=True,
    post_renderer="kustomize",
    description="why",
    labels={"b": "2", "a": "1"},
    disable_openapi_validation=True,
)
COMMON = ["--namespace", "shop", "--timeout", "60s", "--history-max", "3", "--values", "/v/1.yaml"]
COMMON += ["--values", '"/v/a,""b.yaml"', "--wait", "--wait-for-jobs"]
REST = ["--create-namespace", "--no-hooks", "--skip-crds", "--reuse-values", "--reset-values"]
REST += ["--disable-openapi-validation"]
LAST = ["--post-renderer", "kustomize", "--description", "why", "--labels", "a=1,b=2"]


@pytest.mark.parametrize(
    ("major", "own"),
    [(3, ["--atomic"]), (4, ["--rollback-on-failure"])],
)
def test_each_helm_gets_its_own_flags(major: int, own: list[str]) -> None:
    assert upgrade_options(EVERYTHING, major) == [*COMMON, *own, *REST, *LAST]


@pytest.mark.parametrize("major", [3, 4])
def test_what_is_new_is_said_nothing_of_that_was_before(major: int) -> None:
    left_out = {"--history-max", "3", "--reuse-values", "--reset-values"}
    expected = [word for word in upgrade_options(EVERYTHING, major) if word not in left_out]
    assert upgrade_options(replace(EVERYTHING, there=False), major) == expected


def test_nothing_asked_is_nothing_said() -> None:
    options = upgrade_options(UpgradeArgs("web", "shop", "/c"), 4)
    assert options == ["--namespace", "shop", "--timeout", "300s", "--history-max", "10"]


def test_a_rollback_has_its_flags() -> None:
    args = RollbackArgs("web", "shop", 2, True, True, 60, True, 3)
    common = ["--namespace", "shop", "--timeout", "60s", "--history-max", "3"]
    assert rollback_options(args) == [*common, "--wait", "--wait-for-jobs", "--no-hooks"]
    assert rollback_options(RollbackArgs("web", "shop", 2)) == [*common[:3], "300s", "--history-max", "10"]


def test_an_uninstall_has_its_flags() -> None:
    common = ["--ignore-not-found", "--namespace", "shop", "--timeout", "60s"]
    args = UninstallArgs("web", "shop", True, 60, True, True)
    assert uninstall_options(args) == [*common, "--wait", "--no-hooks", "--keep-history"]
    assert uninstall_options(UninstallArgs("web", "shop", timeout=60)) == common


def test_only_our_own_cluster_and_settings_reach_helm() -> None:
    users = {
        "PATH": "/bin",
        "HOME": "/users/me",
        "HELM_DEBUG": "true",
        "HELM_NAMESPACE": "other",
        "HELM_KUBETOKEN": "s3cret",
        "HELM_CACHE_HOME": "/users/me/cache",
        "HELM_REPOSITORY_CONFIG": "/users/me/repositories.yaml",
        "HELM_DRIVER": "configmap",
        "DOCKER_CONFIG": "/users/me/.docker",
        "KUBECONFIG": "/users/me/.kube/config",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    assert environment(users, "/run/h", "/run/kubeconfig") == {
        "PATH": "/bin",
        "HOME": "/users/me",
        "HELM_DRIVER": "configmap",
        "DOCKER_CONFIG": "/run/h/docker",
        "HELM_CACHE_HOME": "/run/h/cache",
        "HELM_CONFIG_HOME": "/run/h/config",
        "HELM_DATA_HOME": "/run/h/data",
        "HELM_PLUGINS": "/users/me/.local/share/helm/plugins",
        "KUBECONFIG": "/run/kubeconfig",
        "NO_COLOR": "1",
    }


def test_without_a_kubeconfig_no_cluster_is_in_reach() -> None:
    ours = environment({"KUBERNETES_MASTER": "http://10.0.0.1"}, "/run/h", None)
    assert ours["KUBECONFIG"] == "/run/h/no-kubeconfig"
    assert ours["KUBERNETES_MASTER"] == "http://127.0.0.1:0"


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({"HELM_PLUGINS": "/p", "HELM_DATA_HOME": "/d", "HOME": "/h"}, "/p"),
        ({"HELM_DATA_HOME": "/d", "XDG_DATA_HOME": "/x", "HOME": "/h"}, "/d/plugins"),
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/helm/plugins"),
        ({"HOME": "/h"}, "/h/.local/share/helm/plugins"),
    ],
)
def test_the_users_plugins_stay_in_reach(users: dict[str, str], expected: str) -> None:
    assert environment(users, "/run/h", None)["HELM_PLUGINS"] == expected


def program(folder: Path, script: str) -> str:
    """A stand-in for helm: a shell script."""
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_missing_helm_names_where_it_was_looked_for(tmp_path: Path) -> None:
    helm = Helm(None, str(tmp_path / "home"), None, environ={"PATH": "/nowhere"})
    with pytest.raises(HelmError) as caught:
        helm.version()
    assert str(caught.value) == (
        "the program 'helm' is not found in PATH (/nowhere). "
        "Install Helm 3.14 or later, or say with binary_path where it is"
    )


def test_a_missing_path_is_named_alone(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match=r"the program ./nowhere/helm. is not found\. Install"):
        Helm("/nowhere/helm", str(tmp_path / "home"), None).version()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("v3.13.3", "is Helm 3.13.3, but 3.14 or later is needed"),
        ("v2.17.0", "is Helm 2.17.0, but 3.14 or later is needed"),
        ("usage: helm", "does not say its version as Helm does: 'usage: helm'"),
        ("", "does not say its version as Helm does: ''"),
    ],
)
def test_an_unfit_helm_is_told(tmp_path: Path, said: str, expected: str) -> None:
    helm = Helm(program(tmp_path, f"echo '{said}'"), str(tmp_path / "home"), None)
    with pytest.raises(HelmError) as caught:
        helm.version()
    assert expected in str(caught.value)


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    helm = Helm(program(tmp_path, "echo v4.3.1+gabc"), str(tmp_path / "home"), None)
    assert [helm.version(), helm.version()] == [HelmVersion(4, 3, 1)] * 2
    assert helm.version().text == "4.3.1"
    assert helm.processes == 1


def test_many_threads_ask_the_version_once(tmp_path: Path) -> None:
    helm = Helm(program(tmp_path, "sleep 0.1; echo v4.3.1"), str(tmp_path / "home"), None)
    threads = [threading.Thread(target=helm.version) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert helm.processes == 1


def test_a_known_binary_is_not_asked_again_until_it_changes(tmp_path: Path) -> None:
    binary, cache = program(tmp_path, "echo v4.3.1"), str(tmp_path / "cache")
    assert Helm(binary, str(tmp_path / "one"), None, cache=cache).version().text == "4.3.1"
    second = Helm(binary, str(tmp_path / "two"), None, cache=cache)
    assert (second.version().text, second.processes) == ("4.3.1", 0)
    program(tmp_path, "echo v3.22.0 # another size")
    assert Helm(binary, str(tmp_path / "three"), None, cache=cache).version().text == "3.22.0"


def test_a_failure_names_release_chart_and_the_users_file(tmp_path: Path) -> None:
    helm = Helm(
        program(tmp_path, "echo 'Error: failed to parse /run/v/1.yaml: line 2' >&2; exit 1"), str(tmp_path), None
    )
    args = TemplateArgs("web", "shop", "/c/web-1.0.0.tgz", names={"/run/v/1.yaml": "values/dev.yaml"})
    with pytest.raises(HelmFailure) as caught:
        helm.template(args)
    assert str(caught.value) == (
        "release shop/web (chart web-1.0.0) cannot be rendered: failed to parse values/dev.yaml: line 2"
    )
    assert caught.value.code == 1


def test_a_silent_failure_still_says_something(tmp_path: Path) -> None:
    helm = Helm(program(tmp_path, "exit 3"), str(tmp_path / "home"), None)
    with pytest.raises(HelmFailure, match="release n/r cannot be uninstalled: helm ended with exit code 3"):
        helm.uninstall(UninstallArgs("r", "n"))


def test_an_upgrade_returns_the_revision(tmp_path: Path) -> None:
    script = 'case $1 in version) echo v3.22.0;; *) echo \'{"name": "web", "version": 7}\';; esac'
    helm = Helm(program(tmp_path, script), str(tmp_path / "home"), None)
    assert helm.upgrade(UpgradeArgs("web", "shop", "/c")).revision == 7


@pytest.mark.parametrize(
    ("there", "command"),
    [(False, "install --output"), (True, "upgrade --output"), (None, "upgrade --install --output")],
)
def test_an_upgrade_says_what_helm_has_stored(tmp_path: Path, there: bool | None, command: str) -> None:
    script = 'case $1 in version) echo v4.3.1;; *) echo "{\\"version\\": 1, \\"manifest\\": \\"$1 $2 $3\\"}";; esac'
    helm = Helm(program(tmp_path, script), str(tmp_path / "home"), None)
    manifest = helm.upgrade(UpgradeArgs("web", "shop", "/c", there=there)).manifest
    assert manifest is not None
    assert manifest.startswith(command)


def test_an_answer_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    helm = Helm(program(tmp_path, "echo v3.22.0"), str(tmp_path / "home"), None)
    with pytest.raises(HelmError, match="helm's answer is not JSON"):
        helm.upgrade(UpgradeArgs("web", "shop", "/c"))


def test_warnings_are_handed_to_the_caller(tmp_path: Path) -> None:
    script = 'case $1 in version) echo v3.22.0;; *) echo "WARNING: old" >&2; echo \'{"version": 7}\';; esac'
    helm = Helm(program(tmp_path, script), str(tmp_path / "home"), None)
    assert helm.upgrade(UpgradeArgs("r", "n", "/c")).warnings == ("old",)
    assert helm.uninstall(UninstallArgs("r", "n")) == ("old",)
    assert helm.rollback(RollbackArgs("r", "n", 1)) == ("old",)


UNABLE = (
    "Hang tight while we grab the latest from your chart repositories...\n"
    '...Unable to get an update from the "bad" chart repository (https://u:p@x.example.org):\n'
    "\tfailed to fetch https://u:p@x.example.org/index.yaml : 401 Unauthorized\n"
)


@pytest.mark.parametrize(
    ("said", "error", "code", "expected"),
    [
        (UNABLE + "Update Complete.", "", 0, "failed to fetch https://x.example.org/index.yaml : 401 Unauthorized"),
        (UNABLE, "Error: failed to update", 1, "failed to fetch https://x.example.org/index.yaml : 401 Unauthorized"),
        ("", "Error: could not find protocol handler for: ftp", 1, "could not find protocol handler for: ftp"),
        ("", "", 2, "helm ended with exit code 2"),
        ('...Successfully got an update from the "bad" chart repository', "", 0, ""),
    ],
    ids=["3", "4", "before it starts", "silent", "success"],
)
def test_a_repository_that_fails_says_why(tmp_path: Path, said: str, error: str, code: int, expected: str) -> None:
    (tmp_path / "out").write_text(said)
    (tmp_path / "err").write_text(error)
    script = f"cat {tmp_path}/out; cat {tmp_path}/err >&2; exit {code}"
    assert Helm(program(tmp_path, script), str(tmp_path / "home"), None).repo_update("bad") == expected


@pytest.mark.parametrize(("command", "ended"), [("pull", ("was interrupted", 130)), ("uninstall", ("at its end", 3))])
def test_running_helms_are_interrupted_but_for_those_that_do_not_heed_it(
    tmp_path: Path, command: str, ended: tuple[str, int]
) -> None:
    end = "echo Error: at its end >&2; exit 3"
    script = f"trap 'echo Error: was interrupted >&2; exit 130' INT\ntouch {tmp_path}/up; sleep 0.5; {end}"
    helm = Helm(program(tmp_path, script), str(tmp_path / "home"), None)
    failures: list[HelmFailure] = []

    def run() -> None:
        try:
            helm.uninstall(UninstallArgs("r", "n")) if command == "uninstall" else helm.pull("r", "f")
        except HelmFailure as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    while not (tmp_path / "up").exists():
        time.sleep(0.01)
    helm.terminate_all()
    thread.join(20)
    assert [(failure.words, failure.code) for failure in failures] == [ended]


def test_the_home_is_private(tmp_path: Path) -> None:
    Helm(None, str(tmp_path / "home"), None)
    assert stat.S_IMODE(os.stat(tmp_path / "home").st_mode) == 0o700


def test_a_plugin_that_helm_4_leaves_out_is_told_with_its_file_and_line() -> None:
    stderr = (
        'level=WARN msg="failed to load plugin (ignoring)" plugin_yaml=/p/bad/plugin.yaml '
        'error="failed to load plugin \\"/p/bad\\": yaml: unmarshal errors:\\n  line 5: field bogus not found"\n'
    )
    said = "/p/bad/plugin.yaml is left out: yaml: unmarshal errors: line 5: field bogus not found"
    assert warnings_in(stderr) == [said]
    failed = words(stderr * 2 + 'Error: invalid argument "bad" for "--post-renderer" flag: plugin not found\n')
    assert failed.splitlines()[0].endswith("plugin not found")
    assert failed.splitlines()[1:] == [said]
