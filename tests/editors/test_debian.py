"""An editor that is missing is installed; else its test is skipped by name, and fails in CI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from editors.editor import write
from support import debian


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An apt-get that notes what it is called with; a file `broken` beside it makes it fail."""
    script = """#!/bin/sh
        cd "$(dirname "$0")" || exit
        echo "$*" >>called
        [ ! -e broken ] || { echo "Unable to fetch some archives"; exit 100; }
        case $* in *install*) touch ked ;; esac
    """
    folder = tmp_path / "bin"
    write(folder / "apt-get", script).chmod(0o755)
    write(folder / "sudo", '#!/bin/sh\nshift\nexec "$@"\n').chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("CI", raising=False)
    for cached in (debian._install, debian._updated):
        cached.cache_clear()
    yield folder
    for cached in (debian._install, debian._updated):
        cached.cache_clear()


def need(folder: Path) -> None:
    debian.need("Ked", (folder / "ked").exists, "ked", "ked-lsp")


def test_installed_once(apt: Path) -> None:
    need(apt)
    need(apt)
    called = (apt / "called").read_text().splitlines()
    assert [line.split()[-1] for line in called] == ["update", "ked-lsp"]
    assert "--no-install-recommends" in called[1] and called[1].endswith("install ked ked-lsp")


def test_skipped_by_name(apt: Path) -> None:
    (apt / "broken").touch()
    with pytest.raises(pytest.skip.Exception, match=r"no Ked .*ked ked-lsp.*Unable to fetch"):
        need(apt)


def test_missing_in_ci_is_a_failure(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (apt / "broken").touch()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Ked"):
        need(apt)


def test_skipped_where_there_is_no_apt_get(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PATH", str(apt / "nothing"))
    with pytest.raises(pytest.skip.Exception, match="there is no apt-get"):
        need(apt)


def test_the_version_of_what_debian_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for says in ('echo "no packages found" >&2; exit 1', "exit 0"):
        write(tmp_path / "dpkg-query", f"#!/bin/sh\n{says}\n").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert debian.version("ked") == "not Debian's"
    (tmp_path / "dpkg-query").unlink()
    assert debian.version("ked") == "not Debian's"


def test_the_version_as_its_makers_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "dpkg-query", "#!/bin/sh\necho 2:9.1.2+dfsg-3\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.version("ked") == "9.1.2"
