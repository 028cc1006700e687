# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The language of helm processes: at each start they load kubectl's texts, in English a third of a template's CPU time.

The code is kubectl's pkg/util/i18n; it reads LC_ALL, LC_MESSAGES and LANG. Helm prints none of these texts. Of all
languages Traditional Chinese has the fewest: eight, all of ``kubectl config`` and ``kubectl annotate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_FEWEST = "zh_TW.UTF-8"
# Other commands may start a plugin that fetches a chart, and show what it says.
_COMMANDS = frozenset(("template", "install", "upgrade", "rollback", "uninstall", "test"))


def spared(environ: Mapping[str, str], argv: Sequence[str], kubeconfig: str | None, binary: str = "") -> dict[str, str]:
    """The variables that spare a helm process the English texts; none if a program that it starts would see them.

    :arg environ: the process' environment without them; LC_ALL would rule them, so it gives way to what it stands for.
    :arg argv: helm's command and its arguments.
    :arg kubeconfig: its users may have credential plugins.
    :arg binary: may be a script around helm, which starts what it likes.
    """
    if argv[0] not in _COMMANDS or "--post-renderer" in argv or (kubeconfig and _has_plugin(kubeconfig)):
        return {}
    if _is_script(binary):
        return {}
    ruling = environ.get("LC_ALL")
    return {"LC_MESSAGES": _FEWEST, **({"LC_ALL": "", "LC_CTYPE": ruling, "LANG": ruling} if ruling else {})}


def _is_script(binary: str) -> bool:
    try:
        with open(binary, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def _has_plugin(kubeconfig: str) -> bool:
    try:
        return b"exec" in Path(kubeconfig).read_bytes()
    except OSError:
        return False
