# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins: who gets them, where they stand, and what is said when they are wrong."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.git.explain import explained
from ansible_collections.helmstack.core.plugins.module_utils.git.login import Logins, ssh_environment
from ansible_collections.helmstack.core.plugins.module_utils.git.process import GitError
from ansible_collections.helmstack.core.plugins.module_utils.git.reference import parse
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

from .git_server import GitServer

PASSWORD = "c4n4ry p@ss:word"


def declared(url: str, **more: Any) -> Repository:
    return Repository("company", url, type="git", **{"username": "ada", "password": PASSWORD, **more})


def test_a_private_repository_is_fetched_with_the_declared_login(server: Any, client: Any) -> None:
    server.login = f"ada:{PASSWORD}"
    checkout = client.checkout(f"git+{server.url}/charts//charts/web", declared(server.url))
    assert os.path.isfile(f"{checkout.path}/Chart.yaml")


def test_a_login_in_the_url_is_used_and_goes_into_no_remotes_url(server: Any, client: Any) -> None:
    server.login = "ada:c4n4ry"
    reference = f"git+{server.url.replace('://', '://ada:c4n4ry@')}/charts//charts/web"
    client.checkout(reference)
    assert not list(_files_with(client.cache, "c4n4ry"))
    configs = [path for path in client.cache.parent.rglob("config") if "[remote" in path.read_text(encoding="utf-8")]
    assert configs
    assert not any("c4n4ry" in path.read_text(encoding="utf-8") for path in configs)


def test_the_password_stands_in_a_file_of_the_run_alone_never_in_arguments_or_environment(
    server: Any, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = f"ada:{PASSWORD}"
    seen = tmp_path / "seen"
    seen.mkdir()
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n(tr "\\0" "\\n" </proc/$$/cmdline; env) >"{seen}/$$"\nexec "{shutil.which("git")}" "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    client.checkout(f"git+{server.url}/charts//charts/web", declared(server.url))
    told = [path.read_text(encoding="utf-8") for path in seen.iterdir()]
    assert any("credential." in text for text in told)
    assert not any("c4n4ry" in text for text in told)
    holding = list(_files_with(client.cache.parent, "c4n4ry"))
    assert [path.parent for path in holding] == [client.cache.parent / "run-1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}


def test_another_host_gets_no_login_not_even_by_a_redirect(server: Any, client: Any, tmp_path: Path) -> None:
    other = GitServer(server.folder, login="ada:x").start()
    server.redirect = other.url
    with pytest.raises(ChartError, match="it wants a login"):
        client.checkout(f"git+{server.url}/charts//charts/web", declared(server.url))
    assert other.requests
    assert other.logins == []
    with pytest.raises(ChartError, match="it wants a login"):
        client.checkout(f"git+{other.url}/charts//charts/web", declared(server.url))
    assert other.logins == []
    other.stop()


@pytest.mark.parametrize(
    ("reference", "fits"),
    [
        ("git+https://git.example.org/team/charts.git//x", True),
        ("git+https://GIT.example.org/team//x", True),
        ("git+https://git.example.org/team-b/charts.git", False),
        ("git+https://git.example.org.evil.org/team/charts.git", False),
        ("git+https://git.example.org:8443/team/charts.git", False),
        ("git+http://git.example.org/team/charts.git", False),
        ("git+https://git.example.org/other", False),
    ],
)
@pytest.mark.parametrize("url", ["https://git.example.org/team", "git+https://git.example.org/team/"])
def test_a_login_is_for_urls_that_begin_with_the_declared_one(
    tmp_path: Path, reference: str, fits: bool, url: str
) -> None:
    logins = Logins(str(tmp_path), [declared(url)])
    assert (logins.declared_for(parse(reference)) is not None) == fits
    assert ("HELMSTACK_GIT_LOGIN" in logins.of(parse(reference)).environ) == fits


def test_the_nearest_declared_repository_counts(tmp_path: Path) -> None:
    near = declared("https://h/team/charts")
    logins = Logins(str(tmp_path), [declared("https://h"), near, declared("https://h/team")])
    assert logins.declared_for(parse("git+https://h/team/charts//x")) is near


def test_a_wrong_login_and_none_are_told(server: Any, client: Any) -> None:
    server.login = "ada:right"
    with pytest.raises(ChartError, match=r"it refuses this user: .*Check username and password") as caught:
        client.checkout(f"git+{server.url}/charts//charts/web", declared(server.url))
    assert "c4n4ry" not in str(caught.value)
    with pytest.raises(ChartError, match=r"it wants a login: .*Declare a repository with type: git"):
        client.checkout(f"git+{server.url}/charts//charts/web")


def test_a_password_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds a line break"):
        Logins(str(tmp_path), [declared("https://h", password="a\nhost=x")]).of(parse("git+https://h/r"))


def test_ssh_never_asks_and_trusts_only_known_hosts() -> None:
    repository = Repository("c", "ssh://h", type="git", key_file="/k/my key", known_hosts="/k/known")
    command = ssh_environment(repository)["GIT_SSH_COMMAND"]
    assert command.startswith("ssh -F /dev/null -i '/k/my key' -o BatchMode=yes -o StrictHostKeyChecking=yes ")
    for option in ('UserKnownHostsFile="/k/known"', "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes"):
        assert option in command
    assert "IdentityAgent=none" in command
    plain = ssh_environment(None)["GIT_SSH_COMMAND"]
    assert plain == "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"


def test_certificates_of_the_declared_repository_are_used(tmp_path: Path) -> None:
    repository = declared("https://h", ca_file="/ca.pem", cert_file="/c.pem", key_file="/k.pem", insecure=True)
    settings = Logins(str(tmp_path), [repository]).of(parse("git+https://h/r")).settings
    assert settings["http.sslCAInfo"] == "/ca.pem"
    assert (settings["http.sslCert"], settings["http.sslKey"]) == ("/c.pem", "/k.pem")
    assert settings["http.sslVerify"] == "false"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "No ED25519 host key is known for h and you have requested strict checking.\n"
            "Host key verification failed.\nfatal: Could not read from remote repository.",
            "the host's key is not known: Host key verification failed. Put it into a file (ssh-keyscan h, then",
        ),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n"
            "fatal: Could not read from remote repository.",
            "its host shows another key than the known one",
        ),
        (
            "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.",
            "the host refuses this user's key: git@h: Permission denied (publickey). Check username and key_file",
        ),
        (
            "fatal: unable to access 'https://h/r/': server certificate verification failed.",
            "its certificate is not trusted",
        ),
        ("fatal: unable to access 'https://h/r/': SSL certificate problem: self-signed certificate", "is not trusted"),
        ("fatal: unable to access 'https://h/r/': Could not resolve host: h", "it cannot be asked"),
        ("fatal: unable to access 'https://h/r/': The requested URL returned error: 403", "it refuses this user"),
        ("fatal: remote error: x not found", "there is no such repository"),
    ],
)
def test_what_git_says_becomes_a_cause_and_a_remedy(words: str, told: str) -> None:
    assert told in str(explained(GitError("git fetch failed", words), "ssh://git@h/r"))


def test_over_ssh_a_repository_is_fetched(upstream: Any, client: Any, tmp_path: Path, monkeypatch: Any) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/said\neval "exec $(eval echo \\${{$#}})"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    repository = Repository("c", "git+ssh://git.example.org", type="git", key_file="/key", known_hosts="/known")
    checkout = client.checkout(f"git+ssh://git@git.example.org:2222{upstream.path}//charts/web", repository)
    assert os.path.isfile(f"{checkout.path}/Chart.yaml")
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert "StrictHostKeyChecking=yes" in said
    assert "git@git.example.org" in said


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh")
def test_ssh_to_a_host_that_does_not_answer_is_told(client: Any) -> None:
    with pytest.raises(ChartError, match=r"it cannot be asked: .*Connection refused"):
        client.checkout("git+ssh://git@127.0.0.1:1/charts.git//charts/web")


def _files_with(folder: Path, text: str) -> Any:
    return (path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes())
