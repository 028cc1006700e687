# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the API would create an object: a dry run, in which validation, quotas and admission webhooks answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.helmstack.core.plugins.module_utils.cluster.client import APPLY_PATCH, METADATA, Client
from ansible_collections.helmstack.core.plugins.module_utils.cluster.drift import MANAGER
from ansible_collections.helmstack.core.plugins.module_utils.cluster.problems import (
    Conflict,
    Denied,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    Unreachable,
    Untyped,
)
from ansible_collections.helmstack.core.plugins.module_utils.errors import ClusterError

# In the words of the API's own kinds, and of the rules of others
_IMMUTABLE = re.compile(
    r"immutable|may not (?:be )?change|(?:cannot|can't) (?:be )?(?:change|update)|not allowed to (?:be )?change"
    r"|updates? to .*forbidden|Forbidden: updates? to|may not be updated",
    re.IGNORECASE | re.DOTALL,
)
_PATIENCE = 3.0  # seconds: a webhook that is down is not worth more in a dry run


def refusal(client: Client, collection: str, item: Mapping[str, Any], *, applies: bool) -> str:
    """Why the API would not create an object; "" if it would, or if that is unknown until others exist.

    :arg collection: the API path of all objects of its kind and namespace.
    :arg applies: helm makes it by server-side apply, which it lets the server validate strictly.
    :raises Forbidden: that may not be asked.
    """
    impatient = client.impatient(_PATIENCE)
    how: dict[str, Any] = {"dryRun": "All", "fieldManager": MANAGER}
    try:
        if applies:
            path = f"{collection}/{item['metadata']['name']}"
            impatient.patch(path, item, APPLY_PATCH, accept=METADATA, force=False, fieldValidation="Strict", **how)
        else:
            impatient.create(collection, item, **how)
    except (Conflict, NotFound):  # somebody has made it since; or its namespace or what it names is still to come
        return ""
    except (Denied, Invalid) as error:
        return "" if _awaits(item, str(error)) else f"helm will fail at it: {error}"
    except (Forbidden, Unauthorized, Unreachable):
        raise
    except ClusterError as error:  # such as a webhook that does not answer
        return f"helm will fail at it, unless this is over by then: {error}"
    return ""


def immutable(client: Client, collection: str, item: Mapping[str, Any], refused: ClusterError) -> bool:
    """Whether a change is refused only because something is there already, which cannot be changed so.

    :arg refused: what the API said to the change.
    """
    if not isinstance(refused, Invalid) or isinstance(refused, Untyped) or not _IMMUTABLE.search(str(refused)):
        return False
    try:
        told = refusal(client, collection, item, applies=False)
    except ClusterError:
        return True  # one who may not make it may not ask
    return not told or "already allocated" in told  # to the object that is there


def _awaits(item: Mapping[str, Any], said: str) -> bool:
    """Whether a pod is refused for what may be made before it, such as its service account."""
    return item.get("kind") == "Pod" and "not found" in said
