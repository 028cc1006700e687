# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go's garbage collector in brief helm processes, where it costs a fifth of the CPU time, and the exit frees it all."""

from __future__ import annotations

from collections.abc import Mapping

# From here on it collects as ever, so that giant charts do not eat the machine; more memory costs more than it spares.
_MEMORY = "256MiB"


def spared(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that spare a brief process the collector; what the user has set of them stays.

    :arg environ: the process' environment without them.
    """
    limit = environ.get("GOMEMLIMIT") or _MEMORY
    if environ.get("GOGC") or limit == "off":
        return {}
    return {"GOGC": "off", "GOMEMLIMIT": limit}
