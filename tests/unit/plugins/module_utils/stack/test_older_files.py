# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of helmstack 1.9 need no change: those of its README, word for word."""

from __future__ import annotations

import json
from typing import Any

import pytest

STACKFILE = """\
releases:
  - name: web-env
    namespace: web
    chart: chart/web-env
    values:
      - web-env.yaml
    set:
      some: value
      yet:
        another: value

  - name: web-app
    namespace: web
    chart: chart/web-app

environments: # Optional
  dev:
    overlay:
      - env/dev.yaml
  prod:
    overlay:
      - env/prod.yaml

repositories: # Optional
  - name: chart
    url: https://chartmuseum.somewhere.dk

helmDefaults: # Optional
  recreatePods: true
  force: true
"""
DEV = """\
releases:
  web-env:
    version: 1.7.0
    set:
      some: new-value
  web-app:
    version: 1.39.0
    ignore: true
"""


@pytest.fixture
def old(folder: Any) -> Any:
    folder.write("stackfile.yaml", STACKFILE)
    folder.write("env/dev.yaml", DEV)
    folder.write("env/prod.yaml", "releases: {}\n")
    folder.write("web-env.yaml", "from: file\n")
    return folder


def test_the_stack_of_the_readme_is_read_as_it_is(old: Any) -> None:
    stack = old.resolve()
    assert [(release.id, release.chart, release.version) for release in stack.releases] == [
        ("web/web-env", "chart/web-env", None),
        ("web/web-app", "chart/web-app", None),
    ]
    file, given = stack.releases[0].values
    assert (file.label, json.loads(given.text)) == ("web-env.yaml", {"some": "value", "yet": {"another": "value"}})
    [repository] = stack.repositories
    assert (repository.name, repository.url) == ("chart", "https://chartmuseum.somewhere.dk")
    assert all(release.options.recreate_pods and release.options.force for release in stack.releases)


def test_its_overlay_lists_make_environments(old: Any) -> None:
    stack = old.resolve(environment="dev")
    env, app = stack.releases
    assert (env.version, app.version) == ("1.7.0", "1.39.0")
    assert (env.ignore, app.ignore) == (False, True)
    assert json.loads(env.values[-1].text) == {"some": "new-value", "yet": {"another": "value"}}
    prod = old.resolve(environment="prod")
    assert [(release.version, release.ignore) for release in prod.releases] == [(None, False)] * 2


def test_the_readmes_wishes_are_read_as_well(old: Any) -> None:
    """Its TODO: ``overlays``, .env and environment variables, ``variables``, defaults in .helmstack, nested stacks."""
    old.write(
        "stackfile.yaml",
        STACKFILE.replace("overlay:", "overlays:").replace("value\n\n", "${name} of ${PLACE}\n\n")
        + "variables:\n  name: value\nstacks:\n  - name: elk\n    path: elk\n",
    )
    old.write(".env", "PLACE=here\n")
    old.write(".helmstack", "environment: dev\ncontext: ml-dev\n")
    old.write("elk/stackfile.yaml", "releases:\n  - name: elk\n    namespace: logs\n    chart: ./elk\n")
    stack = old.resolve()
    assert (stack.environment, stack.defaults["context"]) == ("dev", "ml-dev")
    assert {release.id for release in stack.releases} == {"web/web-env", "web/web-app", "logs/elk"}
    [env] = [release for release in stack.releases if release.name == "web-env"]
    assert json.loads(env.values[-1].text)["yet"] == {"another": "value of here"}
