# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack's releases as manifests, without a cluster, for helmstack_template."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.chart.chart import Chart
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmstackError
from ansible_collections.helmstack.core.plugins.module_utils.helm.arguments import TemplateArgs
from ansible_collections.helmstack.core.plugins.module_utils.helm.client import Helm
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import MASK, Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.redact import checksums_in, pair
from ansible_collections.helmstack.core.plugins.module_utils.masking.secret_objects import (
    is_secret,
    likely_secrets,
    secret_strings,
)
from ansible_collections.helmstack.core.plugins.module_utils.plan import images, manifest
from ansible_collections.helmstack.core.plugins.module_utils.plan.manifest import Object
from ansible_collections.helmstack.core.plugins.module_utils.plan.spray import Sprayed
from ansible_collections.helmstack.core.plugins.module_utils.plan.values import ValuesFiles
from ansible_collections.helmstack.core.plugins.module_utils.report.diff import to_yaml
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Release, Stack

_WORKERS = os.cpu_count() or 2


@dataclass(frozen=True)
class RenderOptions:
    """What a stack is rendered for, and where the manifests go; the options of helmstack_template."""

    kube_version: str | None = None
    api_versions: tuple[str, ...] = ()
    include_crds: bool = False
    include_hooks: bool = True
    output_dir: str | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> RenderOptions:
        """Those of a module's options; helmstack_bundle has the first two."""
        return cls(
            params.get("kube_version"),
            tuple(params.get("api_versions") or ()),
            bool(params.get("include_crds")),
            bool(params.get("include_hooks", True)),
            params.get("output_dir"),
        )


@dataclass(frozen=True)
class Templates:
    """Renders the releases of one stack.

    :arg fetch: gives a release's chart.
    :arg helm: gives the program for a release.
    :arg values: the values files for helm.
    :arg expand: gives the releases of an umbrella and of its chart.
    """

    stack: Stack
    options: RenderOptions
    fetch: Callable[[Release], Chart]
    helm: Callable[[Release], Helm]
    values: ValuesFiles
    expand: Callable[[Release, Chart], Sprayed]

    def run(self, *, check_mode: bool) -> dict[str, Any]:
        """The result of helmstack_template: manifests, images, and the diff of the files in ``output_dir``.

        :arg check_mode: no file is written.
        :raises HelmstackError: a release cannot be rendered; no file has been written.
        """
        targets = self.stack.targets
        chosen = [r for r in self.stack.releases if not r.ignore and (targets is None or r.id in targets)]
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            wanted = [release for group in pool.map(self._releases, chosen) for release in group]
            texts = list(pool.map(self._render, wanted))
        objects = {release.id: manifest.parse(text, release.id) for release, text in zip(wanted, texts)}
        held = [item for items in objects.values() for item in items]
        files = {os.path.join(r.namespace, f"{r.name}.yaml"): text for r, text in zip(wanted, texts)}
        folder = self.options.output_dir
        public = self.stack.public_names.union(*(release.public_names for release in wanted))  # of sub-charts, too
        vaulted = Mask(self.stack.secrets, public)
        changes = _write(folder, files, vaulted, check_mode=check_mode, whole=targets is None) if folder else {}
        old = {path: _objects(before, path) for path, (before, _after) in changes.items() if before is not None}
        held += [item for items in old.values() for item in items or ()]
        mask = Mask({*self.stack.secrets, *secret_strings(held)}, public)
        releases = [
            {"namespace": release.namespace, "name": release.name, "manifest": _shown(text, mask)}
            for release, text in zip(wanted, texts)
        ]
        result = {"releases": releases, "images": mask.data(_images(objects))}
        if not folder:
            return {"changed": False, **result}
        diff = [
            {
                "before_header": path,
                "after_header": path,
                # what is secret of a file that is not ours cannot be known
                "before": MASK if path in old and old[path] is None else _shown(before or "", mask),
                "after": _shown(after or "", mask),
            }
            for path, (before, after) in changes.items()
        ]
        return {"changed": bool(diff), **result, "diff": diff}

    def _releases(self, release: Release) -> tuple[Release, ...]:
        """The release, or an umbrella's sub-charts, whose charts are paths then."""
        return (release,) if release.spray is None else self.expand(release, self.fetch(release)).releases

    def _render(self, release: Release) -> str:
        values = self.values.of(release)
        args = TemplateArgs(
            release=release.name,
            namespace=release.namespace,
            chart=self.fetch(release).path,
            values=values.write(),
            sets=release.set_args,
            names=values.names,
            kube_version=self.options.kube_version,
            api_versions=self.options.api_versions,
            include_crds=self.options.include_crds and not release.options.skip_crds,
            skip_schema_validation=release.options.skip_schema_validation,
            disable_hooks=not self.options.include_hooks,
            post_renderer=release.options.post_renderer,
        )
        try:
            return self.helm(release).template(args)
        except HelmstackError as error:
            error.reword(Mask(likely_secrets(values.merged)).text)
            raise


def _images(objects: Mapping[str, list[Object]]) -> list[dict[str, Any]]:
    """Each image with the releases that name it; without a cluster none comes or goes."""
    used = [(name, images.Used(after=images.of(items))) for name, items in objects.items()]
    return [{key: row[key] for key in ("image", "releases")} for row in images.table(used)]


def _shown(text: str, mask: Mask) -> str:
    """A manifest as it may be shown: of Secrets only the keys."""
    documents = re.split(r"^(?=---(?:\s|$))", text, flags=re.MULTILINE)
    shown = "".join(_without_values(document) for document in documents)
    return mask.text(checksums_in(shown, guessable=mask.knows_secrets))


def _without_values(document: str) -> str:
    """A document of a manifest, anew without values and comments if there is a Secret in it."""
    objects = _objects(document, "") or []
    if not any(is_secret(item) for item in objects):
        return document
    head = re.match(r"(?:---.*\n|#.*\n|\n)*", document)
    return (head[0] if head else "") + "---\n".join(to_yaml(pair(item, None, guessable=True)[0]) for item in objects)


def _write(
    folder: str, files: Mapping[str, str], vaulted: Mask, *, check_mode: bool, whole: bool
) -> dict[str, tuple[str | None, str | None]]:
    """Writes these files and (if they are the whole stack) removes others; returns the changes, by path."""
    present = {name: text for name in _manifests(folder) if (text := _read(os.path.join(folder, name))) is not None}
    gone = sorted(set(present) - set(files)) if whole else []
    changed = [name for name, text in files.items() if present.get(name) != text]
    if not check_mode:
        for name in changed:
            _save(os.path.join(folder, name), files[name], vaulted)
        for name in gone:
            os.unlink(os.path.join(folder, name))
    return {os.path.join(folder, name): (present.get(name), files.get(name)) for name in [*changed, *gone]}


def _objects(text: str, path: str) -> list[Object] | None:
    """The objects of a manifest; None: it is none."""
    try:
        return manifest.parse(text, path)
    except HelmstackError:
        return None


def _manifests(folder: str) -> list[str]:
    """What this module writes: one level of folders with YAML files; anything else there is not ours."""
    names = []
    for namespace in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        inner = os.path.join(folder, namespace)
        if os.path.isdir(inner) and not namespace.startswith("."):
            names += [os.path.join(namespace, name) for name in sorted(os.listdir(inner)) if name.endswith(".yaml")]
    return names


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise HelmstackError(f"{path} cannot be read: {error}") from None


def _save(path: str, text: str, vaulted: Mask) -> None:
    private = vaulted.text(text) != text or any(is_secret(item) for item in _objects(text, path) or ())
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
        with open(handle, "w", encoding="utf-8") as file:
            if private:
                os.fchmod(handle, 0o600)
            file.write(text)
    except OSError as error:
        raise HelmstackError(f"{path} cannot be written: {error.strerror}") from None
