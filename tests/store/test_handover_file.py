"""The file that a run is handed over with: what it takes is what it wrote, and nothing leads out of its folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from holdpoint.problem import Exit, HoldpointError
from holdpoint.store import handover_file

RUN = "20261123-1200-lab-a1b2"
JOURNAL = f"runs/{RUN}/journal.jsonl"


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 5000)
    long = f"runs/{RUN}/out/{'x' * 99}"
    members: dict[str, handover_file.Member] = {JOURNAL: source, "README.txt": b"", long: b"long"}
    handover_file.write(tmp_path / "file", members)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert handover_file.unpack(tmp_path / "file", tmp_path / "into") == tuple(members)
    assert (tmp_path / "into" / JOURNAL).read_bytes() == source.read_bytes()
    assert (tmp_path / "into" / long).read_bytes() == b"long"
    assert (tmp_path / "into" / JOURNAL).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


Build = Callable[[tarfile.TarFile], None]


def member(name: str, data: bytes = b"x", **more: object) -> Build:
    def build(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for key, value in more.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(data))

    return build


def twice(tar: tarfile.TarFile) -> None:
    for _ in range(2):
        member(JOURNAL)(tar)


HOSTILE: dict[str, Build] = {
    "absolute": member("/etc/passwd"),
    "above": member("../outside"),
    "above, below": member(f"runs/{RUN}/../../outside"),
    "hidden": member(f"runs/{RUN}/out/.bashrc"),
    "the key": member("key"),
    "another run's folder": member("runs/x/journal.jsonl"),
    "a folder": member(f"runs/{RUN}/out", b"", type=tarfile.DIRTYPE),
    "a symbolic link": member(f"runs/{RUN}/out/a", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": member(f"runs/{RUN}/out/a", b"", type=tarfile.LNKTYPE, linkname=JOURNAL),
    "a device": member(f"runs/{RUN}/out/a", b"", type=tarfile.CHRTYPE),
    "a pipe": member(f"runs/{RUN}/out/a", b"", type=tarfile.FIFOTYPE),
    "a long name": member(f"runs/{RUN}/out/{'x' * 300}"),
    "a newline": member(f"runs/{RUN}/out/a\nb"),
    "an escape": member(f"runs/{RUN}/out/\x1b[31m"),
    "twice": twice,
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_whatever_is_no_plain_file_of_a_known_name_is_refused(tmp_path: Path, what: str, form: int) -> None:
    file, into = tmp_path / "file", tmp_path / "into"
    try:
        with tarfile.open(file, "w:gz", format=form) as tar:
            HOSTILE[what](tar)
    except ValueError:
        return  # this form has no room for such a name
    refused(file, into)


def refused(file: Path, into: Path) -> str:
    before = {path for path in file.parent.rglob("*") if into not in path.parents}
    with pytest.raises(HoldpointError) as error:
        handover_file.unpack(file, into)
    assert error.value.exit_code is Exit.USAGE
    assert {path for path in file.parent.rglob("*") if into not in path.parents} - before <= {into}
    (problem,) = error.value.problems
    assert "\x1b" not in problem.message
    return problem.message


def header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize("size", [-1, handover_file.LARGEST + 1, 2**60])
def test_a_size_that_is_none_is_refused_before_anything_is_written(tmp_path: Path, size: int) -> None:
    info = tarfile.TarInfo(JOURNAL)
    info.size = size
    (tmp_path / "file").write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    refused(tmp_path / "file", tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover_file, "MOST", 3)
    handover_file.write(tmp_path / "file", {f"runs/{RUN}/out/{n}.out": b"" for n in range(4)})
    assert "more than 3 files" in refused(tmp_path / "file", tmp_path / "into")


def test_something_behind_its_end_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "file", "wb") as file:
        file.write(header(JOURNAL, 0) + bytes(1024) + b"more")
    assert "follows its end" in refused(tmp_path / "file", tmp_path / "into")


def test_a_header_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "file", "wb") as file:
        file.write(b"x" * 512)
    assert "cannot be unpacked" in refused(tmp_path / "file", tmp_path / "into")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "file")
    assert "not a regular file" in refused(tmp_path / "file", tmp_path / "into")


def test_a_name_that_was_reserved_is_free_again_where_nothing_came_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), handover_file.reserved(tmp_path / "file"):
        raise ZeroDivisionError
    assert not (tmp_path / "file").exists()
