# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation as web pages: the modules' and the role's by antsibull-docs, and our own; a warning is an error."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .layout import DEV_VENV, ROOT, WORK, environment
from .schedule import Job, StepFailed

SITE = WORK / "docs"
PAGES = SITE / "html" / "index.html"
_BIN = DEV_VENV / "bin"
_LEFT_OUT = re.compile(r"findings/|changelogs/")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_INDEX = """\
# helmstack.core

```{{toctree}}
:caption: Guides
:maxdepth: 1

{guides}
```

```{{toctree}}
:caption: Reference
:maxdepth: 2

modules/index
```

```{{toctree}}
:caption: Work on it
:maxdepth: 1

{others}
```
"""


def make_site(job: Job, collection: Path) -> str:
    """The pages, in .work/docs/html.

    :arg collection: a copy of the checkout at …/ansible_collections/helmstack/core.
    :raises StepFailed: a link without a target, or anything else that Sphinx or antsibull-docs warn of.
    """
    shutil.rmtree(SITE, ignore_errors=True)
    source, modules = SITE / "source", SITE / "source" / "modules"
    modules.mkdir(parents=True)
    modules.chmod(0o755)  # antsibull-docs wants that nobody else may write here
    env = environment(_BIN, ANSIBLE_COLLECTIONS_PATH=str(collection.parents[2]))
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    job.run([_BIN / "antsibull-docs", "collection", *options, "--dest-dir", modules, "helmstack.core"], env=env)
    texts = [path.relative_to(collection) for path in sorted(collection.rglob("*.md"))]
    texts = [path for path in texts if not _LEFT_OUT.match(str(path))]
    for path in texts:
        _copy(collection, path, source)
    for image in (collection / "docs").glob("*.webp"):
        shutil.copy2(image, source / "docs")
    guides = [path for path in texts if path.parts[0] in ("README.md", "docs")]
    listed = {"guides": guides, "others": [path for path in texts if path not in guides]}
    lines = {name: "\n".join(str(path.with_suffix("")) for path in paths) for name, paths in listed.items()}
    (source / "index.md").write_text(_INDEX.format(**lines))
    command = [_BIN / "python", "-m", "sphinx", "-W", "--keep-going", "-q", "-c", ROOT / "tools" / "site"]
    job.run([*command, "-d", SITE / "doctrees", source, SITE / "html"], env=env)
    return f"{len(texts) + len(list(modules.glob('*.rst')))} pages"


def _copy(collection: Path, path: Path, source: Path) -> None:
    """A text whose links to what is no page, such as a folder, are plain words.

    :raises StepFailed: such a file does not exist.
    """

    def plain(match: re.Match[str]) -> str:
        image, words, target, _anchor = match.groups()
        if image or target.endswith(".md") or "://" in target:
            return match[0]
        if not (collection / os.path.normpath(path.parent / target)).exists():
            raise StepFailed(f"{path} has a link to {target}, which does not exist")
        return words

    goal = source / path
    goal.parent.mkdir(parents=True, exist_ok=True)
    goal.write_text(_LINK.sub(plain, (collection / path).read_text()))
