# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one web page: no script, nothing from elsewhere, every foreign text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from ansible_collections.helmstack.core.plugins.plugin_utils.report import document
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Entry, Group, Release
from ansible_collections.helmstack.core.plugins.plugin_utils.report.plain import value_text, visible
from ansible_collections.helmstack.core.plugins.plugin_utils.report.style import STYLE

_OPEN = 5  # so many releases are unfolded from the start
# Were there a way to put markup into the page, it could do nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_BADGES = {"install": "good", "uninstall": "bad", "recover": "bad"}


def page(groups: Sequence[Group], made: str) -> str:
    """The whole page.

    :arg made: when the report was made.
    """
    return "".join(_page(groups, made))


def _text(value: Any) -> str:
    return escape(visible(str(value)))


def _code(value: Any) -> str:
    return f"<code>{_text(value)}</code>"


def _page(groups: Sequence[Group], made: str) -> Iterator[str]:
    titles = dict.fromkeys(group.title for group in groups)
    title = next(iter(titles), "") if len(titles) == 1 else "Review and deployment" if titles else "Nothing to report"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield f'<h1>{_text(title)}</h1>\n<p class="quiet">Made {_text(made)}</p>\n'
    several = len(groups) > 1
    if several:
        yield from _overview(groups)
    for number, group in enumerate(groups):
        yield from _group(group, f"g{number}", several=several)
    yield "</main>\n</body>\n</html>\n"


def _overview(groups: Sequence[Group]) -> Iterator[str]:
    yield "<h2>Hosts</h2>\n"
    rows = [
        (f'<a href="#g{number}">{_text(", ".join(group.hosts))}</a>', _text(group.title), _text(_state(group)))
        for number, group in enumerate(groups)
    ]
    yield from _table("Hosts with the same changes", ("Hosts", "What", "Changes"), rows)


def _state(group: Group) -> str:
    told = f"failed; {group.first.counts}" if group.failure else group.first.counts
    return f"{told}; {_many(len(group.risks), 'risk')}" if group.risks else told


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _group(group: Group, mark: str, *, several: bool) -> Iterator[str]:
    if several:
        yield f'<h2 id="{mark}">{_text(", ".join(group.hosts))}: {_text(group.title)}</h2>\n'
    level = 3 if several else 2
    yield from _facts(group)
    if group.failure:
        yield f'<div class="failure" role="group" aria-label="Failure"><pre>{_text(group.failure)}</pre></div>\n'
    if group.risks:
        yield f'<h{level}>Risks</h{level}>\n<ul class="risks">\n'
        yield from (_risk(risk) for risk in group.risks)
        yield "</ul>\n"
    if group.warnings:
        yield f'<h{level}>Warnings</h{level}>\n<ul class="warnings">\n'
        yield from (f"<li>{_text(text)}</li>\n" for text in group.warnings)
        yield "</ul>\n"
    yield from _releases(group, mark, level)
    yield from _images(group, level)
    if group.sub_charts:
        yield from _sub_charts(group, level)
    if group.idle:
        yield from _idle(group, level)


def _facts(group: Group) -> Iterator[str]:
    yield f'<ul class="facts">\n<li><b>{_text(_state(group))}</b></li>\n'
    for report in group.reports:
        cluster = report.cluster
        host = f"{report.host}: " if len(group.reports) > 1 or report.host != "localhost" else ""
        facts = [cluster.get("server"), cluster.get("version"), cluster.get("context")]
        told = " · ".join(str(fact) for fact in facts if fact)
        yield f"<li>{_text(host)}{_text(told)}</li>\n" if told or host else ""
        if report.plan.get("digest"):
            yield f'<li class="quiet">Plan {_code(report.plan["digest"])}</li>\n'
    yield "</ul>\n"


def _risk(risk: Mapping[str, Any]) -> str:
    about = document.about(risk)
    named = f", {_code(about)}" if about else ""
    kind = f'<span class="badge bad">{_text(risk.get("risk"))}</span>'
    return f"<li>{kind} {_code(risk.get('release'))}{named}: {_text(risk.get('why'))}</li>\n"


def _releases(group: Group, mark: str, level: int) -> Iterator[str]:
    if not group.releases:
        return
    yield f"<h{level}>What changes</h{level}>\n"
    if len(group.releases) > _OPEN:
        rows = [
            (
                f'<a href="#{mark}r{number}">{_text(release.id)}</a>',
                _text(release.action),
                _text(release.reasons),
                _text(release.chart),
            )
            for number, release in enumerate(group.releases)
        ]
        yield from _table(_many(len(rows), "release"), ("Release", "Action", "Why", "Chart"), rows)
    opened = " open" if len(group.releases) <= _OPEN else ""
    for number, release in enumerate(group.releases):
        yield from _release(release, f"{mark}r{number}", level + 1, opened, single=len(group.reports) == 1)


def _release(release: Release, mark: str, level: int, opened: str, *, single: bool) -> Iterator[str]:
    badge = f'<span class="badge {_BADGES.get(release.action, "change")}">{_text(release.action)}</span>'
    yield f"<details{opened}>\n<summary><h{level}>{_text(release.id)}</h{level}> {badge} "
    yield f'<span class="quiet">{_text(release.reasons)}</span></summary>\n<div class="inside" id="{mark}">\n'
    facts = [("Chart", release.chart), ("App", release.app), ("Revision", release.revision if single else "")]
    facts += [("Outcome", release.told if single else "")]
    told = "".join(f"<li>{name} <b>{_text(fact)}</b></li>" for name, fact in facts if fact)
    yield f'<ul class="facts">{told}</ul>\n' if told else ""
    if release.error:
        yield f'<div class="failure"><pre>{_text(release.error)}</pre></div>\n'
    if release.values:
        yield from _values(release)
    for entry in release.entries:
        yield from _entry(entry)
    if not release.entries and release.objects:
        yield "<ul>\n"
        for item in release.objects:
            yield f"<li>{_text(item.get('op'))} {_code(document.about({'object': item}))}</li>\n"
        yield "</ul>\n"
    yield "</div>\n</details>\n"


def _values(release: Release) -> Iterator[str]:
    rows = [
        (
            _code(item.get("path")),
            _side("del", item.get("before"), item.get("from")),
            _side("ins", item.get("after"), item.get("to")),
        )
        for item in release.values
    ]
    yield from _table("Values that change", ("Value", "Before", "After"), rows)


def _side(tag: str, value: Any, place: Any) -> str:
    shown = f"<{tag}>{_code(value_text(value))}</{tag}>" if value is not None or place else "–"
    told = document.where(place)
    return f"{shown}<small>{_text(told)}</small>" if told else shown


def _entry(entry: Entry) -> Iterator[str]:
    more, less = entry.counts
    yield f"<details>\n<summary>{_text(entry.title)} "
    yield f'<span class="good">+{more}</span> <span class="bad">−{less}</span></summary>\n<pre>'
    for sign, lines in groupby(entry.lines, key=lambda line: line[:1]):
        text = _text("\n".join("⋯" if line == "@@" else line for line in lines))
        if sign in "+-":
            tag = "ins" if sign == "+" else "del"
            yield f"<{tag}>{text}</{tag}>"
        else:
            yield f"{text}\n"
    yield "</pre>\n</details>\n"


def _images(group: Group, level: int) -> Iterator[str]:
    states = [("comes", "ins", "good"), ("goes", "del", "bad")]
    found = [(state, tag, badge, group.images(state)) for state, tag, badge in states]
    stays = group.images("stays")
    if not stays and not any(images for *_how, images in found):
        return
    yield f"<h{level}>Images</h{level}>\n"
    yield "<ul>\n" if any(images for *_how, images in found) else "<p>No image comes or goes.</p>\n"
    for state, tag, badge, images in found:
        for image in images:
            users = _text(", ".join(image.get("releases") or ()))
            yield f'<li><span class="badge {badge}">{state}</span> <{tag}>{_code(image.get("image"))}</{tag}> '
            yield f'<span class="quiet">{users}</span></li>\n'
    yield "</ul>\n" if any(images for *_how, images in found) else ""
    if stays:
        yield f"<details>\n<summary>{_many(len(stays), 'image')} that stay</summary>\n"
        yield from _list(f"{_code(image.get('image'))}" for image in stays)
        yield "</details>\n"


def _sub_charts(group: Group, level: int) -> Iterator[str]:
    yield f"<h{level}>Sub-charts</h{level}>\n"
    keys = ("umbrella", "sub_chart", "release", "weight", "why", "action")
    titles = ("Umbrella", "Sub-chart", "Release", "Weight", "Why", "Action")
    yield from _table("", titles, [tuple(_text(row.get(key, "")) for key in keys) for row in group.sub_charts])


def _idle(group: Group, level: int) -> Iterator[str]:
    yield f"<h{level}>{_text(group.stays_title)}</h{level}>\n"
    yield f"<details>\n<summary>{_many(len(group.idle), 'release')}</summary>\n"
    yield from _list(_text(_kept(data)) for data in group.idle)
    yield "</details>\n"


def _kept(data: Mapping[str, Any]) -> str:
    chart = " ".join(filter(None, (str(data.get("chart") or ""), document.between(data.get("version")))))
    why = ", ".join(map(str, data.get("reason") or ()))
    told = ", ".join(filter(None, (chart, why)))
    return f"{document.release_id(data)} ({told})" if told else document.release_id(data)


def _list(items: Iterable[str]) -> Iterator[str]:
    yield '<div class="inside"><ul>\n'
    yield from (f"<li>{item}</li>\n" for item in items)
    yield "</ul></div>\n"


def _table(caption: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are markup already; on a narrow screen each row is a list."""
    yield '<table class="wide">\n'
    yield f"<caption>{_text(caption)}</caption>\n" if caption else ""
    heads = "".join(f'<th scope="col">{title}</th>' for title in titles)
    yield f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for first, *rest in rows:
        cells = "".join(f'<td data-name="{title}">{cell}</td>' for title, cell in zip(titles[1:], rest))
        yield f'<tr><th scope="row">{first}</th>{cells}</tr>\n'
    yield "</tbody>\n</table>\n"
