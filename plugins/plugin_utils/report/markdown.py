# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as Markdown for a merge request, in as many characters as fit into its comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.report import document
from ansible_collections.helmstack.core.plugins.plugin_utils.report.dialects import code, fenced, html, prose
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Entry, Group, Release
from ansible_collections.helmstack.core.plugins.plugin_utils.report.plain import value_text

LEAST = 1_000  # characters of a report that still says something
_NOTE = 300  # characters kept free to say what was cut
# What goes last if all does not fit; of the same rank, what comes first in the report.
_HEAD, _RISKS, _FAILURES, _RELEASES, _VALUES, _IMAGES, _OBJECTS, _REST = range(8)


@dataclass(frozen=True)
class Piece:
    """Some lines that are shown as a whole or not at all; a diff may be shown in part.

    :arg title: of a diff, as HTML.
    :arg body: its lines.
    """

    rank: int
    text: str = ""
    title: str = ""
    body: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return sum(len(line) + 1 for line in self.body)

    def shown(self, room: int | None = None) -> str:
        """The piece with a diff of at most ``room`` characters."""
        if not self.body:
            return self.text
        lines = list(self.body)
        if room is not None and self.size > room:
            lines = list(_fitting(self.body, room))
            lines.append(f"({len(self.body) - len(lines)} of {len(self.body)} lines are not shown here)")
        head = f"<details><summary>{self.title}</summary>"
        return f"{head}\n\n{fenced(lines, 'diff')}\n</details>\n\n"


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def markdown(groups: Sequence[Group], made: str, limit: int) -> str:
    """The report in at most ``limit`` characters, the largest diffs cut first."""
    pieces = list(_pieces(groups, made))
    whole = "".join(piece.shown() for piece in pieces)
    if len(whole) <= limit:
        return whole
    sizes = sorted((piece.size for piece in pieces if piece.body), reverse=True)
    frame = len(whole) - sum(sizes)
    room = limit - _NOTE - frame - len(sizes) * 60  # each that is cut says so
    # two lines of every diff would say less than no diffs at all
    if sizes and room >= len(sizes) * 200:
        share = _share(sizes, room)
        found = "".join(piece.shown(share) for piece in pieces)
        cut = sum(piece.size > share for piece in pieces)
        found += f"\n_{cut} diffs are cut: a report of {limit} characters has no room for more._\n"
        if len(found) <= limit:
            return found
    return _most_important(pieces, limit)


def _share(sizes: Sequence[int], room: int) -> int:
    """How large the largest may be, so that all together are no larger than ``room``."""
    left = room
    for position, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - position)
        if size > share:
            return share
        left -= size
    return max(sizes)


def _most_important(pieces: Sequence[Piece], limit: int) -> str:
    """Without diffs, and of the rest what counts most."""
    texts = [_without_diff(piece) for piece in pieces]
    ranks = [piece.rank for piece in pieces]
    room, kept = limit - _NOTE, set()
    for at in sorted(range(len(pieces)), key=lambda at: (ranks[at], at)):
        if len(texts[at]) > room:
            break
        room -= len(texts[at])
        kept.add(at)
    lost = len(pieces) - len(kept)
    more = f" and {lost} more parts" if lost else ""
    note = f"\n_The diffs{more} are not shown: a report of {limit} characters has no room for them._\n"
    return "".join(text for at, text in enumerate(texts) if at in kept) + note


def _without_diff(piece: Piece) -> str:
    return f"- {piece.title}\n" if piece.body else piece.text


def _pieces(groups: Sequence[Group], made: str) -> Iterator[Piece]:
    several = len(groups) > 1
    if not groups:
        yield Piece(_HEAD, "## Nothing to report\n")
    if several:
        yield Piece(_HEAD, "## Review and deployment\n\n| Hosts | What | Changes |\n|---|---|---|\n")
        for group in groups:
            cells = (code(", ".join(group.hosts), in_table=True), prose(group.title), prose(group.first.counts))
            yield Piece(_HEAD, f"| {' | '.join(cells)} |\n")
    for group in groups:
        yield from _group(group, "###" if several else "##", several=several)
    yield Piece(_REST, f"\n_Made {made}_\n")


def _group(group: Group, mark: str, *, several: bool) -> Iterator[Piece]:
    hosts = f" ({prose(', '.join(group.hosts))})" if several or len(group.hosts) > 1 else ""
    yield Piece(_HEAD, f"\n{mark} {prose(group.title)}{hosts}\n\n**{prose(group.first.counts)}**")
    yield Piece(_HEAD, "".join(f" · {fact}" for fact in _facts(group)) + "\n")
    if group.failure:
        yield Piece(_FAILURES, f"\n**It failed:**\n\n{fenced(_short(group.failure), 'text')}")
    if group.risks:
        yield Piece(_RISKS, f"\n{mark}# Risks\n\n")
        yield from (Piece(_RISKS, _risk(risk)) for risk in group.risks)
    if group.warnings:
        yield Piece(_FAILURES, f"\n{mark}# Warnings\n\n")
        yield from (Piece(_FAILURES, f"- {prose(text)}\n") for text in group.warnings)
    yield from _releases(group, mark)
    yield from _images(group, mark)
    if group.idle:
        names = ", ".join(code(document.release_id(data)) for data in group.idle[:200])
        more = f" and {len(group.idle) - 200} more" if len(group.idle) > 200 else ""
        yield Piece(_REST, f"\n{mark}# {prose(group.stays_title)}\n\n{names}{more}\n")


def _facts(group: Group) -> Iterator[str]:
    for report in group.reports[:20]:
        told = [report.cluster.get("server"), report.cluster.get("version")]
        host = f"{prose(report.host)}: " if len(group.reports) > 1 else ""
        place = f"{code(told[0])} {prose(told[1] or '')}".strip() if told[0] else ""
        digest = f" plan {code(report.plan['digest'])}" if report.plan.get("digest") else ""
        yield f"{host}{place}{digest}"
    if len(group.reports) > 20:
        yield f"and {len(group.reports) - 20} more hosts"


def _short(text: str) -> list[str]:
    lines = text.splitlines()
    return [line[:1_000] for line in lines[:60]] + ([f"({len(lines) - 60} more lines)"] if len(lines) > 60 else [])


def _risk(risk: Mapping[str, Any]) -> str:
    about = document.about(risk)
    named = f", {code(about)}" if about else ""
    return f"- **{prose(risk.get('risk'))}** {code(risk.get('release'))}{named}: {prose(risk.get('why'))}\n"


def _releases(group: Group, mark: str) -> Iterator[Piece]:
    if not group.releases:
        return
    yield Piece(
        _RELEASES, f"\n{mark}# What changes\n\n| Release | Action | Why | Chart | App |\n|---|---|---|---|---|\n"
    )
    for release in group.releases:
        cells = (
            code(release.id, in_table=True),
            prose(release.action),
            prose(release.reasons),
            prose(release.chart),
            prose(release.app),
        )
        yield Piece(_RELEASES, f"| {' | '.join(cells)} |\n")
    for release in group.releases:
        yield from _release(release, mark)


def _release(release: Release, mark: str) -> Iterator[Piece]:
    if not (release.values or release.entries or release.error or release.objects):
        return
    heading = f"\n{mark}# {code(release.id)}: {prose(release.action)}\n\n"
    if release.error:
        heading += fenced(_short(release.error), "text") + "\n"
    yield Piece(_VALUES if release.values or release.error else _OBJECTS, heading)
    if release.values:
        yield Piece(_VALUES, "| Value | Before | After |\n|---|---|---|\n")
        for item in release.values:
            sides = (_side(item.get("before"), item.get("from")), _side(item.get("after"), item.get("to")))
            yield Piece(_VALUES, f"| {code(item.get('path'), in_table=True)} | {' | '.join(sides)} |\n")
        yield Piece(_VALUES, "\n")
    yield from (_entry(entry) for entry in release.entries)
    for item in () if release.entries else release.objects:
        yield Piece(_OBJECTS, f"- {prose(item.get('op'))} {code(document.about({'object': item}))}\n")


def _side(value: Any, place: Any) -> str:
    if value is None and not place:
        return "–"
    told = document.where(place)
    return code(value_text(value), in_table=True) + (f" ({code(told, in_table=True)})" if told else "")


def _entry(entry: Entry) -> Piece:
    more, less = entry.counts
    return Piece(_OBJECTS, title=f"{html(entry.title)} (+{more} −{less})", body=tuple(entry.lines) or (" ",))


def _images(group: Group, mark: str) -> Iterator[Piece]:
    found = [(state, image) for state in ("comes", "goes") for image in group.images(state)]
    if found:
        yield Piece(_IMAGES, f"\n{mark}# Images\n\n")
    for state, image in found:
        users = ", ".join(map(code, image.get("releases") or ()))
        yield Piece(_IMAGES, f"- {state}: {code(image.get('image'))} ({users})\n")
