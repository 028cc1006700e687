# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.errors import InputError
from ansible_collections.helmstack.core.plugins.plugin_utils.report import files
from ansible_collections.helmstack.core.plugins.plugin_utils.report.document import Report, folded, key_of
from ansible_collections.helmstack.core.plugins.plugin_utils.report.files import ReportFiles
from ansible_collections.helmstack.core.plugins.plugin_utils.report.task import TaskReports
from ansible_collections.helmstack.core.tests.unit.plugins.plugin_utils.report.samples import (
    entry,
    idle,
    release,
    result,
)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("review.txt", "must end with .html, .md or .json"),
        ("review", "must end with"),
        ("nowhere/review.md", "Make the folder"),
        ("file/review.md", "cannot be written on the controller"),
        ("folder.md", "is a folder"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path, temporary: Path, path: str, words: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(InputError, match=words):
        ReportFiles([str(tmp_path / path)], str(temporary))
    assert not (tmp_path / "nowhere").exists()


def test_a_limit_that_says_nothing_is_an_error(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(InputError, match="report_limit is 10"):
        ReportFiles([str(tmp_path / "a.md")], str(temporary), 10)


def test_a_relative_path_counts_from_where_ansible_was_started(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ReportFiles(["a.md", "a.md"], str(temporary)).paths == [str(tmp_path / "a.md")]
    assert os.listdir(tmp_path) == ["run"]  # the probe is gone


def written(tmp_path: Path, temporary: Path, *reports: Report, task: str = "t") -> Any:
    """What the JSON report holds once these tasks are done."""
    paths = [str(tmp_path / f"review.{kind}") for kind in ("json", "md", "html")]
    for report in reports:
        ReportFiles(paths, str(temporary)).add(report, task)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "review.json", "review.md", "review.html"}
    return json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))


def test_of_one_host_the_json_is_the_result(tmp_path: Path, temporary: Path) -> None:
    data = result(release("a"), diff=[entry("a")])
    assert written(tmp_path, temporary, Report("h", True, data)) == data


def test_of_several_hosts_there_is_one_report_and_equal_ones_are_folded(tmp_path: Path, temporary: Path) -> None:
    hosts = [
        Report(f"h{n}", True, result(release("a"), diff=[entry("a")], digest=f"d{n}", server=f"s{n}")) for n in range(3)
    ]
    found = written(tmp_path, temporary, *hosts, Report("other", True, result(release("b"))))
    assert [[host["host"] for host in item["hosts"]] for item in found["results"]] == [["h0", "h1", "h2"], ["other"]]
    assert [host["digest"] for host in found["results"][0]["hosts"]] == ["d0", "d1", "d2"]
    assert [host["cluster"]["server"] for host in found["results"][0]["hosts"]] == ["s0", "s1", "s2"]
    assert (tmp_path / "review.md").read_text(encoding="utf-8").count("### `shop/a`") == 1


def test_a_later_task_of_the_same_stack_takes_the_place_of_the_first(tmp_path: Path, temporary: Path) -> None:
    check, run = (Report("h", check, result(release("a"))) for check in (True, False))
    other = Report("h", True, result(release("a"), stack="other"))
    assert len(written(tmp_path, temporary, check, other, run)["results"]) == 2
    assert "Deployment of shop" in (tmp_path / "review.html").read_text(encoding="utf-8")


def test_another_run_begins_anew(tmp_path: Path, temporary: Path) -> None:
    written(tmp_path, temporary, Report("h", True, result(release("a"))), Report("i", True, result()))
    (temporary / "later").mkdir()
    data = result(release("b"))
    assert written(tmp_path, temporary / "later", Report("h", True, data)) == data


def test_hosts_that_end_at_once_are_all_in_the_report(tmp_path: Path, temporary: Path) -> None:
    def add(number: int) -> None:
        report = Report(f"h{number:02}", True, result(release(f"r{number % 4}")))
        ReportFiles([str(tmp_path / "review.json")], str(temporary)).add(report, "t")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))["results"]
    assert sorted(host["host"] for item in found for host in item["hosts"]) == [f"h{n:02}" for n in range(20)]
    assert len(found) == 4


def test_a_host_whose_report_another_has_written_writes_none(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = files._Shelf(str(temporary / "shelf"))
    for name in "ab":
        shelf.put(name, Report(name, True, result()))
    with shelf.all_not_yet_written("a") as groups:
        assert groups is not None
    with shelf.all_not_yet_written("b") as groups:
        assert groups is None


def test_an_existing_report_keeps_its_rights_and_a_link_stays_one(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "real.md").touch(mode=0o640)
    os.chmod(tmp_path / "real.md", 0o640)
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    ReportFiles([str(tmp_path / "link.md")], str(temporary)).add(Report("h", True, result()), "t")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").stat().st_mode & 0o777 == 0o640
    assert "shop" in (tmp_path / "real.md").read_text(encoding="utf-8")


def test_texts_that_are_no_unicode_are_written(tmp_path: Path, temporary: Path) -> None:
    data = result(release("a"), diff=[entry("a", "", "x: \udc80\n")])
    assert "udc80" in json.dumps(written(tmp_path, temporary, Report("h", True, data)))


def test_what_each_cluster_has_of_its_own_does_not_part_hosts() -> None:
    first = result(release("a"), idle("x"), server="s1", digest="d1")
    second = result(release("a", revision={"from": 8, "to": 9}, status="failed"), server="s2", digest="d2")
    other = result(release("a", reason=["values"]))
    keys = [key_of(Report("h", True, data)) for data in (first, second, other)]
    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)
    assert len(folded([Report("h", check, first) for check in (True, False)])) == 2


def task(**more: Any) -> Any:
    return SimpleNamespace(**{"async_val": 0, "no_log": False, "check_mode": True, "_uuid": "u", **more})


@pytest.mark.parametrize(("more", "word"), [({"async_val": 9}, "async"), ({"no_log": True}, "no_log")])
def test_what_hides_or_loses_results_cannot_be_combined_with_a_report(more: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=f"report_file and {word} cannot be used together"):
        TaskReports.of({"report_file": ["a.md"]}, task(**more), "h")


def test_a_report_that_cannot_be_written_at_the_end_fails_the_task(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    reports = TaskReports.of({"report_file": [str(tmp_path / "folder" / "a.md")]}, task(), "h")
    (tmp_path / "folder").rmdir()
    told = reports.write({"failed": True, "msg": "it failed"})
    assert told["failed"]
    assert told["msg"].startswith("it failed\nreport_file ")


def test_without_reports_nothing_is_told() -> None:
    assert TaskReports.of({}, task(async_val=9), "h").write({"msg": "x"}) == {}
