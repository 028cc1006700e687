"""What the local control plane promises to the tests that stand on it."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cluster_components
from chart_repository import ChartRepository
from cluster import Cluster, ClusterError, Unlucky
from cluster_api import Api, ApiError, Object
from cluster_binaries import helm
from cluster_processes import end, free_ports, running

pytestmark = pytest.mark.integration

PODS = "/api/v1/namespaces/default/pods"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
CONTAINERS = [{"name": "main", "image": "example.org/main:1"}]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster") / "one").start(audit=True) as started:
        yield started


@pytest.fixture
def api(cluster: Cluster) -> Api:
    return cluster.api()


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def name(numbers: Iterator[int]) -> str:
    return f"test-{next(numbers)}"


def metadata(name: str, **annotations: str) -> Object:
    return {"name": name, "annotations": {f"helmstack.test/{key}": value for key, value in annotations.items()}}


def pod(name: str, **annotations: str) -> Object:
    return {"metadata": metadata(name, **annotations), "spec": {"containers": CONTAINERS}}


def deployment(name: str) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": CONTAINERS}}
    return {
        "metadata": metadata(name),
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }


def job(name: str, **annotations: str) -> Object:
    template = pod(name, **annotations)
    template["spec"]["restartPolicy"] = "Never"
    return {"metadata": metadata(name), "spec": {"backoffLimit": 0, "template": template}}


def claim(name: str, storage_class: str = "kwok", **annotations: str) -> Object:
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": storage_class}
    return {"metadata": metadata(name, **annotations), "spec": spec}


def is_true(condition: str) -> Callable[[Object], bool]:
    return lambda found: has_condition(found, condition, "True")


def has_condition(found: Object, kind: str, status: str) -> bool:
    conditions = found.get("status", {}).get("conditions", [])
    return any(condition["type"] == kind and condition["status"] == status for condition in conditions)


def waits_for(reason: str) -> Callable[[Object], bool]:
    def check(found: Object) -> bool:
        states = [status["state"] for status in found["status"].get("containerStatuses", [])]
        return any(state.get("waiting", {}).get("reason") == reason for state in states)

    return check


def may_list_pods(api: Api) -> bool:
    try:
        api.get(PODS)
    except ApiError:
        return False
    return True


def test_deployment_becomes_available(api: Api, name: str) -> None:
    api.create(DEPLOYMENTS, deployment(name))
    found = api.wait(f"{DEPLOYMENTS}/{name}", lambda found: found["status"].get("availableReplicas") == 2)
    assert is_true("Available")(found)


def test_pod_is_ready_by_default(api: Api, name: str) -> None:
    api.create(PODS, pod(name))
    found = api.wait(f"{PODS}/{name}", is_true("Ready"))
    assert found["status"]["phase"] == "Running"
    assert found["status"]["podIP"].startswith("10.244.")


def test_slow_pod_is_ready_after_its_delay(api: Api, name: str) -> None:
    api.create(PODS, pod(name, behaviour="slow", delay="2"))
    running = api.wait(f"{PODS}/{name}", lambda found: found["status"]["phase"] == "Running", seconds=1.5)
    assert has_condition(running, "Ready", "False")
    api.wait(f"{PODS}/{name}", is_true("Ready"), seconds=5)


def test_never_ready_pod_runs_and_stays_unready(api: Api, name: str) -> None:
    api.create(PODS, pod(name, behaviour="never-ready"))
    api.wait(f"{PODS}/{name}", lambda found: found["status"]["phase"] == "Running")
    with pytest.raises(TimeoutError):
        api.wait(f"{PODS}/{name}", is_true("Ready"), seconds=1)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_image_pull_error_shows_both_reasons(api: Api, name: str, reason: str) -> None:
    api.create(PODS, pod(name, behaviour="image-pull-error"))
    found = api.wait(f"{PODS}/{name}", waits_for(reason))
    assert found["status"]["phase"] == "Pending"


def test_crash_loop_counts_restarts(api: Api, name: str) -> None:
    api.create(PODS, pod(name, behaviour="crash-loop"))
    found = api.wait(f"{PODS}/{name}", waits_for("CrashLoopBackOff"))
    first = found["status"]["containerStatuses"][0]
    assert first["lastState"]["terminated"]["exitCode"] == 1
    api.wait(f"{PODS}/{name}", lambda found: found["status"]["containerStatuses"][0]["restartCount"] >= 2)


def test_behaviour_may_be_a_label(api: Api, name: str) -> None:
    labelled = pod(name)
    labelled["metadata"]["labels"] = {"helmstack.test/behaviour": "image-pull-error"}
    api.create(PODS, labelled)
    api.wait(f"{PODS}/{name}", waits_for("ErrImagePull"))


def test_job_completes_by_default(api: Api, name: str) -> None:
    api.create(JOBS, job(name))
    api.wait(f"{JOBS}/{name}", is_true("Complete"))


def test_failing_job_fails(api: Api, name: str) -> None:
    api.create(JOBS, job(name, behaviour="fail"))
    api.wait(f"{JOBS}/{name}", is_true("Failed"))


def test_deleted_pod_is_gone(api: Api, name: str) -> None:
    api.create(PODS, pod(name))
    api.wait(f"{PODS}/{name}", is_true("Ready"))
    api.delete(f"{PODS}/{name}")
    api.wait_gone(f"{PODS}/{name}", seconds=5)


def test_container_has_a_log(api: Api, name: str) -> None:
    api.create(PODS, pod(name))
    api.wait(f"{PODS}/{name}", is_true("Ready"))
    assert "connection refused" in api.text(f"{PODS}/{name}/log?tailLines=2")


def test_claim_is_bound_and_its_volume_goes_with_it(api: Api, name: str) -> None:
    api.create(CLAIMS, claim(name))
    found = api.wait(f"{CLAIMS}/{name}", lambda found: found["status"]["phase"] == "Bound")
    volume = f"/api/v1/persistentvolumes/{found['spec']['volumeName']}"
    assert api.get(volume)["spec"]["capacity"] == {"storage": "1Gi"}
    api.delete(f"{CLAIMS}/{name}")
    api.wait_gone(volume, seconds=5)


@pytest.mark.parametrize("unbound", [{"storage_class": "never"}, {"behaviour": "unbound"}])
def test_claim_stays_unbound_on_request(api: Api, name: str, unbound: dict[str, str]) -> None:
    api.create(CLAIMS, claim(name, **unbound))
    with pytest.raises(TimeoutError):
        api.wait(f"{CLAIMS}/{name}", lambda found: found["status"]["phase"] == "Bound", seconds=1)


def test_load_balancer_gets_an_address(api: Api, name: str) -> None:
    api.create(SERVICES, {"metadata": metadata(name), "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}})
    found = api.wait(f"{SERVICES}/{name}", lambda found: bool(found["status"]["loadBalancer"].get("ingress")))
    assert found["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("198.18.")


def test_unprivileged_users_may_do_what_is_bound_to_them(cluster: Cluster, api: Api, name: str) -> None:
    with pytest.raises(ApiError) as refused:
        cluster.api("reader").get(PODS)
    assert refused.value.code == 403
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}
    api.create(ROLE_BINDINGS, {"metadata": metadata(name), "roleRef": role, "subjects": [subject]})
    deadline = time.monotonic() + 5  # the authorizer sees a new binding a moment later
    while not may_list_pods(cluster.api("reader")):
        assert time.monotonic() < deadline
    assert cluster.kubeconfig_for("reader").stat().st_mode & 0o777 == 0o600


def test_requests_are_counted(cluster: Cluster, api: Api) -> None:
    before = len(cluster.requests())
    api.get(PODS)
    assert [(request.verb, request.url, request.code) for request in cluster.requests()[before:]] == [
        ("list", PODS, 200)
    ]
    last = cluster.requests()[-1]
    assert last.began <= last.ended <= time.time() < last.began + 60


@pytest.mark.parametrize(("words", "by_chance"), [("concurrent map writes", True), ("no such flag", False)])
def test_a_start_that_failed_by_chance_is_worth_another(tmp_path: Path, words: str, by_chance: bool) -> None:
    broken = Cluster(tmp_path / "broken")
    broken.log("kwok").parent.mkdir(parents=True)
    broken.log("kwok").write_text(f"fatal error: {words}\n" + "goroutine\n" * 500)
    assert isinstance(broken._failure("kwok", "ended"), Unlucky) is by_chance


def test_two_clusters_run_at_once_and_stop_without_a_trace(cluster: Cluster, tmp_path: Path) -> None:
    with Cluster(tmp_path / "two") as other:
        assert other.server != cluster.server
        assert other.kubeconfig.stat().st_mode & 0o777 == 0o600
        pids = [pid for pid in other.status().values() if pid]
        assert len(pids) == 5
        assert Cluster(tmp_path / "two").start().status() == other.status()
    assert not (tmp_path / "two").exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert cluster.is_running()


@pytest.mark.parametrize("major", [3, 4])
def test_helm_is_the_pinned_one_and_installs_from_a_repository(cluster: Cluster, tmp_path: Path, major: int) -> None:
    def run(*arguments: str) -> str:
        homes = {f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "CACHE", "DATA")}
        environment = {**os.environ, **homes, "KUBECONFIG": str(cluster.kubeconfig)}
        return subprocess.run(
            [str(helm(major)), *arguments], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert run("version", "--short").startswith({3: "v3.22.0", 4: "v4.3.1"}[major])
    run("create", "demo")
    run("package", "demo", "--destination", "charts")
    shutil.rmtree(tmp_path / "demo")  # or helm takes it for the chart that is meant
    run("repo", "index", "charts")
    with ChartRepository(tmp_path / "charts", username="me", password="secret", tls=True) as repository:
        access = ("--username", "me", "--password", "secret", "--ca-file", str(repository.ca_file))
        run("install", f"release{major}", "demo", "--repo", repository.url, *access, "--wait", "--timeout", "20s")
        assert repository.requests.count("/index.yaml") == 1


def test_repository_refuses_a_wrong_password(tmp_path: Path) -> None:
    with ChartRepository(tmp_path, username="me", password="secret") as repository:
        pull = [str(helm(4)), "pull", "x", "--repo", repository.url, "--username", "me", "--password", "wrong"]
        done = subprocess.run(pull, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "401" in done.stderr


def test_failed_start_names_the_program_and_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_components, "_audit_flags", lambda layout: ["--no-such-flag"])
    with pytest.raises(ClusterError, match=r"(?s)kube-apiserver ended.*unknown flag: --no-such-flag"):
        Cluster(tmp_path).start(audit=True)
    assert not any(Cluster(tmp_path).status().values())


def test_start_tries_again_when_a_port_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        choices = iter([[*free_ports(3), taken.getsockname()[1]], free_ports(4)])
        monkeypatch.setattr("cluster.free_ports", lambda count: next(choices))
        with Cluster(tmp_path / "cluster") as started:
            assert started.is_running()


def test_pid_of_another_process_is_left_alone(tmp_path: Path) -> None:
    stale = tmp_path / "stale"
    stale.write_text(f"{os.getpid()} 1\n", encoding="utf-8")
    assert running(stale) is None
    end([stale])  # would end this very test
