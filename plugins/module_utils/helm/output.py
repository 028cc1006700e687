# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helm prints, as messages: its reasons and warnings without decoration, values and credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ansible_collections.helmstack.core.plugins.module_utils.api_messages import without_objects
from ansible_collections.helmstack.core.plugins.module_utils.errors import HelmError
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import without_credentials

_IMMUTABLE = re.compile(r"field is immutable|is immutable after creation|Forbidden: updates to statefulset spec")
_LOG_LEVEL = re.compile(r'^(?:time=\S+ )?level=(?P<level>\w+) msg=(?P<text>"(?:\\.|[^"\\])*"|\S*)(?P<rest>.*)$')
_PLUGIN = re.compile(r'plugin_yaml=(?P<file>"(?:\\.|[^"\\])*"|\S+) error=(?P<error>"(?:\\.|[^"\\])*"|\S+)')
_LOG_FILE = re.compile(r"^\w+\.go:\d+: (?P<text>.*)$")
_LOG_KLOG = re.compile(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.-]+:\d+\] (?P<text>.*)$")
_PREFIXES = re.compile(
    r"^(?:Error: |INSTALLATION FAILED: |UPGRADE FAILED: |ROLLBACK FAILED: |template: (?=\S+:\d+:\d+: ))+"
)
_NOISE = re.compile(
    r"Use --debug flag to render out invalid YAML|found symbolic link in path|file is (?:group|world)-readable"
)
_PLACE = re.compile(r"^\S+:\d+:\d+$")


class HelmFailure(HelmError):
    """Helm ran and failed; ``words`` is what it said, cleaned, ``code`` its exit code (negative: a signal's)."""

    def __init__(self, what: str, words: str, code: int, hint: str = "") -> None:
        first, dummy, rest = words.partition("\n")
        super().__init__(f"{what}: {first}" if first else what, hint=hint, detail=rest)
        self.words = words
        self.code = code


def words(stderr: str) -> str:
    """Why helm failed, in its own words without its decoration; the first line is a sentence of its own."""
    lines = [line.rstrip() for line in stderr.splitlines() if not _NOISE.search(line)]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error: ")), 0)
    said = [line for line in lines[start:] if line and not _log_line(line)]
    if not said:
        return ""
    said[0] = _PREFIXES.sub("", said[0])
    if _PLACE.match(said[0]):
        # Helm 4 spreads a template's error over several lines.
        said = [" ".join(line.strip() for line in said)]
    said += dict.fromkeys(filter(None, map(_broken_plugin, stderr.splitlines())))
    return without_objects(without_credentials("\n".join(said)))


def _broken_plugin(line: str) -> str:
    """What Helm 4 says of a plugin that it leaves out: the file, and what is wrong in it."""
    match = _LOG_LEVEL.match(line)
    found = _PLUGIN.search(match["rest"]) if match and "failed to load plugin" in match["text"] else None
    if found is None:
        return ""
    why = _unquoted(found["error"]).rpartition('failed to load plugin "')[2].partition('": ')[2]
    return f"{found['file']} is left out: {' '.join((why or _unquoted(found['error'])).split())}"


def warnings_in(stderr: str) -> list[str]:
    """What helm warned of. Unknown lines are left out: they may be a value's further lines."""
    found: list[str] = []
    for line in stderr.splitlines():
        text = _warning(line)
        if text and not _NOISE.search(text) and text not in found:
            found.append(without_credentials(text))
    return found


def _warning(line: str) -> str:
    match = _LOG_LEVEL.match(line)
    if match:
        text = _unquoted(match["text"])
        if match["level"] not in ("WARN", "WARNING") and not text.lower().startswith("warning: "):
            return ""
        return _broken_plugin(line) or _without_values(text)
    match = _LOG_KLOG.match(line)
    if match:
        return match["text"] if match["level"] == "W" else ""
    match = _LOG_FILE.match(line)
    text = match["text"] if match else line
    return _without_values(text) if text.lower().startswith("warning: ") else ""


def _without_values(text: str) -> str:
    """Helm's warnings on values end with the value in parentheses, which may be secret and go on in the next line."""
    text = re.sub(r"^warning: ", "", text, flags=re.IGNORECASE)
    return re.sub(r"( for \S+| [Ii]gnoring non-table value) \(.*", r"\1", text, flags=re.DOTALL)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')


def _log_line(line: str) -> bool:
    return bool(_LOG_LEVEL.match(line) or _LOG_FILE.match(line) or _LOG_KLOG.match(line))


def called(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def hint(said: str) -> str:
    if "--post-renderer" in said:
        return "Helm 3 takes the path of a program as post-renderer, Helm 4 the name of a plugin"
    if "another operation" in said and "in progress" in said:
        return "Another run is at work on this release, or one was killed; see the option recover"
    if _IMMUTABLE.search(said):
        how = "'force: true' deletes the object and makes it anew, unless more would go with it; or delete it yourself"
        return f"Kubernetes does not allow this change: {how}"
    return ""


def pod_logs(stdout: str, most: int = 10) -> list[str]:
    """The last lines of each pod's log that ``helm test --logs`` has printed, each log with its pod's name first."""
    lines: list[str] = []
    for part in stdout.split("POD LOGS: ")[1:]:
        name, *said = part.strip().splitlines()
        lines += [f"Log of pod {name}:", *(f"  {line}" for line in said[-most:])]
    return lines
