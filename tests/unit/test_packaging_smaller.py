"""The frozen program made smaller: what is taken away must not change what is left."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import frozen_contents
import numpy as np
import pytest
from linux.icu import IcuError, is_needed, read_package, trimmed, write_package
from linux.strip import loaded_parts, strip_libraries
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless
from reproduce import contents, differing
from smaller import compress_sample, tighten_tables

from tests.mr_files import pattern, write_series

HEADER = (32).to_bytes(2, "little") + b"\xda\x27\x14\0\0\0" + bytes(4) + b"CmnD" + bytes(16)
needs_compiler = pytest.mark.skipif(
    not all(map(shutil.which, ("cc", "strip"))), reason="needs a C compiler and binutils"
)


def test_the_sample_is_compressed_without_loss(tmp_path: Path) -> None:
    array = pattern((3, 40, 50))
    paths = write_series(tmp_path, array)
    before = [dcmread(path) for path in paths]
    compress_sample(tmp_path)
    for plane, path, was in zip(array, paths, before, strict=True):
        image = dcmread(path)
        assert image.file_meta.TransferSyntaxUID == JPEGLSLossless
        assert image.SOPInstanceUID == was.SOPInstanceUID
        np.testing.assert_array_equal(image.pixel_array, plane)


def test_large_tables_lose_their_spaces_and_nothing_else(tmp_path: Path) -> None:
    table = {"ä 文": [{"b": 1.50, "a": None}] * 5000}
    large, small = tmp_path / "in" / "large.json", tmp_path / "small.json"
    large.parent.mkdir()
    large.write_text(json.dumps(table, indent=4), "utf-8")
    small.write_text('{"a": 1}', "utf-8")
    before = large.stat().st_size
    assert tighten_tables(tmp_path) == before - large.stat().st_size > 0
    assert json.loads(large.read_text("utf-8")) == table
    assert small.read_text("utf-8") == '{"a": 1}'


class TestIcu:
    """ICU's tables, without those that Qt does not ask for."""

    def test_sorting_stays_and_names_of_currencies_go(self) -> None:
        items = {
            "icudt73l/coll/de.res": b"sorting",
            "icudt73l/curr/de.res": b"currencies",
            "icudt73l/nfc.nrm": b"normal forms",
            "icudt73l/ibm-943.cnv": b"characters",
            "icudt73l/zone/de.res": b"zones",
        }
        header, kept = read_package(trimmed(write_package(HEADER, items)))
        assert header == HEADER
        assert {name: data.rstrip(b"\0") for name, data in kept.items()} == {
            "icudt73l/coll/de.res": b"sorting",
            "icudt73l/nfc.nrm": b"normal forms",
        }

    def test_items_are_sorted_and_aligned(self) -> None:
        package = write_package(HEADER, {"b": b"2", "a": b"1"})[len(HEADER) :]
        count, *pairs = struct.unpack_from("<IIIII", package)
        assert count == 2
        assert package[pairs[0] : pairs[0] + 4] == b"a\0b\0"
        assert [pairs[1] % 16, pairs[3] % 16] == [0, 0]
        assert package[pairs[3]] == ord("2")

    def test_something_else_is_refused(self) -> None:
        with pytest.raises(IcuError):
            read_package(bytes(100))

    @pytest.mark.parametrize("name", ["icudt73l/root.res", "icudt73l/coll/ucadata.icu"])
    def test_what_belongs_to_no_language_stays(self, name: str) -> None:
        assert is_needed(name)


@needs_compiler
class TestStrip:
    """Symbols taken out of libraries."""

    @pytest.fixture
    def library(self, tmp_path: Path) -> Path:
        source = tmp_path / "answer.c"
        source.write_text("static int hidden(void) { return 42; } int answer(void) "
                          "{ return hidden(); }\n")  # fmt: skip
        made = tmp_path / "lib" / "libanswer.so"
        made.parent.mkdir()
        command = ["cc", "-g", "-O0", "-shared", "-fPIC", "-o", str(made), str(source)]
        subprocess.run(command, check=True)
        return made

    def test_what_is_loaded_stays_and_the_rest_goes(self, library: Path) -> None:
        before, size = loaded_parts(library), library.stat().st_size
        assert strip_libraries(library.parent) == size - library.stat().st_size > 0
        assert loaded_parts(library) == before
        script = f"import ctypes; print(ctypes.CDLL({str(library)!r}).answer())"
        assert subprocess.check_output([sys.executable, "-c", script], text=True) == "42\n"
        assert [path.name for path in library.parent.iterdir()] == ["libanswer.so"]

    def test_a_library_that_would_change_is_left_as_it_was(
        self, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = library.read_bytes()
        clumsy = tmp_path / "bin" / "strip"
        clumsy.parent.mkdir()
        clumsy.write_text(
            f'#!/bin/sh\n{shutil.which("strip")} "$@" && printf X | '
            'dd of="$3" bs=1 seek=4096 conv=notrunc status=none\n'
        )
        clumsy.chmod(0o755)
        monkeypatch.setenv("PATH", f"{clumsy.parent}:/usr/bin:/bin")
        assert strip_libraries(library.parent) == 0
        assert library.read_bytes() == before
        assert [path.name for path in library.parent.iterdir()] == ["libanswer.so"]


def test_sources_that_torch_reads_while_it_is_imported_stay() -> None:
    script = (
        "import inspect; found = set(); find = inspect.findsource\n"
        "def spy(what): found.add(inspect.getsourcefile(what)); return find(what)\n"
        "inspect.findsource = spy\n"
        "import torch, torch.jit, torch.export\n"
        "print(*(f for f in found if f and '/torch/' in f), sep='\\n')"
    )
    read = subprocess.check_output([sys.executable, "-c", script], text=True).split("\n")
    # These are only asked for the name and line of a caller, which needs no source.
    asked = {"_mode.py", "custom_ops.py", "registry.py"}
    needed = [Path(line) for line in read if line and Path(line).name not in asked]
    assert needed
    for path in needed:
        inside = path.as_posix().split("site-packages/")[1]
        assert not frozen_contents.is_spare_source(inside, path), inside
    ordinary = needed[0].parents[len(needed[0].as_posix().split("/torch/")[1].split("/")) - 1]
    assert frozen_contents.is_spare_source("torch/hub.py", ordinary / "hub.py")
    assert not frozen_contents.is_spare_source("desktop_app/errors.py", ordinary / "hub.py")


def test_builds_are_compared_file_by_file(tmp_path: Path) -> None:
    for name, text in (("first", "same"), ("second", "other")):
        program = tmp_path / name / "Gliascope"
        program.mkdir(parents=True)
        (program / "always").write_text("same")
        (program / "changed").write_text(text)
        (program / "link").symlink_to("always")
        (tmp_path / name / "freeze.log").write_text(text)
    (tmp_path / "first" / "x.deb").touch()
    lines = list(differing(contents(tmp_path / "first"), contents(tmp_path / "second")))
    paths = [line.split(":")[0] for line in lines]
    assert paths == ["Gliascope/changed", "x.deb"]
    assert lines[-1].endswith("and absent")
