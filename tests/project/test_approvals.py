from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotplate.project.approvals import Approvals
from project.conftest import write


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "state" / "hotplate" / "approved.json"


def test_an_approval_is_remembered_and_taken_back(record: Path, workspace: Path) -> None:
    assert not Approvals(record).approved(workspace)
    assert Approvals(record).approve(workspace)
    assert Approvals(record).approved(workspace)
    assert not Approvals(record).approved(workspace / "sub")
    assert not Approvals(record).approved(workspace.parent)
    assert Approvals(record).forget(workspace)
    assert not Approvals(record).approved(workspace)
    assert Approvals(record).forget(workspace)


def test_an_approval_is_of_the_real_folder(record: Path, workspace: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(workspace)
    approvals = Approvals(record)
    approvals.approve(link)
    assert approvals.approved(workspace)
    # The link now leads elsewhere: what was approved is not there.
    link.unlink()
    (tmp_path / "evil").mkdir()
    link.symlink_to(tmp_path / "evil")
    assert not approvals.approved(link)


def test_two_servers_share_the_record(record: Path, tmp_path: Path) -> None:
    one, other = Approvals(record), Approvals(record)
    one.approve(tmp_path / "a")
    other.approve(tmp_path / "b")
    assert one.approved(tmp_path / "b")
    assert other.approved(tmp_path / "a")
    one.forget(tmp_path / "b")
    assert not other.approved(tmp_path / "b")


def test_the_record_is_for_the_person_alone(record: Path, workspace: Path) -> None:
    write(record, "{}").chmod(0o644)
    old = os.umask(0)
    try:
        Approvals(record).approve(workspace)
    finally:
        os.umask(old)
    assert record.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(record.read_text())["folders"]) == [str(workspace)]
    assert [path.name for path in record.parent.iterdir()] == [record.name]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"folders": 3}', '{"folders": ["x"]}', "\0", "[" * 10000]
)
def test_a_corrupt_record_counts_as_empty_and_is_replaced(
    text: str, record: Path, workspace: Path
) -> None:
    write(record, text)
    assert not Approvals(record).approved(workspace)
    assert Approvals(record).approve(workspace)
    assert Approvals(record).approved(workspace)


def test_what_cannot_be_written_holds_for_the_session(record: Path, workspace: Path) -> None:
    # A file stands where the folder should: not even root can write there.
    write(record.parent.parent)
    approvals = Approvals(record)
    assert not approvals.approve(workspace)
    assert approvals.approved(workspace)
    assert not Approvals(record).approved(workspace)
    assert approvals.forget(workspace)
    assert not approvals.approved(workspace)


def test_what_cannot_be_taken_back_for_good_is_so_for_the_session(
    tmp_path: Path, workspace: Path
) -> None:
    record = tmp_path / "record"
    Approvals(record).approve(workspace)
    # It can be read but not replaced, even by root: a draft beside it has too long a name.
    frozen = tmp_path / ("n" * 250)
    record.rename(frozen)
    approvals = Approvals(frozen)
    assert approvals.approved(workspace)
    assert not approvals.forget(workspace)
    assert not approvals.approved(workspace)


def test_a_folder_whose_name_is_no_text(record: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    assert Approvals(record).approve(folder)
    assert Approvals(record).approved(folder)


def test_where_the_record_is(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOTPLATE_STATE_DIR", raising=False)
    assert Approvals().path.is_relative_to(home)
    assert "hotplate" in Approvals().path.parts
    monkeypatch.setenv("HOTPLATE_STATE_DIR", str(tmp_path / "mine"))
    assert Approvals().path.parent == tmp_path / "mine"


def test_many_servers_at_once_leave_a_whole_record(record: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hotplate.project.approvals import Approvals\n"
        "for n in range(50): Approvals(Path(sys.argv[1])).approve(Path(sys.argv[2]) / str(n))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", code, record, tmp_path / name], env=env)
        for name in "abc"
    ]
    while any(writer.poll() is None for writer in writers):
        if record.exists():
            assert json.loads(record.read_text())["folders"]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert list(record.parent.iterdir()) == [record]
