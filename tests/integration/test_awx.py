# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX as code: arguments are those of the released modules, a check tells what the run does, secrets stay secret."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import ANSIBLE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PINS = ROOT / "tests" / "requirements" / "awx.txt"
CANARIES = ("canary-token+1", "canary-kubeconfig+2", "canary-vault+3", "canary-git+4", "canary-logins+5")
BUILT_IN = {
    "organization": ["Default"],
    "credential_type": [
        "OpenShift or Kubernetes API Bearer Token",
        "Vault",
        "Source Control",
        "Container Registry",
        "Some type",
    ],
}
SETUP: dict[str, Any] = {
    "helmstack_awx_name": "shop",
    "helmstack_awx_controller": {"host": "https://awx.example.org", "oauth_token": CANARIES[0]},
    "helmstack_awx_project": {"scm_url": "https://git.example.org/shop.git", "credential": "git"},
    "helmstack_awx_execution_environment": {"image": "registry.example.org/ee:1", "credential": "images"},
    "helmstack_awx_credentials": [
        {"name": "git", "kind": "source_control", "inputs": {"password": CANARIES[3]}},
        {"name": "images", "kind": "container_registry", "inputs": {"host": "registry.example.org"}},
        {"name": "clusters", "kind": "kubeconfig", "inputs": {"kubeconfig": CANARIES[1]}},
        {"name": "vault", "kind": "vault", "inputs": {"vault_password": CANARIES[2]}},
        {"name": "logins", "kind": "registry_logins", "inputs": {"config": CANARIES[4]}},
        {"name": "more", "kind": "other", "type": "Some type", "inputs": {"a": "b"}},
    ],
    "helmstack_awx_inventory": {
        "hosts": [{"name": "eu", "variables": {"helmstack_context": "eu"}}, {"name": "us"}],
        "groups": [{"name": "prod", "hosts": ["eu", "us"]}, {"name": "all-of-it", "children": ["prod"]}],
    },
    "helmstack_awx_job_templates": {
        "forks": 10,
        "survey": [{"question_name": "After a failure", "variable": "helmstack_on_failure", "choices": ["stop"]}],
    },
}
# (what is given, what must be said)
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"helmstack_awx_inventry": "x"}, "Unknown: helmstack_awx_inventry."),
    ({"helmstack_awx_name": None}, "missing required arguments: helmstack_awx_name. Nothing was made."),
    (
        {"helmstack_awx_project": {"scm_branch": "main"}},
        "missing required arguments: scm_url found in helmstack_awx_project",
    ),
    (
        {"helmstack_awx_credentials": [{"name": "x", "kind": "vault", "input": {"vault_password": CANARIES[2]}}]},
        "unsupported: helmstack_awx_credentials.input. Supported are",
    ),
    ({"helmstack_awx_credentials": [{"name": "x", "kind": "valt"}]}, "value of kind must be one of: kubernetes,"),
    ({"helmstack_awx_credentials": [{"name": "x", "kind": "other"}]}, "with kind other needs type"),
    ({"helmstack_awx_credentials": [{"name": "x", "kind": "vault"}] * 2}, "has two of the same name: x, x."),
    ({"helmstack_awx_inventory": {"variables": {}}}, "needs either source_path, a file of the project, or hosts."),
    (
        {"helmstack_awx_inventory": {"hosts": [{"name": "eu"}], "groups": [{"name": "prod", "hosts": ["eu", "us"]}]}},
        "names hosts that are not in helmstack_awx_inventory.hosts: us.",
    ),
    (
        {"helmstack_awx_inventory": {"hosts": [{"name": "eu"}], "groups": [{"name": "prod", "children": ["dev"]}]}},
        "has children that are no groups of it: dev.",
    ),
    ({"helmstack_awx_controller": {"oauth_token": CANARIES[0]}}, "Which controller is meant?"),
    (
        {"helmstack_awx_collection": "ansible.controller"},
        "The collection ansible.controller is not installed: ansible-galaxy collection install ansible.controller",
    ),
]
BAD_INPUT: list[Any] = [
    {
        "block": [
            {"ansible.builtin.include_role": {"name": "helmstack.core.helmstack_awx", "rolespec_validate": False}}
        ],
        "rescue": [{"ansible.builtin.debug": {"msg": "said: {{ ansible_failed_result.msg }}"}}],
    }
]


@dataclass(frozen=True)
class Awx:
    """The released collection, with a stand-in for what its modules do; and the objects."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "objects.json"

    def objects(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    def run(self, *words: str, playbook: str = "helmstack.core.awx", setup: dict[str, Any] = SETUP) -> tuple[int, str]:
        (self.root / "setup.json").write_text(json.dumps(setup))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
        env["ANSIBLE_COLLECTIONS_PATH"] = f"{self.root}{os.pathsep}{env.get('ANSIBLE_COLLECTIONS_PATH', '')}"
        env["HELMSTACK_AWX"] = str(self.file)
        done = subprocess.run(
            [f"{ANSIBLE}/ansible-playbook", playbook, "-i", "localhost,", "-c", "local", "-e", "@setup.json", *words],
            cwd=self.root,
            env={**env, "ANSIBLE_HOME": str(self.root / "ansible")},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        assert not [canary for canary in CANARIES if canary in done.stdout]
        return done.returncode, done.stdout


def fetched(folder: Path) -> Path:
    """The released collection, out of the package that holds it."""
    [pin] = [line for line in PINS.read_text().splitlines() if line.startswith("ansible==")]
    kept = Path.home() / ".cache" / "helmstack" / f"awx-of-{pin}.zip"
    if not kept.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run(
            [*pip, "--python-version", "3.13", "--dest", str(folder), pin],
            check=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )
        [wheel] = folder.glob("*.whl")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(folder / "awx.zip", "w") as part:
            for name in whole.namelist():
                if name.startswith("ansible_collections/awx/awx/"):
                    part.writestr(name, whole.read(name))
        shutil.move(folder / "awx.zip", kept)
        wheel.unlink()
    return kept


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ANSIBLE:
        pytest.skip("HELMSTACK_ANSIBLE names no folder with ansible-playbook")
    folder = tmp_path_factory.mktemp("awx")
    with zipfile.ZipFile(fetched(folder)) as archive:
        archive.extractall(folder)
    plugins = folder / "ansible_collections" / "awx" / "awx" / "plugins"
    (plugins / "action").mkdir()
    for module in (plugins / "modules").glob("[a-z]*.py"):
        shutil.copy(HERE / "awx_stub.py", plugins / "action" / module.name)
    return folder


@pytest.fixture
def awx(collections: Path) -> Awx:
    return fresh(collections)


def fresh(collections: Path) -> Awx:
    """An AWX with what it has from the start."""
    made = Awx(collections)
    objects = {
        kind: {name: {"id": number, "fields": {}} for number, name in enumerate(names, 1)}
        for kind, names in BUILT_IN.items()
    }
    made.file.write_text(json.dumps(objects))
    return made


@dataclass(frozen=True)
class SetUp:
    """What a check and a run of the whole setup told, and what there was after each."""

    checked: str
    after_check: dict[str, Any]
    ran: str
    made: dict[str, Any]


@pytest.fixture(scope="module")
def set_up(collections: Path) -> SetUp:
    awx = fresh(collections)
    status, checked = awx.run("--check")
    assert status == 0, checked
    after_check = awx.objects()
    status, ran = awx.run("-vvv")
    assert status == 0, ran
    return SetUp(checked, after_check, ran, awx.objects())


def changed(output: str) -> set[str]:
    """What was made or changed, by task and item; what a check tells besides, as the run tells it."""
    found, task = set(), ""
    for line in output.splitlines():
        named = re.match(r"TASK \[helmstack.core.helmstack_awx : (.*)\]", line)
        task = named.group(1) if named else task
        if line.startswith("changed: "):
            item = re.search(r"\(item=(.*?)\)(?: => .*)?$", line)
            found.add(item.group(1) if item and "censored" not in item.group(1) else task)
    return found


# What a check tells of what lies in something that is to be made, and the task that makes it.
WITHIN = {
    "workflow node review": "The workflow's review",
    "workflow node approve": "The workflow's approval",
    "workflow node deploy": "The workflow's deployment",
    "what follows workflow node approve": "What follows the workflow's approval",
    "credential clusters": "Credentials",
    "credential logins": "Credentials",
}


def announced(output: str) -> set[str]:
    return {WITHIN.get(each, each) for each in changed(output)}


def test_a_check_tells_what_the_run_makes_and_a_second_run_changes_nothing(set_up: SetUp, awx: Awx) -> None:
    assert awx.objects() == set_up.after_check
    assert announced(set_up.checked) == changed(set_up.ran)
    made = set_up.made
    awx.file.write_text(json.dumps(made))
    for words in ((), ("--check",)):
        status, again = awx.run(*words)
        assert (status, changed(again)) == (0, set()), again
    assert awx.objects() == made

    # what refers to something new changes, and nothing else
    given = {**SETUP["helmstack_awx_execution_environment"], "name": "newer"}
    setup = {**SETUP, "helmstack_awx_execution_environment": given}
    _, checked = awx.run("--check", setup=setup)
    assert awx.objects() == made
    _, ran = awx.run(setup=setup)
    templates = {f"job template shop: {name}" for name in ("review", "deploy", "deploy what was approved")}
    assert changed(checked) == changed(ran) == {"Execution environment", *templates}


def test_the_workflow_hands_on_the_digest(set_up: SetUp) -> None:
    made = set_up.made
    templates = {name: each["fields"] for name, each in made["job_template"].items()}
    assert [templates[f"shop: {name}"]["job_type"] for name in ("review", "deploy", "deploy what was approved")] == [
        "check",
        "run",
        "run",
    ]
    # as docs/awx.md has it; AWX hands the review's artifacts to the later nodes
    assert templates["shop: deploy what was approved"]["extra_vars"] == {
        "helmstack_expected_plan": "{{ helmstack_reviews[inventory_hostname]['shop'] }}"
    }
    assert templates["shop: review"]["extra_vars"] == templates["shop: deploy"]["extra_vars"] == {}
    assert all(each["credentials"] == ["clusters", "vault", "logins", "more"] for each in templates.values())
    nodes = {name: each["fields"] for name, each in made["workflow_job_template_node"].items()}
    assert nodes["review"]["success_nodes"] == ["approve"]
    assert nodes["approve"]["approval_node"]["name"] == "shop: approve"
    assert nodes["approve"]["success_nodes"] == ["deploy"]
    assert nodes["deploy"]["unified_job_template"] == "shop: deploy what was approved"
    types = {name: each["fields"] for name, each in made["credential_type"].items() if each["fields"]}
    assert types["helmstack kubeconfig"]["injectors"]["env"] == {"K8S_AUTH_KUBECONFIG": "{{ tower.filename }}"}


def test_bad_input_is_one_sentence_and_makes_nothing(awx: Awx) -> None:
    empty = awx.objects()
    plays = []
    for given, _ in WRONG:
        variables = {name: value for name, value in {**SETUP, **given}.items() if value is not None}
        plays.append({"hosts": "all", "gather_facts": False, "vars": variables, "tasks": BAD_INPUT})
    (awx.root / "bad.yml").write_text(json.dumps(plays))
    _, output = awx.run(playbook="bad.yml", setup={})
    said = [json.loads(found) for found in re.findall(r'^    "msg": ("said: .*")$', output, re.MULTILINE)]
    assert len(said) == len(WRONG), output
    for told, (_, wanted) in zip(said, WRONG, strict=True):
        assert wanted in told
        assert told.endswith("Nothing was made.")
        assert "\n" not in told
    assert awx.objects() == empty


def test_a_refused_credential_is_told_without_its_secret(awx: Awx) -> None:
    wrong = {"name": "typeless", "kind": "other", "type": "No such type", "inputs": {"token": CANARIES[0]}}
    status, output = awx.run("-vvv", setup={**SETUP, "helmstack_awx_credentials": [wrong]})
    assert status != 0
    assert (
        "The credential typeless was refused: credential typeless: there is no credential_type No such type" in output
    )
    assert "job_template" not in awx.objects()
