# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's files that go along to a target that does not share its disk."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

import yaml

from ansible_collections.helmstack.core.plugins.module_utils import bundle
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Repository, Stack

_FILES_OF_KUBECONFIG = frozenset(("certificate-authority", "client-certificate", "client-key", "tokenFile"))


class FileBundle:
    """Collects files, and says under which path the target will see each of them."""

    def __init__(self) -> None:
        self.root = f"/helmstack-{uuid.uuid4().hex}"
        self._paths: set[str] = set()
        self._texts: dict[str, bytes] = {}

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return not self._paths and not self._texts

    def take(self, path: str) -> str:
        self._paths.add(path)
        return self.root + path

    def take_text(self, path: str, text: bytes) -> str:
        self._texts[path] = text
        return self.root + path

    def take_kubeconfig(self, path: str, text: bytes) -> str:
        """A kubeconfig and the files beside it that it names."""
        for name in _named_files(_parsed(text)):
            file = os.path.join(os.path.dirname(path), name)
            if not os.path.isabs(name) and os.path.exists(file):
                self.take(os.path.normpath(file))
        return self.take_text(path, text)

    def take_stack(self, stack: Stack) -> Stack:
        """The stack as the target sees it: local charts and the repositories' certificates come along."""
        return replace(
            stack,
            releases=tuple(self._release(release) for release in stack.releases),
            repositories=tuple(self._repository(repository) for repository in stack.repositories),
        )

    def write(self, target: IO[bytes], content: bundle.Bundle) -> None:
        bundle.write(target, content, root=self.root, paths=self._paths, texts=self._texts)

    def _release(self, release: Release) -> Release:
        options, keyring = release.options, release.options.keyring
        if keyring and os.path.exists(keyring):
            options = replace(options, keyring=self.take(keyring))
        return replace(release, chart=self._chart(release.chart), options=options)

    def _chart(self, chart: str) -> str:
        if not os.path.isabs(chart) or not os.path.exists(chart):
            return chart
        if chart not in self._paths:
            self._paths.add(chart)
            for dependency in _file_dependencies(chart):
                self._chart(os.path.normpath(os.path.join(chart, dependency)))
        return self.root + chart

    def _repository(self, repository: Repository) -> Repository:
        files: dict[str, Any] = {
            name: self.take(path)
            for name in ("ca_file", "cert_file", "key_file", "known_hosts")
            if (path := getattr(repository, name)) and os.path.exists(path)
        }
        return replace(repository, **files)


def _file_dependencies(chart: str) -> Iterator[str]:
    """The folders that a chart's dependencies name with ``file://``, as far as they are relative to the chart."""
    for name in ("Chart.yaml", "requirements.yaml"):
        path = os.path.join(chart, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = _parsed(file.read())
            for dependency in content.get("dependencies") or ():
                repository = str(dependency.get("repository", ""))
                if repository.startswith("file://") and not repository.startswith("file:///"):
                    yield repository[len("file://") :]


def _named_files(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _FILES_OF_KUBECONFIG and isinstance(item, str):
                yield item
            yield from _named_files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_files(item)


def _parsed(text: bytes) -> dict[str, Any]:
    """The content of a YAML file; the program that uses it reports what is wrong with it."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}
