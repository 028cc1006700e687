# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that a task forbids: JMESPath over the plan as a result has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, did_you_mean
from ansible_collections.helmstack.core.plugins.module_utils.plan import images, shapes
from ansible_collections.helmstack.core.plugins.module_utils.plan.model import ACTIONS
from ansible_collections.helmstack.core.plugins.module_utils.plan.risks import KINDS_OF_RISK
from ansible_collections.helmstack.core.plugins.module_utils.plan.shapes import ANY, TEXT, Wrong, shape

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
except ImportError:
    jmespath = None  # type: ignore[assignment]

_SHOWN = 5  # of what an expression has found
_LONGEST = 160  # characters of each

_OBJECT = {"kind": TEXT, "namespace": TEXT, "name": TEXT}
_PLACE = {"file": TEXT, "line": TEXT, "how": TEXT}
_SIDES = {"from": TEXT, "to": TEXT}
_REASONS = (
    *("new", "version", "chart", "values", "options", "drift", "failed", "pending", "readiness", "labels", "removed"),
    *("ignored", "protected"),
)
# The shape of a plan: a name that is not here is a mistake, as it could never match.
PLAN: Mapping[str, Any] = {
    "digest": TEXT,
    "stack": TEXT,
    "environment": TEXT,
    "risks": [{"risk": shapes.Words(KINDS_OF_RISK), "release": TEXT, "object": _OBJECT, "why": TEXT}],
    "releases": [
        {
            "namespace": TEXT,
            "name": TEXT,
            "action": shapes.Words(ACTIONS),
            "reason": [shapes.Words(_REASONS)],
            "note": TEXT,
            "chart": TEXT,
            "version": _SIDES,
            "app_version": _SIDES,
            "revision": _SIDES,
            "wave": TEXT,
            "needs": [TEXT],
            "parts": TEXT,
            "objects": [{**_OBJECT, "op": shapes.Words(("add", "change", "remove", "replace"))}],
            "values": [{"path": TEXT, "before": ANY, "after": ANY, "from": _PLACE, "to": _PLACE}],
            "tests": ANY,
            "drift": [{**_OBJECT, "fields": [TEXT]}],
            "status": TEXT,
            "duration": TEXT,
            "error": TEXT,
            "outcome": {"state": TEXT, "revision": TEXT},
        }
    ],
    "images": [{"image": TEXT, "state": shapes.Words((images.COMES, images.GOES, images.STAYS)), "releases": [TEXT]}],
    "left_behind": [TEXT],
    "summary": dict.fromkeys(ACTIONS, TEXT),
}


class Forbidden(InputError):
    """The plan is one that the task forbids; ``result`` is that plan."""

    def __init__(self, what: str, *, detail: str) -> None:
        super().__init__(what, hint="Nothing was done", detail=detail)
        self.result: dict[str, Any] = {}


def check(rules: Iterable[Mapping[str, Any]]) -> None:
    """Returns if every rule can be applied to a plan.

    :raises InputError: one is no JMESPath, or names what no plan has.
    """
    for number, rule in enumerate(rules, start=1):
        where = f"forbid, rule {number}"
        for key in rule:
            if key not in ("when", "message"):
                hint = did_you_mean(str(key), ("when", "message"))
                raise InputError(f"{where}: '{key}' is none of its keys", hint=hint)
        if rule.get("when") is None:
            raise InputError(f"{where} lacks 'when'", hint="Give it a JMESPath expression over the plan")
        text = str(rule["when"])
        if jmespath is None:
            raise InputError(f"{where} needs the Python library jmespath")
        try:
            parsed = jmespath.compile(text).parsed
        except JMESPathError as error:
            raise InputError(f"{where}: {text!r} is not valid JMESPath", detail=str(error)) from None
        try:
            shape(parsed, PLAN)
        except Wrong as wrong:
            raise InputError(
                f"{where}: {text!r} uses {wrong}, which no plan has",
                hint=wrong.hint or did_you_mean(wrong.name, wrong.known),
                detail=_pointed(text, wrong.name),
            ) from None


def _pointed(text: str, name: str) -> str:
    """The expression with a mark below the name, as JMESPath's own errors have it."""
    at = text.find(name)
    return "" if at < 0 or "\n" in text else f"{text}\n{' ' * at}^"


def enforce(rules: Sequence[Mapping[str, Any]], plan: Mapping[str, Any]) -> None:
    """Returns if no rule matches.

    :arg plan: as a result has it.
    :raises Forbidden: a rule finds something: its message, and what it is.
    """
    told, details = [], []
    for number, rule in enumerate(rules, start=1):
        text = str(rule["when"])
        try:
            found = jmespath.search(text, plan)
        except (TypeError, ValueError) as error:  # jmespath lets Python's own through: a number > a text
            what = f"forbid, rule {number}: {text!r} cannot be asked of the plan"
            hint = "Write numbers in backticks: `20`" if isinstance(error, TypeError) else ""
            raise InputError(what, hint=hint, detail=str(error)) from None
        # as JMESPath has it, 0 is something
        if found is None or found is False or found in ("", [], {}):
            continue
        told.append(str(rule.get("message") or text))
        details += [f"{told[-1]}:", *(f"  {line}" for line in _lines(found))]
    if told:
        raise Forbidden(f"the plan is forbidden: {'; '.join(told)}", detail="\n".join(details))


def _lines(found: Any) -> list[str]:
    """The matches, an item a line, shortened so that they can be read."""
    items = found if isinstance(found, list) else [found]
    lines = [_line(item) for item in items[:_SHOWN]]
    return [*lines, f"and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else lines


def _line(item: Any) -> str:
    if isinstance(item, Mapping) and "why" in item and "release" in item:
        named = item.get("object") or {}
        about = f", {named.get('kind')} {named.get('name')}" if named else ""
        return f"{item['release']}{about}: {item['why']}"
    if isinstance(item, Mapping) and "action" in item and "name" in item:
        return f"{item.get('namespace')}/{item['name']}: {item['action']}"
    if isinstance(item, Mapping) and "image" in item:
        return f"{item['image']} ({', '.join(item.get('releases') or ())})"
    text = item if isinstance(item, str) else json.dumps(item, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
