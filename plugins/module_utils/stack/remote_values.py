# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values files on web servers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from ansible_collections.helmstack.core.plugins.module_utils import web
from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError, Location
from ansible_collections.helmstack.core.plugins.module_utils.masking.mask import Mask
from ansible_collections.helmstack.core.plugins.module_utils.masking.urls import (
    begins_with,
    proper,
    secrets_in,
    without_login,
)
from ansible_collections.helmstack.core.plugins.module_utils.stack.model import Repository


def is_remote(name: str) -> bool:
    return name.lower().startswith(("http://", "https://"))


def fetched(url: str, repositories: Iterable[Repository] = (), where: Location | None = None) -> str:
    """The text of a values file; login and certificates are those of the declared repository that it begins with.

    :raises InputError: the server does not answer, or not with text.
    """
    if not proper(url):
        raise InputError(f"the values file '{shown(url)}' is no URL", where=where)
    around = [each for each in repositories if begins_with(without_login(url), each.url)]
    nearest = max(around, key=lambda each: len(each.url), default=None)
    parts = urlsplit(url)
    access = web.Access(unquote(parts.username or ""), unquote(parts.password or ""))
    access = web.Access.of(nearest) if nearest else access
    try:
        answer = web.get(url, access, authorization=access.authorization)
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"the values file {shown(url)} is not UTF-8 text", where=where) from None
    except web.WebError as error:
        reason = Mask(secrets_in(url)).text(error.reason.replace(url, shown(url)))
        hint = {
            web.UNTRUSTED: "Declare a repository that it begins with, with ca_file",
            401: "Declare a repository that it begins with, with username and password",
        }.get(error.status or error.kind, "")
        what = f"the values file {shown(url)} cannot be fetched: {reason}"
        raise InputError(what, where=where, hint=hint) from None


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password and query."""
    return re.sub(r"[?#].*$", "", without_login(url))
