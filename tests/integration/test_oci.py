# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts from a real OCI registry, to which a real helm (the environment variable HELMSTACK_HELM) has pushed them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from oci_registry import OciRegistry

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")

VERSIONS = ("1.0.0", "1.1.0", "1.1.0+b.5", "1.2.0-rc.1", "2.0.0", "2.1.0-rc.1")
LOGINS = [(kind, tls) for kind in ("", "basic", "token") for tls in (False, True)]
Open = Callable[..., ChartStore]


def helm(home: Path, *argv: str) -> str:
    rooms = {f"HELM_{room}_HOME": f"{home}/{room}" for room in ("CACHE", "CONFIG", "DATA")}
    environ = {**os.environ, **rooms, "DOCKER_CONFIG": f"{home}/docker"}
    done = subprocess.run([HELM, *argv], capture_output=True, text=True, env=environ, cwd=home, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archives of web in all versions."""
    root = tmp_path_factory.mktemp("archives")
    chart = root / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "templates" / "cm.yaml").write_text("kind: ConfigMap\nmetadata: {name: web-{{ .Chart.Version }}}\n")
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.0.0\n")
    for version in VERSIONS:
        helm(root, "package", str(chart), "--version", version)
    return root


def filled(registry: Any, archives: Path, home: Path, versions: tuple[str, ...] = VERSIONS) -> Any:
    flags = ["--ca-file", str(registry.ca_file)] if registry.ca_file else ["--plain-http"]
    home.mkdir(parents=True, exist_ok=True)
    if registry.login:
        helm(home, "registry", "login", registry.host, "-u", "me", "-p", "s3cret", *flags)
    for version in versions:
        helm(home, "push", str(archives / f"web-{version}.tgz"), f"oci://{registry.host}/team/charts", *flags)
    return registry


@pytest.fixture(scope="module")
def registry(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An open one without encryption, with tags that are no versions beside the charts."""
    with OciRegistry() as running:
        yield filled(running, archives, tmp_path_factory.mktemp("home"))


@pytest.fixture
def store(tmp_path: Path) -> Open:
    def build(*repositories: Repository, cache: Path | None = None, **more: Any) -> ChartStore:
        binary = Helm("/nowhere/helm", str(tmp_path / "helm"), None)  # none is started
        return ChartStore(binary, str(tmp_path / "work"), repositories, str(cache) if cache else None, **more)

    return build


def declared(registry: Any, **more: Any) -> Repository:
    url = f"oci://{registry.host}/team/charts"
    ca = {"ca_file": str(registry.ca_file)} if registry.ca_file else {"plain_http": True}
    return Repository("r", url, **{**ca, **more})


def message(call: Callable[[], Chart], kind: type[HelmstackError] = ChartError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("version", "devel", "expected"),
    [
        ("1.0.0", False, "1.0.0"),
        ("1.1.0+b.5", False, "1.1.0+b.5"),
        ("^1.0.0", False, "1.1.0+b.5"),
        ("1.0", False, "1.0.0"),
        ("~1.0", False, "1.0.0"),
        (None, False, "2.0.0"),
        (None, True, "2.1.0-rc.1"),
        (">=2.0.0-0", False, "2.1.0-rc.1"),
        ("2.1.0-rc.1", False, "2.1.0-rc.1"),
        ("v1.0.0", False, "1.0.0"),
    ],
)
@pytest.mark.parametrize("reference", ["r/web", "oci://{host}/team/charts/web"])
def test_a_version_or_a_range_is_fetched(
    store: Open, registry: Any, reference: str, version: str | None, devel: bool, expected: str
) -> None:
    charts = store(declared(registry))
    chart = charts.fetch(reference.format(host=registry.host), version, devel=devel)
    assert (chart.name, chart.version) == ("web", expected)
    assert chart.origin
    assert (chart.origin.kind, chart.origin.version) == ("oci", expected)
    assert chart.origin.source == f"oci://{registry.host}/team/charts/web"
    assert chart.origin.digest.startswith("sha256:")


@pytest.mark.parametrize(("login", "tls"), LOGINS)
def test_basic_and_token_logins_over_tls_and_without(
    store: Open, archives: Path, tmp_path: Path, login: str, tls: bool
) -> None:
    user = {"username": "me", "password": "s3cret"} if login else {}
    with OciRegistry(login=login, tls=tls, **user) as running:
        filled(running, archives, tmp_path / "home", VERSIONS[:2])
        assert store(declared(running, **user)).fetch("r/web", "^1.0.0").version == "1.1.0"
        if login:
            config = str(tmp_path / "home" / "CONFIG" / "registry" / "config.json")
            known = store(declared(running), registry_config=config)
            assert known.fetch("r/web", "1.0.0").version == "1.0.0"
            text = message(lambda: store(declared(running)).fetch("r/web", "1.0.0"))
            assert "wants a login for team/charts/web: 401" in text
            assert "registry_config" in text
            wrong = declared(running, username="me", password="other")
            text = message(lambda: store(wrong).fetch("r/web", "1.0.0"))
            assert "refuses the user 'me' for team/charts/web: 401" in text
            other = tmp_path / "other.json"
            other.write_text(json.dumps({"auths": {"ghcr.io": {"auth": "bWU6czNjcmV0"}}}))
            text = message(lambda: store(declared(running), registry_config=str(other)).fetch("r/web", "1.0.0"))
            assert "registry_config has logins for ghcr.io only" in text


def test_the_login_of_a_declared_registry_counts_for_what_begins_with_its_url(
    store: Open, archives: Path, tmp_path: Path
) -> None:
    user = {"username": "me", "password": "s3cret"}
    with OciRegistry(login="token", tls=True, **user) as running:
        filled(running, archives, tmp_path / "home", VERSIONS[:1])
        charts = store(declared(running, **user))
        assert charts.fetch(f"oci://{running.host}/team/charts/web:1.0.0").version == "1.0.0"
        assert "is not trusted" in message(lambda: charts.fetch(f"oci://{running.host}/team/chartsx/web", "1.0.0"))


def test_many_are_fetched_once_and_what_is_exact_and_cached_without_the_network(
    store: Open, registry: Any, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    charts = store(declared(registry), cache=cache)
    before = len(registry.requests())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: charts.fetch("r/web", "1.0.0" if n % 2 else "1.1.0+b.5"), range(24)))
    assert {chart.version for chart in found} == {"1.0.0", "1.1.0+b.5"}
    assert len(registry.requests()) - before == 4  # a manifest and an archive each
    digest = found[0].origin.digest if found[0].origin else ""
    again = store(Repository("r", f"oci://{registry.host}/team/charts", plain_http=True), cache=cache)
    for version in ("1.0.0", "1.1.0+b.5"):
        chart = again.fetch("r/web", version)
        assert os.path.basename(chart.path) == f"web-{version}.tgz"
    assert again.fetch(f"oci://{registry.host}/team/charts/web@{digest}").version == "1.1.0+b.5"
    assert again.fetch("r/web", "1.1.0+b.5", digest=digest).version == "1.1.0+b.5"
    assert len(registry.requests()) - before == 4
    # what needs a login is not found by who has none
    store(declared(registry, username="me"), cache=cache).fetch("r/web", "1.0.0")
    assert len(registry.requests()) - before == 6


def test_a_digest_names_a_chart_and_another_one_is_an_error(store: Open, registry: Any) -> None:
    charts = store(declared(registry))
    one, two = (charts.fetch("r/web", version) for version in ("1.0.0", "1.1.0"))
    assert one.origin
    assert two.origin
    pinned = f"oci://{registry.host}/team/charts/web@{one.origin.digest}"
    assert charts.fetch(pinned).version == "1.0.0"
    assert charts.fetch(pinned, "1.0.0").version == "1.0.0"
    assert "is version 1.0.0, but the stack wants 1.1.0" in message(lambda: charts.fetch(pinned, "1.1.0"))
    assert charts.fetch("r/web", "1.0.0", digest=one.origin.digest).version == "1.0.0"
    digest = one.origin.digest
    text = message(lambda: charts.fetch("r/web", "1.1.0", digest=digest))
    assert two.origin.digest in text
    assert digest in text
    nowhere = f"oci://{registry.host}/team/charts/web@sha256:{'0' * 64}"
    assert "has no chart 'team/charts/web': 404" in message(lambda: charts.fetch(nowhere))


@pytest.mark.parametrize(
    ("reference", "version", "expected"),
    [
        ("r/web", "1.3.0", "no version of chart 'r/web' is 1.3.0. There are: 2.0.0, 1.1.0+b.5, 1.1.0"),
        ("r/web", "^3.0.0", "no version of chart 'r/web' is ^3.0.0. There are: 2.0.0, 1.1.0+b.5"),
        ("r/wep", None, "has no chart 'team/charts/wep': 404 Not Found (NAME_UNKNOWN"),
        ("r/wep", "1.0.0", "has no chart 'team/charts/wep': 404 Not Found"),
        ("r/WEB", None, "'r/WEB' is no reference to a chart in a registry. Paths are of lower-case letters"),
        ("oci://{host}", None, "is no reference to a chart in a registry"),
        ("oci://{host}/a/web:1.0.0", "1.1.0", "version is 1.1.0, but the chart"),
        ("oci://{host}/a/web@sha256:12", None, "is not sha256: and 64 hexadecimal digits"),
        ("oci://{host}/team/charts/web", "1.0.0", "answers without encryption, which is not allowed"),
        ("oci://127.0.0.1:9/web", "1.0.0", "the registry 127.0.0.1:9 does not answer: Connection refused"),
    ],
)
def test_what_cannot_be_had_is_told_with_what_to_do(
    store: Open, registry: Any, reference: str, version: str | None, expected: str
) -> None:
    plain = Repository("r", f"{registry.host}/team/charts", oci=True, plain_http=True)
    repositories = () if "oci://{host}/team" in reference else (plain,)
    charts = store(*repositories)
    text = message(lambda: charts.fetch(reference.format(host=registry.host), version), HelmstackError)
    assert expected in text


def test_a_certificate_that_is_not_trusted_or_plain_http_to_tls(store: Open, archives: Path, tmp_path: Path) -> None:
    with OciRegistry(tls=True) as running:
        filled(running, archives, tmp_path / "home", VERSIONS[:1])
        url = f"oci://{running.host}/team/charts"
        text = message(lambda: store(Repository("r", url)).fetch("r/web", "1.0.0"))
        assert "is not trusted" in text
        assert "ca_file" in text
        assert store(Repository("r", url, insecure=True)).fetch("r/web", "1.0.0").version == "1.0.0"
        text = message(lambda: store(Repository("r", url, plain_http=True)).fetch("r/web", "1.0.0"))
        assert "Leave plain_http out" in text
        text = message(lambda: store(Repository("r", url, ca_file="/nope.crt")).fetch("r/web", "1.0.0"))
        assert "cannot be asked: /nope.crt: No such file or directory" in text


def test_what_is_no_chart_is_refused(store: Open, registry: Any, tmp_path: Path) -> None:
    registry.push("team/charts/image", "1.0.0", "application/vnd.oci.image.config.v1+json", b"no chart")
    text = message(lambda: store(declared(registry)).fetch("r/image", "1.0.0"))
    assert "'r/image' is no chart: the registry holds application/vnd.oci.image.config.v1+json there" in text
    registry.push("team/charts/broken", "1.0.0", "application/vnd.cncf.helm.config.v1+json", b"no archive")
    cache = tmp_path / "cache"
    for _time in range(2):
        text = message(lambda: store(declared(registry), cache=cache).fetch("r/broken", "1.0.0"))
        assert "broken-1.0.0.tgz' is damaged or no .tgz archive" in text


def test_an_index_and_tags_that_are_no_versions(store: Open, registry: Any) -> None:
    web = store(declared(registry)).fetch("r/web", "2.0.0")
    assert web.origin
    registry.tag("team/charts/web", web.origin.digest, "latest")
    registry.tag("team/charts/web", web.origin.digest, "v9.0.0")
    registry.index("team/charts/web", [web.origin.digest], "2.5.0")
    try:
        charts = store(declared(registry))
        assert charts.versions("r/web")[0] == "2.5.0"
        found = charts.fetch("r/web")
        assert found.version == "2.0.0"
        assert found.origin
        assert found.origin.version == "2.5.0"
        assert found.origin.digest != web.origin.digest
    finally:
        registry.untag("team/charts/web", "2.5.0")
    registry.push("team/charts/only", "nightly", "application/vnd.cncf.helm.config.v1+json", b"x")
    text = message(lambda: store(declared(registry)).fetch("r/only"))
    assert text == "chart 'r/only' has no version: none of its tags is one. It has the tags nightly"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "registry_config: '{path}' cannot be read (No such file or directory)"),
        ("nonsense", "{path}: is not a registry login file. registry_config wants JSON with 'auths'"),
        ('{"auths": []}', "{path}: is not a registry login file."),
        ('{"auths": {"{host}": {"auth": "?"}}}', "{path}: holds an 'auth' that is not base64"),
    ],
)
def test_a_login_file_that_is_none(store: Open, registry: Any, tmp_path: Path, text: str | None, expected: str) -> None:
    path = tmp_path / "login.json"
    if text:
        path.write_text(text.replace("{host}", registry.host))
    charts = store(declared(registry), registry_config=str(path))
    told = message(lambda: charts.fetch("r/web", "1.0.0"), InputError)
    assert told.startswith(expected.replace("{path}", str(path)))
