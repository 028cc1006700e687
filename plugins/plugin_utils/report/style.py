# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the page of a report looks: in the light and in the dark, on a phone, and on paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1c2128; --quiet: #57606a; --back: #fff; --card: #f6f8fa; --line: #d0d7de;
  --link: #0550ae; --add: #116329; --add-back: #dafbe1; --del: #a40e26; --del-back: #ffebe9; --warn: #7d4e00;
  --warn-back: #fff8c5; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #a0a9b4; --back: #0d1117; --card: #161b22;
  --line: #3d444d; --link: #79b8ff; --add: #7ee787; --add-back: #12301c; --del: #ffa198; --del-back: #3c1618;
  --warn: #f2cc60; --warn-back: #2d2407; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3, h4 { font-size: 1rem; margin: 1rem 0 .4rem; }
summary h3, summary h4 { display: inline; margin: 0; }
p, ul { margin: .4rem 0; }
a { color: var(--link); }
code, pre { font: .875rem/1.45 ui-monospace, SFMono-Regular, Consolas, monospace; }
.quiet { color: var(--quiet); }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: .6rem 0; padding: 0; list-style: none; }
.facts b { font-weight: 600; }
.risks, .warnings { padding: .4rem 1rem .4rem 2rem; border: 1px solid var(--line); border-radius: .4rem; }
.risks { border-left: .3rem solid var(--del); }
.warnings { border-left: .3rem solid var(--warn); background: var(--warn-back); }
.failure { padding: .6rem 1rem; border: 1px solid var(--del); border-radius: .4rem; background: var(--del-back); }
.badge { display: inline-block; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem;
  font-size: .8125rem; font-weight: 600; }
.bad { color: var(--del); }
.good { color: var(--add); }
.change { color: var(--link); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
details > .inside { padding: 0 .8rem .6rem; }
summary { padding: .5rem .8rem; cursor: pointer; background: var(--card); border-radius: .4rem; }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
details details summary { padding: .25rem .6rem; }
details details pre { margin: 0; }
pre { margin: .4rem 0; padding: .5rem .6rem; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
pre ins, pre del { display: block; text-decoration: none; }
ins { color: var(--add); background: var(--add-back); text-decoration: none; }
del { color: var(--del); background: var(--del-back); text-decoration: none; }
table { width: 100%; border-collapse: collapse; margin: .5rem 0; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td small { display: block; color: var(--quiet); font-size: .8125rem; }
@media (max-width: 40rem) {
  .wide thead { position: absolute; clip-path: inset(50%); height: 1px; width: 1px; overflow: hidden; }
  .wide, .wide tbody, .wide tr, .wide th, .wide td, .wide caption { display: block; }
  .wide tr { padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .wide th, .wide td { border: 0; padding: .05rem 0; }
  .wide td[data-name]::before { content: attr(data-name) ": "; color: var(--quiet); }
}
@media print {
  :root { color-scheme: light; --text: #000; --quiet: #444; --back: #fff; --card: #fff; --line: #999; --link: #000;
    --add: #0b4d20; --add-back: #e8f8ec; --del: #8a0c20; --del-back: #fdeeec; --warn: #5c3a00; --warn-back: #fff; }
  body { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  details { break-inside: auto; }
  summary { break-after: avoid; }
}
"""
