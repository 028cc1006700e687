# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test steps, by name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from .ansible_home import ansible_test_environment, make_home
from .ansible_test import sanity, units
from .copies import copy_checkout
from .counting import attempt, counted, result_file
from .docs import make_site
from .environments import oldest_venv
from .interpreters import Pair
from .junit import Count
from .layout import CLUSTERS, COLLECTION_PATH, COLLECTIONS, DEV_VENV, ROOT, WORK, environment
from .release import RELEASE, SUMS, CannotRelease, release
from .schedule import Job, Step, StepFailed

Action = Callable[[Job], str]

DEV_BIN = DEV_VENV / "bin"
PLUGIN_FOLDERS = ("module_utils", "plugin_utils", "action", "modules", "filter", "lookup")
TYPED_PLUGINS = tuple(f"plugins/{name}" for name in PLUGIN_FOLDERS)
TYPED_SCRIPTS = ("tests/cluster", "tests/benchmark", "examples", "tools")
OLDEST, NEWEST = ENDS = ("oldest", "newest")  # of the matrix
# of each end's integration tests, each with a control plane: they wait for controllers more than they compute
WORKERS = 2
LARGEST_BUILD = 1_000_000
MUST_BE_BUILT = {"galaxy.yml", "meta/runtime.yml", "requirements.txt", "LICENSE", "README.md"}
MUST_NOT_BE_BUILT = re.compile(
    r"^(\.|findings/|tools/|tests/(unit|integration|cluster|output|benchmark)|Makefile)|__pycache__|\.(pyc|gz)$"
)


def python_files(folder: str) -> bool:
    return any((ROOT / folder).rglob("*.py"))


# ---- cheap checks


def lint(job: Job) -> str:
    """ruff's rules and layout, and mypy with the plugins under their full names."""
    failed = []
    for words in (["check", "--output-format", "concise"], ["format", "--check"]):
        try:
            job.run([DEV_BIN / "ruff", *words], env=environment(DEV_BIN))
        except StepFailed:
            failed.append(f"ruff {words[0]}")
    mypy = [DEV_BIN / "mypy", "--config-file", ROOT / "pyproject.toml"]
    plugins = [COLLECTION_PATH / folder for folder in TYPED_PLUGINS if python_files(folder)]
    scripts = [folder for folder in TYPED_SCRIPTS if python_files(folder)]
    for folders, cwd in ((plugins, COLLECTIONS), (scripts, ROOT)):
        try:
            if folders:
                job.run([*mypy, *folders], cwd=cwd, env=environment(DEV_BIN))
        except StepFailed:
            failed.append("mypy")
    if failed:
        raise StepFailed(", ".join(failed))
    return f"types in {len(plugins) + len(scripts)} folders"


def ansible_lint(job: Job) -> str:
    folder = copy_checkout("ansible-lint")
    env = environment(DEV_BIN, ANSIBLE_COLLECTIONS_PATH=str(folder.parents[2]))
    output = job.run(
        [DEV_BIN / "ansible-lint", "--offline", "--nocolor", "--strict", "--profile", "production"], cwd=folder, env=env
    )
    passed = re.search(r"(\d+) files? processed|on (\d+) files", output)
    return passed.group(0) if passed else ""


def docs(job: Job) -> str:
    """The modules' documentation, and all pages."""
    folder = copy_checkout("docs")
    env = environment(DEV_BIN, ANSIBLE_COLLECTIONS_PATH=str(folder.parents[2]))
    words = [
        "lint-collection-docs",
        "--plugin-docs",
        "--skip-rstcheck",
        "--validate-collection-refs",
        "dependent",
    ]
    job.run([DEV_BIN / "antsibull-docs", *words, "."], cwd=folder, env=env)
    return make_site(job, folder)


def changelog(job: Job) -> str:
    folder = copy_checkout("changelog")
    job.run([DEV_BIN / "antsibull-changelog", "lint"], cwd=folder, env=environment(DEV_BIN))
    return f"{len(list((folder / 'changelogs' / 'fragments').glob('*.yml')))} fragments"


def build(job: Job) -> str:
    """Build the collection, check what is in it, install it and let ansible-doc read it."""
    folder = copy_checkout("build")
    target = WORK / "build"
    shutil.rmtree(target, ignore_errors=True)
    env = environment(DEV_BIN)
    job.run([DEV_BIN / "ansible-galaxy", "collection", "build", "--output-path", target], cwd=folder, env=env)
    [archive] = target.glob("helmstack-core-*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {member.name for member in tar.getmembers() if member.isfile()}
    job.say("\n".join(sorted(names)))
    wrong = sorted(name for name in names if MUST_NOT_BE_BUILT.search(name))
    missing = sorted((MUST_BE_BUILT - {"galaxy.yml"}) - names)
    if wrong or missing:
        raise StepFailed(f"must not be in the archive: {wrong}; missing from it: {missing}")
    if archive.stat().st_size > LARGEST_BUILD:
        raise StepFailed(f"the archive has {archive.stat().st_size} bytes")
    installed = target / "installed"
    # --force: this checkout is on the collections path already, in the same version
    install = ["collection", "install", "--force", "--no-deps", "-p", installed, archive]
    job.run([DEV_BIN / "ansible-galaxy", *install], env=env)
    env["ANSIBLE_COLLECTIONS_PATH"] = str(installed)
    listed = json.loads(job.run([DEV_BIN / "ansible-doc", "--json", "--list", "helmstack.core"], env=env) or "{}")
    return f"{len(names)} files, {archive.stat().st_size // 1000} kB, {len(listed)} modules"


def release_dry_run(job: Job) -> str:
    """A release of what is committed, in a clone: what it makes, and that the checkout stays as it is."""

    def state() -> list[str]:
        asked = (["status", "--porcelain"], ["tag", "--list"], ["rev-parse", "HEAD"])
        return [job.run(["git", *words], cwd=ROOT) for words in asked]

    before = state()
    try:
        release(job.run, "999.0.0", dry_run=True)
    except CannotRelease as error:
        raise StepFailed(str(error)) from None
    if state() != before:
        raise StepFailed("the dry run has changed the checkout")
    [archive] = (RELEASE / "dry-run").glob("*.tar.gz")
    sums = (RELEASE / "dry-run" / SUMS).read_text()
    if sums != f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  helmstack-core-999.0.0.tar.gz\n":
        raise StepFailed(f"{SUMS} is wrong: {sums}")
    with tarfile.open(archive) as tar:
        said = tar.extractfile("CHANGELOG.rst")
        if said is None or b"v999.0.0" not in said.read():
            raise StepFailed("CHANGELOG.rst of the archive lacks the version")
    return f"{archive.name}, {SUMS}"


# ---- unit tests


def unit(job: Job) -> str:
    """Plain pytest in the checkout, on the development environment."""
    file = result_file(job)
    problem = attempt(
        job, [DEV_BIN / "python", "-m", "pytest", "tests/unit", f"--junitxml={file}"], env=environment(DEV_BIN)
    )
    return counted(job, [file] if file.exists() else [], problem)


# ---- integration tests: each end of the matrix has control planes of its own, so that both run side by side


def cluster_script(job: Job, *words: object) -> str:
    script = ROOT / "tests" / "cluster" / "cluster.py"
    return job.run([DEV_BIN / "python", script, *words], env=environment(DEV_BIN))


def build_control_plane(job: Job) -> str:
    """Build what is not built yet of the control plane and both Helms."""
    if not (ROOT / "tests" / "cluster" / "cluster.py").exists():
        raise StepFailed("tests/cluster/cluster.py is missing")
    cluster_script(job, "build")
    return ""


def start_cluster(job: Job, end: str, number: int = 0) -> str:
    """The kubeconfig of one of an end's control planes, which is started if it does not run."""
    return kubeconfig(cluster_script(job, "start", "--dir", CLUSTERS / f"{end}-{number}"))


def kubeconfig(output: str) -> str:
    """The path in the `export KUBECONFIG=…` line that cluster.py ends with."""
    found = re.findall(r"^export KUBECONFIG=(.+)$", output, re.MULTILINE)
    if not found:
        raise StepFailed("cluster.py start printed no KUBECONFIG")
    return str(found[-1]).strip().strip("'\"")


def stop_clusters(job: Job) -> None:
    for end in ENDS:
        for number in range(WORKERS):
            cluster_script(job, "stop", "--dir", CLUSTERS / f"{end}-{number}")


def integration_environment(job: Job, end: str, venv: Path, major: int) -> dict[str, str]:
    config = start_cluster(job, end)
    helm = cluster_script(job, "helm", "--major", major).split()[-1]
    return environment(
        venv / "bin",
        HELMSTACK_HELM=helm,
        HELMSTACK_HELM_MAJOR=str(major),
        HELMSTACK_KUBECONFIG=config,
        HELMSTACK_ANSIBLE=str(venv / "bin"),
    )


def integration(end: str, pair: Pair, venv: Path, major: int, without: tuple[str, ...] = ()) -> Action:
    """tests/integration/test_*.py: real ansible-playbook runs of one ansible-core with one Helm.

    At the oldest end modules run in processes of their own, under an interpreter with another name.
    """

    def action(job: Job) -> str:
        env = integration_environment(job, end, venv, major)
        env |= {"HELMSTACK_PYTHON": str(venv) + "/./bin/python"} if end == OLDEST else {}
        others = [start_cluster(job, end, number) for number in range(1, WORKERS)]
        env["HELMSTACK_KUBECONFIG"] = os.pathsep.join([env["HELMSTACK_KUBECONFIG"], *others])
        file = result_file(job)
        command: list[object] = [DEV_BIN / "python", "-m", "pytest", "tests/integration", f"--junitxml={file}"]
        # in the order of tests/integration/conftest.py
        command += ["-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"]
        command += [f"--ignore={name}" for name in without]
        # short: ansible-core has a socket below TMPDIR, whose path may have no more than 107 bytes
        with tempfile.TemporaryDirectory(prefix="it-") as folder:
            problem = attempt(job, [*command, f"--basetemp={folder}/t"], env=env)
        return f"{counted(job, [file] if file.exists() else [], problem)}, {pair.name}, Helm {major}"

    return action


def targets(end: str, pair: Pair, venv: Path, major: int) -> Action:
    """tests/integration/targets: `ansible-test integration` in the same control plane."""

    def action(job: Job) -> str:
        names = sorted(path.name for path in (ROOT / "tests" / "integration" / "targets").glob("*") if path.is_dir())
        if not names:
            return "no targets"
        given = integration_environment(job, end, venv, major)
        folder = copy_checkout(job.name)
        env = ansible_test_environment(make_home(job.name), venv)
        # ansible-test hands no variables of the environment down, but this file's
        config = {name.lower(): value for name, value in given.items() if name.startswith("HELMSTACK_")}
        (folder / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(config, indent=2) + "\n")
        junit = folder / "tests" / "output" / "junit"
        shutil.rmtree(junit, ignore_errors=True)
        command = [venv / "bin" / "ansible-test", "integration", "--color", "no", "--python", pair.interpreter.name]
        job.run(command, cwd=folder, env=env)
        job.count = Count(passed=len(names))
        return f"{len(names)} targets, {pair.name}, Helm {major}"

    return action


def cluster_tests(job: Job) -> str:
    """tests/cluster/test_*.py: what the local control plane promises."""
    file = result_file(job)
    command: list[object] = [DEV_BIN / "python", "-m", "pytest", "tests/cluster", f"--junitxml={file}"]
    problem = attempt(job, command, env=environment(DEV_BIN))
    return counted(job, [file] if file.exists() else [], problem)


def make_oldest(oldest: Pair) -> Action:
    def action(job: Job) -> str:
        oldest_venv(job.run, oldest)
        return oldest.name

    return action


def all_steps(oldest: Pair, newest: Pair) -> list[Step]:
    """Every step; those that take longest or that others wait for come first."""
    old_venv = WORK / "matrix" / oldest.slug
    ends = ((NEWEST, newest, DEV_VENV, 4), (OLDEST, oldest, old_venv, 3))  # the newest end has more tests
    # the first time it builds them from source
    steps = [Step("control-plane", build_control_plane, limit=1800.0, cleanup=stop_clusters)]
    steps.append(Step("venv-oldest", make_oldest(oldest)))
    for end, pair, venv, major in ends:
        needs = ("control-plane", "venv-oldest") if end == OLDEST else ("control-plane",)
        # these start neither ansible nor helm, or need ansible-runner: a second time would test the same
        once = ("tests/integration/test_readiness.py", "tests/integration/test_runner.py")
        without = once if end == OLDEST else ()
        action = integration(end, pair, venv, major, without)
        steps.append(Step(f"integration-{end}", action, needs, lock=f"cluster-{end}", limit=2400.0))
        steps.append(Step(f"targets-{end}", targets(end, pair, venv, major), needs, lock=f"cluster-{end}"))
    # while the control plane is looked for one short step begins, so that both ends' integration tests come soon
    steps.append(Step("lint", lint))
    # beside the integration tests these run one after the other: the long ones first, so that none is left alone
    for end, pair, venv, _major in ends:
        own: tuple[str, ...] = ("venv-oldest",) if end == OLDEST else ()
        steps.append(Step(f"sanity-{end}", sanity(pair, venv), own))
    # at the other end `unit` runs the same tests with the same Python and ansible-core
    steps.append(Step(f"units-{OLDEST}", units(oldest, old_venv), ("venv-oldest",)))
    steps += [
        Step("unit", unit),
        Step("ansible-lint", ansible_lint),
        Step("docs", docs),
        Step("changelog", changelog),
        Step("build", build),
        Step("release", release_dry_run),
        Step("cluster", cluster_tests, ("control-plane",)),
    ]
    return steps


def chosen(steps: list[Step], wanted: list[str]) -> list[Step]:
    """The steps of these names or prefixes (`sanity` is both of its), and what they need."""
    by_name = {step.name: step for step in steps}
    names: set[str] = set()
    for word in wanted:
        found = {name for name in by_name if name == word or name.rpartition("-")[0] == word}
        if word == "integration":
            found |= {name for name in by_name if name.startswith("targets-")}
        if not found:
            raise SystemExit(f"No test step is named {word!r}. There are: {', '.join(by_name)}")
        names |= found
    names.update(*(by_name[name].needs for name in names))
    return [step for step in steps if step.name in names]
