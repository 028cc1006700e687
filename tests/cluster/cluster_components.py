"""What the control plane consists of: the programs' flags, the files they read, and the objects all clusters have."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster_api import Object

HERE = Path(__file__).resolve().parent
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
UNPRIVILEGED = ("reader", "limited", "nobody")
# Each component has a name of its own, so that the audit log can leave them out, and may do all.
COMPONENTS = ("system:kube-controller-manager", "system:kube-scheduler", "kwok")
USERS = ("admin", *UNPRIVILEGED, *COMPONENTS)
NODE = "kwok-node-0"


@dataclass(frozen=True)
class Ports:
    """Loopback ports, chosen anew at each start."""

    etcd: int
    etcd_peer: int
    api: int
    kubelet: int


@dataclass(frozen=True)
class Layout:
    """Where a cluster's files lie. Everything that a start makes is in `made`, and is what a stop removes."""

    folder: Path

    @property
    def made(self) -> list[Path]:
        """All that may exist after a start."""
        names = ("etcd", "certs", "logs", "pids", "config", "kubeconfig", "ca.crt", "state.json", "audit.log")
        return [*(self.folder / name for name in names), *(self.kubeconfig(user) for user in USERS if user != "admin")]

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the API server's certificate."""
        return self.folder / "ca.crt"

    @property
    def certs(self) -> Path:
        """What kube-apiserver makes for itself: apiserver.crt and apiserver.key."""
        return self.folder / "certs"

    @property
    def config(self) -> Path:
        """The files that the programs read."""
        return self.folder / "config"

    @property
    def state(self) -> Path:
        """The ports, and whether requests are recorded."""
        return self.folder / "state.json"

    @property
    def audit_log(self) -> Path:
        """One JSON document a line and a request."""
        return self.folder / "audit.log"

    def kubeconfig(self, user: str = "admin") -> Path:
        """The admin's lies at the plain name."""
        return self.folder / ("kubeconfig" if user == "admin" else f"kubeconfig-{user.replace(':', '-')}")

    def log(self, name: str) -> Path:
        """A program's output."""
        return self.folder / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """See cluster_processes."""
        return self.folder / "pids" / name


def write_config(layout: Layout, ports: Ports, audit: bool) -> None:
    """Writes what the programs read before they start."""
    for folder in ("etcd", "certs", "logs", "pids", "config"):
        (layout.folder / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    groups = {user: "" if user in UNPRIVILEGED else ',"system:masters"' for user in USERS}
    tokens = "".join(f"{secrets.token_hex(16)},{user},{user}{group}\n" for user, group in groups.items())
    write_private(layout.config / "tokens.csv", tokens)
    write_private(layout.config / "audit.json", json.dumps(_audit_policy()))
    logs = {
        "metadata": {"name": "all"},
        "spec": {"logs": [dict.fromkeys(("logsFile", "previousLogsFile"), str(HERE / "pod.log"))]},
    }
    write_private(
        layout.config / "logs.yaml", json.dumps({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", **logs})
    )
    write_private(layout.state, json.dumps({"ports": asdict(ports), "audit": audit}))


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner reads, from its first byte on."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def write_kubeconfig(layout: Layout, user: str, server: str) -> Path:
    """Writes the kubeconfig of one of USERS and returns its path."""
    file = layout.kubeconfig(user)
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(layout.ca_file.read_bytes()).decode()}
    context = {"cluster": "local", "user": user, "namespace": "default"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [{"name": "local", "cluster": cluster}],
        "contexts": [{"name": "local", "context": context}],
        "users": [{"name": user, "user": {"token": token(layout, user)}}],
    }
    write_private(file, json.dumps(config, indent=2) + "\n")  # JSON is YAML, and needs no library
    return file


def token(layout: Layout, user: str) -> str:
    """The token of one of USERS."""
    rows = (line.split(",") for line in (layout.config / "tokens.csv").read_text(encoding="utf-8").splitlines())
    return {row[1]: row[0] for row in rows}[user]


def is_signed(layout: Layout) -> bool:
    """Whether apiserver.crt is there as a whole: the server's certificate and its authority's."""
    file = layout.certs / "apiserver.crt"
    return file.exists() and file.read_text(encoding="ascii").count("-----END CERTIFICATE-----") == 2


def write_ca(layout: Layout) -> None:
    """Takes the authority from apiserver.crt, in which kube-apiserver appends it to the certificate it signed."""
    begin = "-----BEGIN CERTIFICATE-----"
    chain = (layout.certs / "apiserver.crt").read_text(encoding="ascii")
    layout.ca_file.write_text(begin + chain.rsplit(begin, 1)[1], encoding="ascii")


def argv(name: str, binaries: Path, layout: Layout, ports: Ports, audit: bool) -> list[str]:
    """The command line of one of NAMES."""
    flags: dict[str, list[str]] = {
        "etcd": _etcd(layout, ports),
        "kube-apiserver": _apiserver(layout, ports) + (_audit_flags(layout) if audit else []),
        "kube-controller-manager": _controller_manager(layout),
        "kube-scheduler": _client_flags(layout, "system:kube-scheduler"),
        "kwok": _kwok(layout, ports),
    }
    return [str(binaries / name), *flags[name]]


def _etcd(layout: Layout, ports: Ports) -> list[str]:
    client, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(layout: Layout, ports: Ports) -> list[str]:
    # Its own TLS key signs the service accounts' tokens too: one key less to make, and nobody else's business here.
    key = layout.certs / "apiserver.key"
    return [
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        f"--secure-port={ports.api}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--external-hostname=localhost",
        f"--cert-dir={layout.certs}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={layout.config / 'tokens.csv'}",
        "--authorization-mode=RBAC,Node",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        # No kubelet takes a new node's not-ready taint away, and no pod here needs a token (_controller_manager).
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        "--enable-priority-and-fairness=false",
        "--kubelet-preferred-address-types=InternalIP",
        "--etcd-compaction-interval=0",
        "--profiling=false",
    ]


def _audit_flags(layout: Layout) -> list[str]:
    return [
        f"--audit-policy-file={layout.config / 'audit.json'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",
    ]


def _audit_policy() -> Object:
    users = [*COMPONENTS, "system:apiserver"]
    workloads = [{"group": "apps", "resources": ["deployments/status"]}]
    # When a workload became ready is of interest, nothing else that the control plane does itself.
    ready = {"level": "Metadata", "users": users, "verbs": ["update", "patch"], "resources": workloads}
    silent = {"level": "None", "users": users}
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": [ready, silent, {"level": "Metadata"}],
    }


def _controller_manager(layout: Layout) -> list[str]:
    return [
        *_client_flags(layout, "system:kube-controller-manager"),
        # Without kubelets the node lifecycle controller would declare the node lost, and every pod with it.
        "--controllers=*,-node-lifecycle-controller",
        f"--root-ca-file={layout.ca_file}",
        f"--service-account-private-key-file={layout.certs / 'apiserver.key'}",
    ]


def _client_flags(layout: Layout, user: str) -> list[str]:
    # Port 0: nobody asks for metrics. The default limits (20 and 50 requests a second) would slow a benchmark.
    return [
        f"--kubeconfig={layout.kubeconfig(user)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]


def _kwok(layout: Layout, ports: Ports) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        f"--config={HERE / 'stages.yaml'}",
        f"--config={layout.config / 'logs.yaml'}",
        "--manage-all-nodes",
        "--cidr=10.244.0.0/16",
        "--node-ip=127.0.0.1",
        f"--node-port={ports.kubelet}",
        f"--server-address=127.0.0.1:{ports.kubelet}",
        f"--tls-cert-file={layout.certs / 'apiserver.crt'}",
        f"--tls-private-key-file={layout.certs / 'apiserver.key'}",
    ]


def first_objects() -> list[tuple[str, Object]]:
    """(path of the collection, object) of what every cluster here has from the start."""
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    return [
        ("/api/v1/nodes", _node()),
        (classes, _storage_class("kwok", True)),
        (classes, _storage_class("never", False)),
    ]


def _node() -> Object:
    resources = {"cpu": "1000", "memory": "1Ti", "pods": "100000", "ephemeral-storage": "1Ti"}
    labels = {
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "type": "kwok",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": labels},
        "status": {"allocatable": resources, "capacity": resources},
    }


def _storage_class(name: str, default: bool) -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": f"helmstack.test/{name}",
        "volumeBindingMode": "Immediate",
    }
