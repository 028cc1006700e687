#!/usr/bin/env python3
# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: deploys examples/shop step by step with each command shown, and fails if one does not do as promised."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "shop"
WORK = ROOT / ".work" / "demo"
CLUSTER = ROOT / "tests" / "cluster" / "cluster.py"
REPOSITORY = WORK / "charts"
ENVIRONMENT = WORK / "environment"

# A chart's folder holds one version; the demo packs it as these, which differ in the image that they run.
VERSIONS = {"web": {"1.6.0": "1.26.3-alpine", "1.7.0": "1.27.5-alpine", "1.8.0": "1.28.0-alpine"}}

NEXT = "-e helmstack_overlays=overlays/next.yaml"


class DemoError(Exception):
    """A step did not do what it promised."""


@dataclass
class Terminal:
    """Where the demo's own words go; colours only if somebody looks."""

    colours: bool = field(default_factory=lambda: sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def say(self, text: str = "", code: str = "") -> None:
        print(f"\033[{code}m{text}\033[0m" if code and self.colours else text, flush=True)

    def step(self, title: str, why: str) -> None:
        self.say(f"\n── {title} ".ljust(100, "─"), "1;36")
        self.say(why)


@dataclass
class Shortener:
    """Leaves out what stands in the diff's later objects, but not their titles."""

    limit: int  # lines that are shown whole
    seen: int = 0
    left_out: int = 0
    cutting: bool = False

    def keeps(self, line: str) -> bool:
        text = plain(line)
        self.seen += 1
        if text.startswith("--- "):
            self.cutting = self.seen > self.limit
        elif text.strip() and not text.startswith(("+", "-", "@@")):
            self.cutting = False
        kept = not self.cutting or text.startswith("+++ ")
        self.left_out += not kept
        return kept


@dataclass
class Shell:
    """Runs the commands that it shows."""

    terminal: Terminal
    environment: Mapping[str, str]
    transcripts: int = 0

    def run(self, command: str, full_lines: int = 1000) -> str:
        """Shows a command and its output as it comes.

        :raises DemoError: it failed.
        """
        self.terminal.say(f"\n$ {command}\n", "1")
        began = time.monotonic()
        shortener = Shortener(full_lines)
        lines: list[str] = []
        with self._process(command) as process:
            try:
                for line in process.stdout or ():
                    if lines or line.strip():
                        lines.append(line)
                        if shortener.keeps(line):
                            self.terminal.say(line.rstrip("\n"))
            except KeyboardInterrupt:
                process.communicate()  # it was told to stop as well, and cleans up
                raise
        output = plain("".join(lines))
        self.transcripts += 1
        transcript = WORK / f"{self.transcripts}.txt"
        transcript.write_text(output, encoding="utf-8")
        if shortener.left_out:
            told = f"{shortener.left_out} lines of the diff are left out; {transcript.relative_to(ROOT)} has them all"
            self.terminal.say(f"({told})", "2")
        if process.returncode:
            raise DemoError(f"{command.split()[0]} failed (exit code {process.returncode})")
        self.terminal.say(f"({time.monotonic() - began:.1f} s)", "2")
        return output

    def _process(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            shlex.split(command),
            cwd=SHOP,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def plain(text: str) -> str:
    """A text without the terminal's colours."""
    return re.sub(r"\033\[[0-9;]*m", "", text)


def changed(output: str) -> dict[str, int]:
    """How many tasks changed something, by host, from Ansible's recap."""
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, re.MULTILINE)}


def expect(output: str, hosts: Sequence[str], *, changes: bool) -> None:
    """Checks the recap: these hosts and no others, all changed or none.

    :raises DemoError: it is otherwise.
    """
    counts = changed(output)
    if sorted(counts) != sorted(hosts) or any(bool(count) != changes for count in counts.values()):
        wanted = "changed=1" if changes else "changed=0"
        raise DemoError(f"expected {wanted} for {', '.join(hosts)}; the recap says {counts}")


# ---- what the demo needs: a cluster, helm, a chart repository


def captured(*words: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """A command's output; its messages go to the terminal."""
    argv = [str(word) for word in words]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, env=env, cwd=cwd, check=False)
    if done.returncode:
        raise DemoError(f"{words[0]} failed (exit code {done.returncode})")
    return done.stdout


def cluster_and_helm() -> tuple[str, str, bool]:
    """The kubeconfig, the helm binary, and whether the cluster is the local one, which the demo may clear."""
    own = os.environ.get("HELMSTACK_DEMO_KUBECONFIG", "")
    helm = captured(sys.executable, CLUSTER, "helm", "--any").strip()
    if own:
        return own, helm, False
    started = captured(sys.executable, CLUSTER, "start", "--quick")
    return shlex.split(started.strip().rpartition("KUBECONFIG=")[2])[0], helm, True


def pack_charts(helm: str) -> str:
    """All charts as a repository's archives and index, in a folder of REPOSITORY; returns its name.

    It tells of the content, so that charts edited since have another URL: archives are cached by URL and version.
    """
    digest = hashlib.sha256(repr(VERSIONS).encode())
    for file in sorted(path for path in (SHOP / "charts").rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(SHOP)).encode() + file.read_bytes())
    target = REPOSITORY / digest.hexdigest()[:12]
    if not (target / "index.yaml").exists():
        for chart in sorted((SHOP / "charts").iterdir()):
            for version, app_version in VERSIONS.get(chart.name, {"": ""}).items():
                numbers = ["--version", version, "--app-version", app_version] if version else []
                captured(helm, "package", chart, "--destination", target, *numbers)
        captured(helm, "repo", "index", target)
    return target.name


def git_repository() -> Path:
    """A git repository with the chart agent, tagged as its version; always the same commit of the same files."""
    target = WORK / "git"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(SHOP / "charts" / "agent", target / "charts" / "agent")
    version = re.findall(
        r"^version: (\S+)", (target / "charts/agent/Chart.yaml").read_text(encoding="utf-8"), re.MULTILINE
    )
    who = {"NAME": "shop", "EMAIL": "shop@example.org", "DATE": "2026-01-01T00:00:00Z"}
    environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    environment |= {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Charts"], ["tag", f"v{version[0]}"]):
        captured("git", "-C", target, *words, env=environment)
    return target


def servers(kubeconfig: str) -> tuple[str, str]:
    """The URL of REPOSITORY's server and the host of a registry, started if need be; they end with the cluster."""
    file = WORK / "servers"
    if file.exists() and all(answers(url) for url in "{} http://{}/v2/".format(*file.read_text().split()).split()):
        url, host = file.read_text().split()
        return url, host
    file.unlink(missing_ok=True)
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "serve.py"), str(REPOSITORY), str(file), kubeconfig],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not file.exists():
        if server.poll() is not None:
            raise DemoError("the chart repository and the registry did not start")
        time.sleep(0.02)
    url, host = file.read_text().split()
    return url, host


def push_charts(helm: str, charts: str, host: str) -> str:
    """Puts the chart cache into the registry; returns where. Charts edited since lie elsewhere, as in pack_charts."""
    for archive in (REPOSITORY / charts).glob("cache-*.tgz"):
        captured(helm, "push", archive, f"oci://{host}/{charts}", "--plain-http")
    return f"oci://{host}/{charts}"


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def clear(helm: str, environment: Mapping[str, str], *, local: bool) -> None:
    """Removes what an earlier demo left, so that this one begins with nothing.

    :raises DemoError: the cluster is not the local one, and what is there may not be the demo's.
    """
    words = ["list", "--all-namespaces", "--selector", "helmstack.io/stack=shop", "--output", "json"]
    releases = json.loads(captured(helm, *words, env=environment))
    if releases and not local:
        raise DemoError(
            "this cluster has a stack named shop already, and the demo begins with nothing: remove it first"
        )
    for release in releases:
        captured(helm, "uninstall", release["name"], "--namespace", release["namespace"], env=environment)


def prepare(terminal: Terminal) -> tuple[dict[str, str], bool]:
    """The environment in which the demo's commands run, and whether the cluster is the local one."""
    WORK.mkdir(parents=True, exist_ok=True)
    kubeconfig, helm, local = cluster_and_helm()
    charts = pack_charts(helm)
    repository, registry = servers(kubeconfig)
    environment = dict(os.environ)
    if terminal.colours:
        environment.pop("ANSIBLE_NOCOLOR", None)
        environment["ANSIBLE_FORCE_COLOR"] = "1"
    bins = [str(Path(sys.executable).parent), str(Path(helm).parent)]
    settings = {
        "KUBECONFIG": kubeconfig,
        "SHOP_CHARTS": f"{repository}/{charts}",
        "SHOP_REGISTRY": push_charts(helm, charts, registry),
        "SHOP_GIT": f"git+{git_repository().as_uri()}",
        "ANSIBLE_COLLECTIONS_PATH": environment.get("ANSIBLE_COLLECTIONS_PATH", ""),
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in settings.items() if value]
    exports.append(f'export PATH={shlex.quote(os.pathsep.join(bins))}:"$PATH"')
    ENVIRONMENT.write_text("\n".join(exports) + "\n", encoding="utf-8")
    environment.update(settings, PATH=os.pathsep.join([*bins, environment.get("PATH", "")]))
    clear(helm, environment, local=local)
    return environment, local


# ---- the demo


def demonstrate(terminal: Terminal, shell: Shell) -> None:
    """The steps in the order in which a newcomer wants to see them."""
    both = ("shop-dev", "shop-prod")

    terminal.step(
        "1. What would happen to dev?",
        "Check mode makes the whole plan and writes nothing. Every object is shown, also those of a first\n"
        "installation; values of Secrets and what came from ansible-vault are masked.",
    )
    review = shell.run("ansible-playbook helmstack.core.review --limit dev", full_lines=50)
    expect(review, both[:1], changes=True)

    terminal.step(
        "2. Deploy dev and prod",
        "One stack, two overlays: prod has older charts than dev, more replicas, its own password, and no mailbox.",
    )
    expect(shell.run("ansible-playbook helmstack.core.deploy"), both, changes=True)

    terminal.step("What Helm says", "The releases are ordinary ones, with the chart versions of their environment.")
    shell.run("helm list --all-namespaces --selector helmstack.io/stack=shop --time-format 15:04:05")

    terminal.step("3. Deploy again", "Nothing differs, so nothing is touched: changed=0.")
    expect(shell.run("ansible-playbook helmstack.core.deploy"), both, changes=False)

    terminal.step(
        "4. A new version for dev", "overlays/next.yaml raises the storefront's chart and adds a banner. The check:"
    )
    shell.terminal.say("\n" + (SHOP / "overlays" / "next.yaml").read_text(encoding="utf-8").strip(), "2")
    expect(shell.run(f"ansible-playbook helmstack.core.review --limit dev {NEXT}"), both[:1], changes=True)
    terminal.say("\nAnd the run, which does what the check has shown:")
    expect(shell.run(f"ansible-playbook helmstack.core.deploy --limit dev {NEXT}"), both[:1], changes=True)


def farewell(terminal: Terminal, seconds: float, *, local: bool) -> None:
    terminal.step(f"All steps did as promised, in {seconds:.0f} s. What to try next", "")
    terminal.say(f"""\
    cd examples/shop
    . {os.path.relpath(ENVIRONMENT, SHOP)}             # KUBECONFIG, helm, ansible-playbook, the charts' URL
    $EDITOR env/dev.yaml                       # say, api: {{set: {{replicas: 2}}}}
    ansible-playbook helmstack.core.review     # what would change, and where?
    ansible-playbook helmstack.core.deploy --limit dev
    helm history storefront --namespace dev-shop
    ansible-doc helmstack.core.helmstack       # all options

All of it away again, first as a check:

    ansible-playbook helmstack.core.review --limit dev -e helmstack_state=absent -e helmstack_all=true
    ansible-playbook helmstack.core.deploy --limit dev -e helmstack_state=absent -e helmstack_all=true
""")
    if local:
        terminal.say("The cluster keeps running, and with it the chart repository: make cluster-stop ends both.")
    else:
        terminal.say("Of prod, the database stays: env/prod.yaml protects it.")


def main() -> int:
    terminal = Terminal()
    began = time.monotonic()
    try:
        environment, local = prepare(terminal)
        terminal.say(f"\nThe commands are run in {SHOP.relative_to(ROOT)}, whose ansible.cfg names the inventory.")
        demonstrate(terminal, Shell(terminal, environment))
    except DemoError as error:
        terminal.say(f"\nThe demo stopped: {error}", "1;31")
        return 1
    except KeyboardInterrupt:
        terminal.say("\nStopped. What runs keeps running: make cluster-stop ends the local control plane.", "1;31")
        return 130
    farewell(terminal, time.monotonic() - began, local=local)
    return 0


if __name__ == "__main__":
    sys.exit(main())
