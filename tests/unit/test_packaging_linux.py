"""The Linux packages: what a desktop and dpkg are told, and installing without root."""

import configparser
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from frozen_contents import reasons_for
from linux.deb import control_text
from linux.elf import Needs, debian_packages, elf_files, read_needs, unreachable
from linux.run_file import LIST_NAME, UNINSTALLER, build_run_file, file_list
from linux.share import HERE, Release, filled
from linux.tree import installed_kib, settle, write_tar_gz

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="these packages are made on Linux"
)

RELEASE = Release("1.2.3", 1_700_000_000)
NEEDS = Needs(frozenset({"libc.so.6", "libxcb.so.1"}), (2, 36))


def test_menu_entry_opens_what_was_chosen() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(HERE / "gliascope.desktop", "utf-8")
    section = entry["Desktop Entry"]
    assert section["Exec"] == "gliascope open %f"
    types = section["MimeType"].split(";")
    assert "application/dicom" in types
    # It would become what opens folders on desktops that name no file manager.
    assert "inode/directory" not in types
    declared = ET.fromstring((HERE / "gliascope-mime.xml").read_text("utf-8"))
    assert {element.get("type") for element in declared} <= set(types)


def test_what_the_graphics_driver_needs_as_new_as_it_is_comes_from_the_system() -> None:
    for name in ("libstdc++.so.6", "libgcc_s.so.1", "libglib-2.0.so.0"):
        assert reasons_for(name), name
        assert debian_packages([name])
    # Wheels' own, under names that nothing else asks for.
    assert not reasons_for("numpy.libs/libgcc_s-1a2b3c.so.1")


def test_every_place_has_the_version() -> None:
    for name in ("gliascope.metainfo.xml", "gliascope.1"):
        text = filled(name, RELEASE)
        assert "1.2.3" in text
        assert "2023-11-14" in text
        assert "@" not in text


def test_control_names_what_the_program_needs() -> None:
    text = control_text(RELEASE, NEEDS, 1234)
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(" "))
    assert fields["Depends"].startswith("libc6 (>= 2.36), ")
    assert "libxcb1" in fields["Depends"]
    assert fields["Installed-Size"] == "1234"
    assert fields["Package"] == "gliascope"
    assert fields["Conflicts"] == "gliascope-cuda"


def test_the_cuda_package_replaces_the_other() -> None:
    release = Release("1.2.3", 0, "cuda")
    assert "Package: gliascope-cuda\n" in control_text(release, NEEDS, 1)
    assert "Replaces: gliascope\n" in control_text(release, NEEDS, 1)


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(KeyError, match="libsurprise"):
        debian_packages({"libsurprise.so.1"})


@pytest.mark.parametrize(
    ("script", "argument", "refused"),
    [
        ("preinst", "upgrade", True),
        ("gliascope.prerm", "remove", True),
        ("preinst", "install", False),
        ("gliascope.prerm", "upgrade", False),
    ],
)
def test_dpkg_is_refused_while_the_program_runs(
    tmp_path: Path, script: str, argument: str, refused: bool
) -> None:
    program = tmp_path / "program"
    shutil.copyfile("/bin/sleep", program)
    program.chmod(0o755)
    text = (HERE / "not-while-running.sh").read_text("utf-8")
    path = tmp_path / script
    path.write_text(text.replace("@PROGRAM@", str(program)), "utf-8")

    def codes_and_words(**variables: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", path, argument],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    running = subprocess.Popen([program, "60"])
    try:
        code, said = codes_and_words()
        assert (code == 1) is refused
        if refused:
            assert said.splitlines()[:2] == ["Gliascope is running.", f"process {running.pid}"]
        assert codes_and_words(GLIASCOPE_EVEN_IF_RUNNING="1") == (0, "")
    finally:
        running.kill()
        running.wait()
    assert codes_and_words()[0] == 0


@pytest.mark.skipif(not shutil.which("readelf"), reason="needs binutils")
def test_needs_are_read_from_the_libraries(tmp_path: Path) -> None:
    # The interpreter at hand; a virtual environment only links to it.
    program = tmp_path / "program"
    shutil.copyfile(Path(sys.executable).resolve(), program)
    tmp_path.joinpath("notes.txt").write_text("no library")
    assert elf_files(tmp_path) == [program]
    needs = read_needs(tmp_path)
    assert "libc.so.6" in needs.sonames
    assert needs.glibc >= (2, 2)
    assert unreachable(tmp_path, lambda path: False) == []
    assert unreachable(tmp_path, lambda path: True) == [program]


def test_an_archive_is_the_same_whoever_packs_it_and_when(tmp_path: Path) -> None:
    packed = []
    for number, name in enumerate(("one", "two")):
        tree = tmp_path / name
        program = _program(tree)
        os.utime(program, (number, number))
        program.chmod(0o700 + number)
        settle(tree, RELEASE.epoch_s)
        write_tar_gz(tree, tmp_path / f"{name}.tar.gz", RELEASE.epoch_s)
        packed.append((tmp_path / f"{name}.tar.gz").read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        entry = archive.getmember("gliascope")
        assert (entry.mode, entry.uid, entry.mtime) == (0o755, 0, RELEASE.epoch_s)
    assert installed_kib(tmp_path / "one") >= 2


def test_a_list_cannot_hold_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "odd\nname").touch()
    with pytest.raises(ValueError, match="line break"):
        file_list(tmp_path)


class TestRunFile:
    """The self-extracting file, with a small program in it."""

    @pytest.fixture
    def run_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        def write_share(share: Path) -> None:
            icon = share / "icons" / "hicolor" / "16x16" / "apps" / "gliascope.png"
            icon.parent.mkdir(parents=True)
            icon.touch()
            (share / "mime").mkdir()
            shutil.copyfile(HERE / "gliascope-mime.xml", share / "mime" / "gliascope.xml")
            shutil.copyfile(HERE / "gliascope.desktop", share / "gliascope.desktop")

        monkeypatch.setattr("linux.run_file.write_share_of_user", write_share)
        _program(tmp_path / "onedir")
        return build_run_file(tmp_path / "onedir", RELEASE, tmp_path / "made")

    def test_install_upgrade_uninstall(self, run_file: Path, tmp_path: Path) -> None:
        home = tmp_path / 'Heim ä 文 "$x" 100%'
        settings = home / ".local" / "share" / "gliascope" / "settings.json"
        settings.parent.mkdir(parents=True)
        settings.touch()
        target = home / "opt" / "Gliascope"
        assert _start(run_file, home, "--target", str(target)).returncode == 0
        command = home / ".local" / "bin" / "gliascope"
        assert subprocess.check_output([command], text=True) == "gliascope 1.2.3\n"
        entry = (home / ".local/share/applications/gliascope.desktop").read_text("utf-8")
        quoted = str(target).replace('"', '\\\\"').replace("$", "\\\\$").replace("%", "%%")
        assert f'Exec="{quoted}/gliascope" open %f\n' in entry

        (target / "mine.txt").write_text("kept")
        again = _start(run_file, home, "--target", str(target))
        kept = Path(again.stdout.split("were kept: ")[1].splitlines()[0])
        assert [path.name for path in kept.iterdir()] == ["mine.txt"]

        removed = subprocess.run([target / UNINSTALLER], env=_environment(home), check=False)
        assert removed.returncode == 0
        assert not target.exists()
        assert not command.is_symlink()
        assert [path for path in (home / ".local").rglob("*gliascope*") if path.is_file()] == []
        assert settings.exists()

    @pytest.mark.parametrize("target", ["x/../opt/glia", "link/glia", "opt/glia/"])
    def test_removed_by_its_own_script_however_the_folder_was_named(
        self, run_file: Path, tmp_path: Path, target: str
    ) -> None:
        home = tmp_path / "home"
        (home / "x").mkdir(parents=True)
        (home / "opt").mkdir()
        (home / "link").symlink_to("opt")
        assert _start(run_file, home, "--target", target, folder=home).returncode == 0
        _uninstall(home / "opt" / "glia", home)
        assert _left(home) == []

    def test_removed_without_its_link(self, run_file: Path, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        _start(run_file, home)
        (home / ".local" / "bin" / "gliascope").unlink()
        _uninstall(home / ".local" / "opt" / "gliascope", home)
        assert _left(home) == []

    def test_a_command_of_the_users_own_stays_theirs(self, run_file: Path, tmp_path: Path) -> None:
        home = tmp_path / "home"
        command = home / ".local" / "bin" / "gliascope"
        command.parent.mkdir(parents=True)
        command.touch()
        said = _start(run_file, home).stdout
        target = home / ".local" / "opt" / "gliascope"
        assert said.endswith(f"or with: {target}/gliascope\n")
        _uninstall(target, home)
        assert _left(home) == [command]

    def test_the_menu_entry_of_a_later_installation_stays(
        self, run_file: Path, tmp_path: Path
    ) -> None:
        home = tmp_path / "home"
        home.mkdir()
        for name in ("first", "second"):
            _start(run_file, home, "--target", str(home / name))
        _uninstall(home / "first", home)
        assert (home / ".local" / "share" / "applications" / "gliascope.desktop").is_file()
        assert (home / ".local" / "bin" / "gliascope").is_file()
        _uninstall(home / "second", home)
        assert _left(home) == []

    def test_only_unpacked(self, run_file: Path, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        _start(run_file, home, "--extract-only", "--target", str(home / "here"))
        assert (home / "here" / LIST_NAME).is_file()
        assert not (home / ".local" / "bin").exists()

    def test_a_damaged_file_changes_nothing(self, run_file: Path, tmp_path: Path) -> None:
        damaged = bytearray(run_file.read_bytes())
        damaged[-20] ^= 1
        run_file.write_bytes(damaged)
        done = _start(run_file, tmp_path / "home")
        assert done.returncode == 1
        assert "damaged" in done.stderr
        assert not (tmp_path / "home").exists()

    def test_a_folder_of_somebody_else_is_refused(self, run_file: Path, tmp_path: Path) -> None:
        thesis = tmp_path / "documents" / "thesis.txt"
        thesis.parent.mkdir()
        thesis.touch()
        done = _start(run_file, tmp_path, "--target", str(thesis.parent))
        assert done.returncode == 1
        assert "something else" in done.stderr
        assert _start(run_file, tmp_path, "--uninstall", "--target", str(thesis.parent)).returncode
        assert thesis.exists()

    def test_a_program_that_does_not_start_replaces_nothing(
        self, run_file: Path, tmp_path: Path
    ) -> None:
        home = tmp_path / "home"
        home.mkdir()
        assert _start(run_file, home).returncode == 0
        broken = tmp_path / "broken"
        _program(broken, body="exit 3")
        later = build_run_file(broken, Release("2.0.0", 1), tmp_path / "made")
        done = _start(later, home)
        assert done.returncode == 1
        assert "does not start here" in done.stderr
        command = home / ".local" / "bin" / "gliascope"
        assert subprocess.check_output([command], text=True) == "gliascope 1.2.3\n"
        assert [path.name for path in (home / ".local" / "opt").iterdir()] == ["gliascope"]

    def test_an_older_c_library_is_told_of(
        self, run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = tmp_path / "bin" / "getconf"
        old.parent.mkdir()
        old.write_text("#!/bin/sh\necho glibc 2.9\n")
        old.chmod(0o755)
        text = run_file.read_bytes().replace(b"\nglibc=2.0\n", b"\nglibc=2.36\n", 1)
        run_file.write_bytes(text)
        monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
        done = _start(run_file, tmp_path / "home")
        assert done.returncode == 1
        assert "GNU C library: 2.9; 2.36 or later is needed" in done.stderr
        assert not (tmp_path / "home").exists()

    def test_the_same_program_gives_the_same_file(self, run_file: Path, tmp_path: Path) -> None:
        first = run_file.read_bytes()
        again = build_run_file(tmp_path / "onedir", RELEASE, tmp_path / "again")
        assert again.read_bytes() == first


def test_manual_page_is_packed_without_a_time() -> None:
    from linux.share import _packed

    assert gzip.decompress(_packed("text")) == b"text"
    assert _packed("text") == _packed("text")


def _program(folder: Path, body: str = "echo 'gliascope 1.2.3'") -> Path:
    (folder / "_internal").mkdir(parents=True)
    (folder / "_internal" / "data").write_text("data")
    program = folder / "gliascope"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"]}


def _uninstall(target: Path, home: Path) -> None:
    subprocess.run([target / UNINSTALLER], env=_environment(home), check=True)
    assert not target.exists()


def _left(home: Path) -> list[Path]:
    found = (home / ".local").rglob("*gliascope*")
    return [path for path in found if path.is_symlink() or path.is_file()]


def _start(
    run_file: Path, home: Path, *arguments: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(run_file), *arguments],
        env=_environment(home),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
