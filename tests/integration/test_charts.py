# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts fetched with a real helm (the environment variable HELMSTACK_HELM) from a real repository on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart, load
from ansible_collections.helmstack.core.plugins.module_utils.chart.store import ChartStore
from ansible_collections.helmstack.core.plugins.module_utils.errors import (
    ChartError,
    HelmstackError,
    InputError,
    Location,
)
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs, UpgradeArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.helm.output import HelmFailure
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

HELM = os.environ.get("HELMSTACK_HELM", "")
pytestmark = pytest.mark.skipif(not HELM, reason="HELMSTACK_HELM names no helm binary")


def _chart_repository() -> Any:
    path = Path(__file__).parents[1] / "cluster" / "chart_repository.py"
    spec = importlib.util.spec_from_file_location("chart_repository", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ChartRepository


ChartRepository = _chart_repository()


def make(path: Path, version: str = "1.0.0", extra: str = "", files: dict[str, str] | None = None) -> Path:
    """A chart's folder, named by its last part."""
    meta = f"apiVersion: v2\nname: {path.name}\nversion: {version}\n{extra}"
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}-{{ .Chart.Version }}}\n"
    for name, text in {"Chart.yaml": meta, "templates/cm.yaml": template, **(files or {})}.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def run(home: Path, *argv: str) -> None:
    environ = {
        **os.environ,
        "HELM_CACHE_HOME": f"{home}/c",
        "HELM_CONFIG_HOME": f"{home}/f",
        "HELM_DATA_HOME": f"{home}/d",
    }
    subprocess.run([HELM, *argv], check=True, capture_output=True, env=environ)


def package(chart: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run(folder.parent / "packaging", "package", str(chart), "-d", str(folder))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository's folder: web in several versions, db."""
    root = tmp_path_factory.mktemp("served")
    for version in ("1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0-rc.1"):
        shutil.rmtree(root / "src", ignore_errors=True)
        package(make(root / "src" / "web", version), root / "repo")
    package(make(root / "src" / "db", "3.0.0"), root / "repo")
    run(root / "packaging", "repo", "index", str(root / "repo"))
    return root / "repo"


@pytest.fixture
def repository(served: Path) -> Iterator[Any]:
    with ChartRepository(served) as running:
        yield running


Open = Callable[..., ChartStore]


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    return Helm(HELM, str(tmp_path / "helm"), None)


@pytest.fixture
def store(tmp_path: Path, helm: Helm) -> Open:
    def build(*repositories: Repository, cache: Path | None = None) -> ChartStore:
        return ChartStore(helm, str(tmp_path / "work"), repositories, str(cache) if cache else None)

    return build


def message(call: Callable[[], object], kind: type[HelmstackError] = ChartError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def pulls(repository: Any) -> list[str]:
    return [path for path in repository.requests if path.endswith(".tgz")]


@pytest.mark.parametrize(
    ("version", "devel", "expected"),
    [
        ("1.1.0", False, "1.1.0"),
        ("v1.1.0", False, "1.1.0"),
        ("^1.0.0", False, "1.2.0"),
        ("1.x", False, "1.2.0"),
        ("~1.1", False, "1.1.0"),
        (None, False, "2.0.0"),
        (None, True, "2.1.0-rc.1"),
        (">=2.0.0-0", False, "2.1.0-rc.1"),
        ("2.1.0-rc.1", False, "2.1.0-rc.1"),
    ],
)
def test_a_version_or_a_range_is_fetched(
    store: Open, repository: Any, version: str | None, devel: bool, expected: str
) -> None:
    chart = store(Repository("r", repository.url)).fetch("r/web", version, devel=devel)
    assert (chart.reference, chart.name, chart.version) == ("r/web", "web", expected)
    assert os.path.isfile(chart.path)


def test_each_chart_is_fetched_once_whoever_asks(store: Open, repository: Any, helm: Helm) -> None:
    charts = store(Repository("r", repository.url), Repository("unused", "http://127.0.0.1:9"))
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda n: charts.fetch("r/web", "1.0.0" if n % 2 else "^1.0.0"), range(24)))
    assert {chart.version for chart in found} == {"1.0.0", "1.2.0"}
    assert sorted(pulls(repository)) == ["/web-1.0.0.tgz", "/web-1.2.0.tgz"]
    assert repository.requests.count("/index.yaml") == 1
    assert helm.processes == 0


def test_a_cached_exact_version_needs_no_network_and_no_process(
    store: Open, repository: Any, helm: Helm, tmp_path: Path
) -> None:
    declared = Repository("r", repository.url, username="me", password="s3cret")
    first = store(declared, cache=tmp_path / "cache").fetch("r/web", "^1.0.0")
    repository.requests.clear()
    before = helm.processes
    again = store(declared, cache=tmp_path / "cache").fetch("r/web", "1.2.0")
    assert (again.version, again.digest) == ("1.2.0", first.digest)
    assert (repository.requests, helm.processes) == ([], before)
    other = Repository("r", repository.url, username="you", password="x")
    store(other, cache=tmp_path / "cache").fetch("r/web", "1.2.0")
    assert pulls(repository) == ["/web-1.2.0.tgz"]


def test_a_damaged_cache_is_fetched_anew(store: Open, repository: Any, tmp_path: Path) -> None:
    declared = Repository("r", repository.url)
    store(declared, cache=tmp_path / "cache").fetch("r/web", "1.2.0")
    kept = list((tmp_path / "cache").rglob("*.tgz"))
    assert len(kept) == 1
    kept[0].write_bytes(b"junk")
    assert store(declared, cache=tmp_path / "cache").fetch("r/web", "1.2.0").version == "1.2.0"
    assert load(str(kept[0])).version == "1.2.0"


def test_a_password_and_an_own_ca_work_and_stay_private(store: Open, served: Path, helm: Helm) -> None:
    with ChartRepository(served, username="me", password="s3cret", tls=True) as running:
        declared = Repository("r", running.url, "me", "s3cret", ca_file=str(running.ca_file))
        assert store(declared).fetch("r/web", "1.0.0").version == "1.0.0"
    assert stat.S_IMODE(os.stat(helm.repository_config).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(helm.home).st_mode) == 0o700


def test_tls_need_not_be_checked(store: Open, served: Path) -> None:
    with ChartRepository(served, tls=True) as running:
        assert store(Repository("r", running.url, insecure=True)).fetch("r/web", "1.0.0").version == "1.0.0"


def test_a_wrong_password_is_one_sentence(store: Open, served: Path) -> None:
    with ChartRepository(served, username="me", password="right") as running:
        text = message(lambda: store(Repository("r", running.url, "me", "s3cret")).fetch("r/web", "1.0.0"))
    assert text.startswith(f"the chart repository 'r' ({running_url(text)}) refuses this user: 401 ")
    assert text.endswith("401 Unauthorized. Check username and password of the repository")
    assert "s3cret" not in text


def running_url(text: str) -> str:
    return text.split("(")[1].split(")")[0]


def test_an_untrusted_certificate_is_one_sentence(store: Open, served: Path) -> None:
    with ChartRepository(served, tls=True) as running:
        url = running.url
        text = message(lambda: store(Repository("r", url)).fetch("r/web", "1.0.0"))
    assert text.startswith(f"the chart repository 'r' ({url}) is not trusted: unable to get local issuer")
    assert text.endswith(". Give its certificate authority with ca_file")


def test_a_repository_of_an_unknown_kind_is_one_sentence(store: Open) -> None:
    text = message(lambda: store(Repository("r", "ftp://x")).fetch("r/web", "1.0.0"))
    assert text.startswith("the chart repository 'r' (ftp://x) is of a kind that helm does not know: ")


def test_a_silent_repository_is_one_sentence(store: Open) -> None:
    declared = Repository("r", "http://me:s3cret@127.0.0.1:9")
    text = message(lambda: store(declared).fetch("r/web", "1.0.0"))
    assert text.startswith("the chart repository 'r' (http://127.0.0.1:9) does not answer: Connection refused")
    assert text.endswith("Check its url, the network, and the proxy settings")
    assert "s3cret" not in text


def test_a_repository_without_an_index_is_one_sentence(store: Open, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with ChartRepository(tmp_path / "empty") as running:
        url = running.url
        text = message(lambda: store(Repository("r", url)).fetch("r/web", "1.0.0"))
    assert text == (f"the chart repository 'r' ({url}) has no such file: 404 File not found. Check its url")


@pytest.mark.parametrize(
    ("reference", "version", "expected"),
    [
        ("r/wbe", "1.0.0", "the repository 'r' has no chart 'wbe'. Did you mean 'web'?"),
        ("r/wbe", None, "the repository 'r' has no chart 'wbe'. Did you mean 'web'?"),
        ("r/web", "1.3.0", "no version of chart r/web is 1.3.0. There are: 2.0.0, 1.2.0, 1.1.0, 1.0.0"),
        ("r/web", "^7.0.0", "no version of chart r/web is ^7.0.0. There are: 2.0.0, 1.2.0, 1.1.0, 1.0.0"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    store: Open, repository: Any, reference: str, version: str | None, expected: str
) -> None:
    where = Location("stack.yaml", 7)
    text = message(lambda: store(Repository("r", repository.url)).fetch(reference, version, where=where))
    assert text == f"stack.yaml:7: {expected}"


def test_a_page_instead_of_an_index_is_told(store: Open, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.yaml").write_text("<html>log in</html>")
    with ChartRepository(tmp_path / "page") as running:
        declared = Repository("r", running.url)
        assert "does not answer with a chart index" in message(lambda: store(declared).fetch("r/web", "1.0.0"))


@pytest.mark.parametrize("names", [["ca_file"], ["cert_file", "key_file"]])
def test_a_certificate_file_that_is_not_there_is_told(store: Open, served: Path, names: list[str]) -> None:
    with ChartRepository(served, tls=True) as running:
        declared = Repository("r", running.url, **dict.fromkeys(names, "/nowhere.pem"))  # type: ignore[arg-type]
        text = message(lambda: store(declared).fetch("r/web", "1.0.0"))
    assert "cannot be asked" in text
    assert "/nowhere.pem" in text


def test_a_missing_archive_is_told(store: Open, served: Path, tmp_path: Path) -> None:
    shutil.copytree(served, tmp_path / "repo")
    (tmp_path / "repo" / "db-3.0.0.tgz").unlink()
    with ChartRepository(tmp_path / "repo") as running:
        declared = Repository("r", running.url)
        text = message(lambda: store(declared).fetch("r/db", "3.0.0"))
    assert text.startswith("chart r/db 3.0.0 of the chart repository")
    assert "404" in text


def test_a_damaged_download_is_told(store: Open, served: Path, tmp_path: Path) -> None:
    shutil.copytree(served, tmp_path / "repo")
    (tmp_path / "repo" / "db-3.0.0.tgz").write_bytes(b"junk")
    run(tmp_path / "packaging", "repo", "index", str(served))
    with ChartRepository(tmp_path / "repo") as running:
        declared = Repository("r", running.url)
        text = message(lambda: store(declared).fetch("r/db", "3.0.0"))
    assert "db" in text


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("other/web", "the chart repository 'other' is not declared in the stack. Known are: ftp, o, r"),
        ("nope/x", "the chart repository 'nope' is not declared"),
        (
            "web",
            "'web' is no chart reference. A chart is repository/name, or a path that begins with './', '../' or '/'",
        ),
        ("a/b/c", "'a/b/c' is no chart reference."),
    ],
)
def test_a_bad_reference_is_the_users(store: Open, reference: str, expected: str) -> None:
    declared = (
        Repository("r", "http://127.0.0.1:9"),
        Repository("ftp", "ftp://x"),
        Repository("o", "oci://x", oci=True),
    )
    text = message(lambda: store(*declared).fetch(reference, None), InputError)
    assert text.startswith(expected)


def test_a_folder_is_used_in_place(store: Open, helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "web", "1.2.0")
    assert store().fetch(str(path), "^1.0.0").path == str(path)
    assert store().fetch(str(path), "1.2.0").version == "1.2.0"
    assert helm.processes == 0
    text = message(lambda: store().fetch(str(path), "1.3.0"))
    assert text == f"chart '{path}' is version 1.2.0, but the stack wants 1.3.0"
    assert "the stack wants ^2.0.0" in message(lambda: store().fetch(str(path), "^2.0.0"))


def test_a_folder_and_its_package_have_one_digest(store: Open, tmp_path: Path) -> None:
    inner = make(tmp_path / "inner" / "db", "3.0.0", files={"README.md": "x"})
    extra = (
        "description: >\n  several\n  words\nappVersion: 1.10\nkeywords: [a, b]\nannotations: {x: 'true', n: '1'}\n"
        "maintainers: [{name: me}]\ndependencies: [{name: db, version: 3.x.x, repository: '', tags: [t]}]\n"
    )
    files = {
        ".helmignore": "*.bak\n",
        "values.yaml": "a: 1\n",
        "x.bak": "no",
        "crds/a.yaml": "a: 1\n",
        "templates/.x": "",
    }
    web = make(tmp_path / "web", extra=extra, files=files)
    package(inner, web / "charts")
    shutil.rmtree(web / "packaging", ignore_errors=True)
    package(web, tmp_path / "out")
    folder, packed = (store().fetch(str(path), None) for path in (web, tmp_path / "out" / "web-1.0.0.tgz"))
    assert folder.digest == packed.digest
    assert folder.dependencies == packed.dependencies


DEPENDS = """\
dependencies:
- {{name: db, version: ^3.0.0, repository: '{0}'}}
- {{name: db, version: 3.0.0, repository: '{0}', alias: second}}
"""


def rendered(helm: Helm, chart: Chart) -> str:
    return helm.template(TemplateArgs("r", "n", chart.path))


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "only a url"])
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "without lock"])
def test_missing_dependencies_are_built_once_in_a_copy(
    store: Open, repository: Any, helm: Helm, tmp_path: Path, locked: bool, declared: bool
) -> None:
    path = make(tmp_path / "app", extra=DEPENDS.format(repository.url))
    if locked:
        run(tmp_path / "packaging", "dependency", "update", str(path))
        shutil.rmtree(path / "charts")
        repository.requests.clear()
    before = sorted(path.rglob("*"))
    charts = store(*([Repository("r", repository.url)] if declared else []), Repository("dead", "http://127.0.0.1:9"))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: charts.fetch(str(path), None), range(8)))
    assert len({chart.path for chart in found}) == 1
    assert sorted(path.rglob("*")) == before
    assert pulls(repository) == ["/db-3.0.0.tgz"]
    assert repository.requests.count("/index.yaml") == 1
    assert helm.processes == 0
    assert rendered(helm, found[0]).count("name: db-3.0.0") == 1
    assert rendered(helm, found[0]).count("name: second-3.0.0") == 1


def test_dependencies_come_with_a_password(store: Open, served: Path, helm: Helm, tmp_path: Path) -> None:
    with ChartRepository(served, username="me", password="s3cret") as running:
        by_url = make(tmp_path / "a", extra=DEPENDS.format(running.url + "/"))
        by_name = make(tmp_path / "b", extra=DEPENDS.format("@r"))
        charts = store(Repository("r", running.url, "me", "s3cret"))
        for path in (by_url, by_name):
            assert "name: db-3.0.0" in rendered(helm, charts.fetch(str(path), None))


def test_local_dependencies_are_found_from_the_copy(store: Open, helm: Helm, tmp_path: Path) -> None:
    make(tmp_path / "deep" / "base")
    make(tmp_path / "common", extra="dependencies: [{name: base, version: 1.x.x, repository: 'file://../deep/base'}]\n")
    own = "- {name: inner, version: 1.x.x, repository: 'file://inner'}\n"
    absolute = f"- {{name: base, version: 1.0.0, repository: 'file://{tmp_path}/deep/base'}}\n"
    extra = "dependencies:\n- {name: common, version: '*', repository: 'file://../../common'}\n" + own + absolute
    app = make(tmp_path / "apps" / "app", extra=extra)
    make(app / "inner")
    text = rendered(helm, store().fetch(str(app), None))
    assert sorted(line.split(": ")[-1] for line in text.splitlines() if "metadata" in line) == [
        "app-1.0.0}",
        "base-1.0.0}",
        "base-1.0.0}",
        "common-1.0.0}",
        "inner-1.0.0}",
    ]
    assert not (tmp_path / "common" / "charts").exists()


def test_a_chart_with_local_dependencies_has_one_digest_wherever_it_lies(store: Open, tmp_path: Path) -> None:
    digests = set()
    for place in ("a", "b/deeper"):
        make(tmp_path / place / "base")
        declared = "dependencies: [{name: base, version: 1.x.x, repository: 'file://../base'}]\n"
        digests.add(store().fetch(str(make(tmp_path / place / "app", extra=declared)), None).digest)
    assert len(digests) == 1


def test_charts_in_a_cycle_are_told(store: Open, tmp_path: Path) -> None:
    make(tmp_path / "a", extra="dependencies: [{name: b, version: '*', repository: 'file://../b'}]\n")
    make(tmp_path / "b", extra="dependencies: [{name: a, version: '*', repository: 'file://../a'}]\n")
    text = message(lambda: store().fetch(str(tmp_path / "a"), None))
    assert text.startswith("charts depend on each other in a cycle: ")


@pytest.mark.parametrize(
    ("repository_url", "expected"),
    [
        ("@nope", "comes from the repository '@nope', which is not declared in the stack"),
        ("stable", "comes from the repository 'stable', which is not declared in the stack"),
        ("file://../nowhere", "must be in"),
        ("http://127.0.0.1:9", "does not answer"),
    ],
)
def test_a_dependency_from_nowhere_is_told(store: Open, tmp_path: Path, repository_url: str, expected: str) -> None:
    path = make(tmp_path / "app", extra=DEPENDS.format(repository_url))
    assert expected in message(lambda: store().fetch(str(path), None))


def test_a_schema_that_refers_to_what_cannot_be_reached_may_be_skipped(helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "web", files={"values.schema.json": '{"$ref": "http://127.0.0.1:9/schema.json"}'})
    args = TemplateArgs("web", "web", str(path))
    with pytest.raises(HelmFailure, match=r"127\.0\.0\.1:9"):
        helm.template(args)
    assert "web-1.0.0" in helm.template(replace(args, skip_schema_validation=True))


@pytest.mark.parametrize("archive", [False, True])
def test_what_cannot_be_had_but_lies_there_in_another_version_is_used_as_by_helm(
    store: Open, helm: Helm, tmp_path: Path, archive: bool
) -> None:
    extra = "dependencies:\n- {name: db, version: 0.1.16, repository: 'file://../gone'}\n"
    path = make(tmp_path / "web", extra=extra)
    make(path / "charts" / "db", version="0.1.0")
    if archive:
        subprocess.run(["tar", "czf", str(tmp_path / "web-1.0.0.tgz"), "-C", str(tmp_path), "web"], check=True)
        path = tmp_path / "web-1.0.0.tgz"
    chart = store().fetch(str(path), None)
    assert chart.path == str(path)
    assert "name: db-0.1.0" in helm.template(TemplateArgs("web", "web", chart.path))
    assert chart.warnings == (
        f"chart {path.name} wants db 0.1.16; its charts/ holds 0.1.0, which is used, as helm does. "
        "Run 'helm dependency update' on it",
    )


def test_a_dependency_that_a_repository_lacks_is_told(store: Open, repository: Any, tmp_path: Path) -> None:
    path = make(tmp_path / "app", extra=DEPENDS.format(repository.url).replace("name: db", "name: nope"))
    text = message(lambda: store().fetch(str(path), None))
    assert text.startswith(f"the dependencies of chart '{path}' cannot be fetched: ")
    assert "nope" in text


def test_a_stale_lock_is_told_with_what_to_do(store: Open, repository: Any, tmp_path: Path) -> None:
    path = make(tmp_path / "app", extra=DEPENDS.format(repository.url))
    run(tmp_path / "packaging", "dependency", "update", str(path))
    shutil.rmtree(path / "charts")
    make(path, extra=DEPENDS.format(repository.url).replace("^3.0.0", "^4.0.0"))
    text = message(lambda: store().fetch(str(path), None))
    assert text == (
        f"the lock file of chart '{path}' is out of sync with its dependencies. Run: helm dependency update {path}"
    )


def test_a_stale_subchart_is_fetched_anew(store: Open, repository: Any, helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "app", extra=DEPENDS.format(repository.url))
    make(path / "charts" / "db", "2.0.0")
    text = rendered(helm, store().fetch(str(path), None))
    assert "name: db-3.0.0" in text or "name: second-3.0.0" in text


def test_the_users_helm_is_neither_read_nor_changed(
    store: Open, repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config" / "helm").mkdir(parents=True)
    canary = home / ".config" / "helm" / "repositories.yaml"
    canary.write_text("not: [valid")
    for name in [name for name in os.environ if name.startswith(("HELM_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HELM_DEBUG", "true")
    fresh = Helm(HELM, str(tmp_path / "private"), None)
    charts = ChartStore(fresh, str(tmp_path / "w2"), [Repository("r", repository.url)], None)
    path = make(tmp_path / "app", extra=DEPENDS.format(repository.url))
    assert charts.fetch("r/web", "1.0.0").version == "1.0.0"
    assert "db-3.0.0" in rendered(fresh, charts.fetch(str(path), None))
    assert sorted(item for item in home.rglob("*") if item.is_file()) == [canary]
    assert canary.read_text() == "not: [valid"


RENDER_FAILURES = [
    ("a: {{ .Values.a.b.c }}\n", "web/templates/cm.yaml:1:13"),
    ("a: {{ if }}\n", "web/templates/cm.yaml:1"),
    ("a:\n  b: c: d\n", "web/templates/cm.yaml: error converting YAML to JSON: yaml: line 2"),
    ('a:\n{{ required "say x" .Values.x }}\n', "(web/templates/cm.yaml:2:3): say x"),
    ('{{ fail "no way" }}', "(web/templates/cm.yaml:1:3): no way"),
]


@pytest.mark.parametrize(("template", "expected"), RENDER_FAILURES)
def test_a_render_failure_names_release_template_and_line(
    helm: Helm, tmp_path: Path, template: str, expected: str
) -> None:
    path = make(tmp_path / "web", files={"templates/cm.yaml": template})
    with pytest.raises(HelmFailure) as caught:
        helm.template(TemplateArgs("front", "shop", str(path)))
    text = str(caught.value)
    assert text.startswith("release shop/front (chart web) cannot be rendered: ")
    assert expected in text
    assert "--debug" not in text


def test_a_render_says_the_clusters_version_and_kinds(helm: Helm, tmp_path: Path) -> None:
    probe = (
        'v: {{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has "x.io/v1/Y" }} {{ .Release.IsUpgrade }}'
    )
    path = make(tmp_path / "web", files={"templates/cm.yaml": probe})
    args = TemplateArgs("r", "n", str(path), kube_version="v1.33.7", api_versions=("v1", "x.io/v1/Y"), is_upgrade=True)
    assert "v: v1.33.7 true true" in helm.template(args)


def test_no_cluster_is_reached_by_accident(helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "web")
    with pytest.raises(HelmFailure, match="cluster unreachable"):
        helm.upgrade(UpgradeArgs("r", "n", str(path), labels={"a": "b"}, atomic=True, wait=True))


def test_a_post_renderer_of_the_wrong_kind_gets_a_hint(helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "web")
    with pytest.raises(HelmFailure, match=r"Helm 3 takes the path of a program as post-renderer, Helm 4 the name"):
        helm.template(TemplateArgs("r", "n", str(path), post_renderer="./nope"))


def test_several_threads_share_one_helm(helm: Helm, tmp_path: Path) -> None:
    path = make(tmp_path / "web")
    barrier = threading.Barrier(6)

    def render(number: int) -> str:
        barrier.wait(20)
        return helm.template(TemplateArgs(f"r{number}", "n", str(path)))

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(render, range(6)))) == 1
    assert helm.processes == 6
