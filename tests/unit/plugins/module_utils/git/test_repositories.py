# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching from real repositories: what comes, how often, from the cache, and what is refused."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import parse
from ansible_collections.helmstack.core.plugins.module_utils.git.repositories import Checkout

Files = Callable[[Checkout], "list[str]"]
WEB = ["charts/web/Chart.yaml", "charts/web/templates/cm.yaml"]


def test_a_branch_a_tag_a_commit_and_the_head_are_found(upstream: Any, client: Any) -> None:
    first = upstream.git("rev-parse", "HEAD")
    upstream.git("branch", "feature/x")
    upstream.chart("api")
    second = upstream.commit()
    url = f"git+file://{upstream.path}//charts/web"
    found = [client.checkout(f"{url}{ref}").commit for ref in ("", "?ref=main", "?ref=v1.0.0", f"?ref={first}")]
    assert found == [second, second, first, first]
    assert client.checkout(f"{url}?ref=feature/x").commit == first
    assert client.checkout(f"{url}?ref=refs/heads/feature/x").commit == first


def test_a_tag_counts_before_a_branch_of_its_name(upstream: Any, client: Any) -> None:
    first = upstream.git("rev-parse", "HEAD")
    upstream.commit()
    upstream.git("branch", "v1.0.0")
    assert client.checkout(f"git+file://{upstream.path}?ref=v1.0.0").commit == first


def test_only_the_folder_comes(upstream: Any, client: Any, files: Files) -> None:
    checkout = client.checkout(f"git+file://{upstream.path}//charts/web")
    assert files(checkout) == WEB
    assert checkout.path == f"{checkout.root}/charts/web"


def test_without_a_path_all_comes(upstream: Any, client: Any, files: Files) -> None:
    checkout = client.checkout(f"git+file://{upstream.path}")
    assert files(checkout) == [*WEB, "other/note.txt"]
    assert checkout.path == checkout.root


def test_what_links_and_dependencies_lead_to_comes_along(upstream: Any, client: Any, files: Files) -> None:
    upstream.chart("lib")
    upstream.chart("web", "dependencies: [{name: lib, version: 1.0.0, repository: 'file://../lib'}]\n")
    os.symlink("../../other/note.txt", upstream.path / "charts" / "web" / "note.txt")
    upstream.commit()
    checkout = client.checkout(f"git+file://{upstream.path}//charts/web")
    lib = ["charts/lib/Chart.yaml", "charts/lib/templates/cm.yaml"]
    assert files(checkout) == [*lib, WEB[0], "charts/web/note.txt", WEB[1], "other/note.txt"]
    assert os.path.realpath(f"{checkout.path}/note.txt") == os.path.realpath(f"{checkout.root}/other/note.txt")


def test_over_http_a_commit_is_fetched_without_its_history_and_without_large_files(
    upstream: Any, server: Any, client: Any
) -> None:
    upstream.write("other/large.bin", os.urandom(1 << 20))
    upstream.commit()
    run = client.run()
    run.checkout(parse(f"git+{server.url}/charts//charts/web"))
    assert server.fetches == 1
    assert sum(size for size in _sizes(client.cache.parent)) < 500_000


def test_a_large_file_that_is_wanted_comes(upstream: Any, server: Any, client: Any, files: Files) -> None:
    upstream.write("charts/web/files/large.bin", os.urandom(1 << 20))
    upstream.commit()
    checkout = client.checkout(f"git+{server.url}/charts//charts/web")
    assert "charts/web/files/large.bin" in files(checkout)
    assert os.path.getsize(f"{checkout.path}/files/large.bin") == 1 << 20


def test_twenty_charts_of_one_repository_are_one_fetch(upstream: Any, server: Any, client: Any) -> None:
    for number in range(20):
        upstream.chart(f"app-{number}")
    upstream.commit()
    run = client.run()
    threads = [
        threading.Thread(target=run.checkout, args=[parse(f"git+{server.url}/charts//charts/app-{number}?ref=main")])
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run.git.fetches == server.fetches == 1
    assert len([path for path in server.requests if "info/refs" in path]) == 2  # which commit it is, and the fetch
    again = client.run()
    again.checkout(parse(f"git+{server.url}/charts//charts/app-7?ref=main"))
    assert (again.git.fetches, server.fetches) == (0, 1)


def test_a_commit_that_is_cached_needs_no_network(upstream: Any, server: Any, client: Any) -> None:
    commit = upstream.git("rev-parse", "HEAD")
    client.checkout(f"git+{server.url}/charts//charts/web?ref={commit}")
    server.stop()
    assert client.checkout(f"git+{server.url}/charts//charts/web?ref={commit}").commit == commit
    with pytest.raises(ChartError, match="it cannot be asked"):
        client.checkout(f"git+{server.url}/charts//charts/web?ref=main")
    # which commit it is may be known from elsewhere, such as a lock file
    assert client.run().checkout(parse(f"git+{server.url}/charts//charts/web?ref=main"), commit).commit == commit
    server.start()


def test_a_branch_that_moves_is_followed(upstream: Any, client: Any) -> None:
    url = f"git+file://{upstream.path}//charts/web?ref=main"
    first = client.checkout(url)
    upstream.write("charts/web/values.yaml", "a: 1\n")
    second = client.checkout(url) if upstream.commit() else first
    assert first.commit != second.commit
    assert not os.path.exists(f"{first.path}/values.yaml")
    assert os.path.exists(f"{second.path}/values.yaml")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/hostname", "leads out of the repository"),
        ("../../../outside", "leads out of the repository"),
        ("../../../charts/other/note.txt", "leads out of the repository"),
        ("here/../../../../x", "leads out of the repository"),
    ],
)
def test_links_that_leave_the_repository_are_refused(upstream: Any, client: Any, target: str, words: str) -> None:
    os.symlink(".", upstream.path / "charts" / "web" / "here")
    os.symlink(target, upstream.path / "charts" / "web" / "link")
    upstream.commit()
    with pytest.raises(ChartError, match=words) as caught:
        client.checkout(f"git+file://{upstream.path}//charts/web")
    assert "charts/web/link" in str(caught.value)
    with pytest.raises(ChartError, match=words):  # nothing of it was kept
        client.checkout(f"git+file://{upstream.path}//charts/web")


def test_a_way_out_over_several_links_is_refused(upstream: Any, client: Any) -> None:
    os.symlink(".", upstream.path / "here")
    os.symlink("here/../x", upstream.path / "link")
    upstream.commit()
    with pytest.raises(ChartError, match="'link' leads out of the repository"):
        client.checkout(f"git+file://{upstream.path}")


@pytest.mark.parametrize("place", ["file:///etc", "file://../../../etc"])
def test_dependencies_that_leave_the_repository_are_refused(upstream: Any, client: Any, place: str) -> None:
    upstream.chart("web", f"dependencies: [{{name: etc, version: 1.0.0, repository: '{place}'}}]\n")
    upstream.commit()
    with pytest.raises(ChartError, match="a dependency of the chart in 'charts/web' leads out of the repository"):
        client.checkout(f"git+file://{upstream.path}//charts/web")


def test_submodules_are_not_fetched(upstream: Any, server: Any, client: Any, tmp_path: Any) -> None:
    upstream.git("submodule", "--quiet", "add", str(upstream.path), "inner")
    upstream.commit()
    assert os.listdir(f"{client.checkout(f'git+{server.url}/charts').path}/inner") == []
    with pytest.raises(ChartError, match="has no 'inner'"):
        client.checkout(f"git+{server.url}/charts//inner")


def test_neither_the_repositorys_hooks_nor_the_users_settings_are_run(
    upstream: Any, client: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    home = tmp_path / "home"
    hook = home / "hooks" / "post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\n hooksPath = {hook.parent}\n[filter "x"]\n smudge = touch {ran}; cat\n'
        f"[credential]\n helper = !touch {ran}\n",
        encoding="utf-8",
    )
    for name, value in (("HOME", home), ("GIT_CONFIG_GLOBAL", home / ".gitconfig"), ("GIT_DIR", tmp_path)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home))
    upstream.write(".gitattributes", "* filter=x\n")
    upstream.commit()
    client.checkout(f"git+file://{upstream.path}")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("?ref=v1.0.1", "has no branch or tag 'v1.0.1'. Did you mean 'v1.0.0'?"),
        ("?ref=abcdef12", "has no branch or tag 'abcdef12'. If a commit is meant, write all its 40 digits"),
        ("?ref=" + "0" * 40, "has no commit 0000000000000000000000000000000000000000"),
    ],
)
def test_a_ref_that_is_not_there_is_told(upstream: Any, client: Any, reference: str, words: str) -> None:
    with pytest.raises(ChartError) as caught:
        client.checkout(f"git+file://{upstream.path}//charts/web{reference}")
    assert f"the git repository file://{upstream.path} {words}" in str(caught.value)


def test_a_path_that_is_not_there_is_told_with_the_nearest(upstream: Any, client: Any) -> None:
    with pytest.raises(ChartError, match=r"has no 'charts/wbe' at commit [0-9a-f]{12}. Did you mean 'charts/web'?"):
        client.checkout(f"git+file://{upstream.path}//charts/wbe")


def test_a_repository_that_is_not_there_is_told(upstream: Any, server: Any, client: Any) -> None:
    for url in (f"file://{upstream.path}x", f"{server.url}/nowhere.git"):
        with pytest.raises(ChartError, match="there is no such repository"):
            client.checkout(f"git+{url}")


def test_an_empty_repository_is_told(upstream: Any, client: Any, tmp_path: Any) -> None:
    empty = type(upstream)(tmp_path / "empty")
    with pytest.raises(ChartError, match="has no commit yet, or no HEAD"):
        client.checkout(f"git+file://{empty.path}")


def test_git_that_is_missing_is_told(client: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HelmstackError, match=r"the program 'git' is not found in PATH .*Install git"):
        client.checkout("git+file:///srv/charts")


def test_a_run_that_ends_ends_its_git_with_all_that_it_has_started(
    client: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho $$ >"{tmp_path}/pid"\nexec sleep 60\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    run = client.run()
    told: list[str] = []

    def fetch() -> None:
        try:
            run.checkout(parse("git+file:///srv/charts"))
        except HelmstackError as error:
            told.append(str(error))

    thread = threading.Thread(target=fetch)
    thread.start()
    for _each in range(500):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="utf-8").strip():
            break
        time.sleep(0.02)
    run.terminate_all()
    thread.join(10)
    assert not thread.is_alive()
    assert len(told) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)
    with pytest.raises(HelmstackError, match="stopped before git could begin"):
        run.checkout(parse("git+file:///srv/other"))


def _sizes(folder: Any) -> list[int]:
    return [path.lstat().st_size for path in folder.rglob("*")]
