# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repository's failure means for the user. The reasons were recorded with Helm 3.22.0 and 4.3.1."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.chart.repositories import Repositories, write_config
from ansible_collections.helmstack.core.plugins.module_utils.errors import ChartError, InputError
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository

LOOKS = 'looks like "https://x.example.org" is not a valid chart repository or cannot be reached: '
GET = 'Get "https://x.example.org/index.yaml": '
REASONS = [
    ("failed to fetch https://x.example.org/index.yaml : 401 Unauthorized", "refuses this user"),
    ("failed to fetch https://x.example.org/index.yaml : 404 Not Found", "has no such file"),
    (GET + "tls: failed to verify certificate: x509: certificate signed by unknown authority", "is not trusted"),
    (GET + "dial tcp: lookup x.example.org: no such host", "does not answer"),
    (GET + "context deadline exceeded", "does not answer"),
    ("can't create TLS config for client: can't read CA file: /nope", "cannot be asked"),
    ("could not find protocol handler for: ftp", "is of a kind that helm does not know"),
    (
        "error unmarshaling JSON: json: cannot unmarshal string into Go value of type repo.IndexFile",
        "does not answer with a chart index",
    ),
]


class FailingHelm(Helm):
    """A helm whose repositories fail for a reason."""

    def __init__(self, home: Path, reason: str) -> None:
        super().__init__("/nowhere", str(home), None)
        self.reason = reason
        self.asked: list[str] = []

    def repo_update(self, name: str) -> str:
        self.asked.append(name)
        return self.reason


@pytest.mark.parametrize(("reason", "verdict"), REASONS)
def test_a_failure_is_one_sentence_with_what_to_do(tmp_path: Path, reason: str, verdict: str) -> None:
    repository = Repository("r", "https://me:s3cret@x.example.org")
    with pytest.raises(ChartError) as caught:
        Repositories(FailingHelm(tmp_path, LOOKS + reason), [repository]).update(repository)
    said = reason.removeprefix(GET)
    assert caught.value.what == f"the chart repository 'r' (https://x.example.org) {verdict}: {said}"
    assert caught.value.hint


@pytest.mark.parametrize("reason", ["", "EOF"])
def test_an_index_is_asked_for_once_even_if_that_failed(tmp_path: Path, reason: str) -> None:
    helm = FailingHelm(tmp_path, reason)
    repositories = Repositories(helm, [Repository("r", "https://x.example.org")])
    for _turn in range(2):
        try:
            repositories.update(repositories.declared("r"))
        except ChartError:
            assert reason
    assert helm.asked == ["r"]


def test_dependencies_find_a_repository_by_url_or_name(tmp_path: Path) -> None:
    known = Repository("r", "https://x.example.org/charts/")
    repositories = Repositories(FailingHelm(tmp_path, ""), [known])
    for reference in ("https://x.example.org/charts", "https://x.example.org/charts/", "@r", "alias:r"):
        assert repositories.at(reference) is known
    for reference in ("https://x.example.org", "@other", "r"):
        assert repositories.at(reference) is None


def test_an_unknown_repository_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'r' is not declared in the stack\. Declare it under 'repositories'"):
        Repositories(FailingHelm(tmp_path, ""), []).declared("r")


def test_credentials_stand_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "repositories.yaml"
    repository = Repository("r", "https://x", "me", "s3cret", "/ca", "/cert", "/key", insecure=True)
    write_config(str(path), [repository, Repository("o", "oci://x", oci=True)])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert json.loads(path.read_text())["repositories"] == [
        {
            "name": "r",
            "url": "https://x",
            "username": "me",
            "password": "s3cret",
            "caFile": "/ca",
            "certFile": "/cert",
            "keyFile": "/key",
            "insecure_skip_tls_verify": True,
            "pass_credentials_all": False,
        }
    ]
