"""Installs, upgrades and removes a stand-in for the program under Wine, and looks at what is left.

Run by ``python3 packaging/dev.py test-installers --windows``. The payload is small but of the
frozen program's shape; the script, its compiler and every step are the real ones. Wine here has no
32-bit part, so the installer under test is compiled for 64-bit; nothing else differs from the one
that ships.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev_errors import SetUpError
from windows.installer import build_installer
from windows.payload import CONSOLE_PROGRAM, LIST_NAME, WINDOW_PROGRAM
from windows.signing import COMMAND_VARIABLE
from windows.wine import Wine

UNINSTALL_KEY = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Gliascope"
CLASSES = r"Software\Classes"
_MACHINE = "amd64-unicode"
_OLD, _NEW = "0.1.0", "0.2.0"
_RUNS, _UNSUPPORTED, _FULL, _TOO_LONG = 32, 50, 112, 206


@dataclass(slots=True)
class Findings:
    """What was checked, and what was not as it should be."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)

    def expect(self, condition: bool, what: str) -> None:
        """Note one check and print it."""
        print(f"{'ok    ' if condition else 'FAILED'}  {what}", flush=True)
        if condition:
            self.passed += 1
        else:
            self.failed.append(what)


def check_installer(work: Path) -> Findings:
    """Check the Windows installer's script from compiling to removal.

    Parameters
    ----------
    work
        An empty folder for Wine's drive and the installers; some 700 MB.

    Raises
    ------
    SetUpError
        When Wine, NSIS or a virtual screen is missing.
    """
    findings = Findings()
    wine = Wine(work / "wine")
    try:
        old = _installer(work, _OLD)
        new = _installer(work, _NEW)
        again = _installer(work / "again", _NEW)
        findings.expect(new.read_bytes() == again.read_bytes(), "two builds are the same file")
        findings.expect(wine.run(new, "/S") == _UNSUPPORTED, "an old Windows is refused")
        wine.become("win10")
        for everybody, folder in (
            (False, None),
            (True, None),
            (False, wine.drive_c / "Meine Prögramme 文"),
            (True, wine.drive_c / "Prögramme 文 all"),
        ):
            _Life(wine, findings, everybody=everybody, folder=folder).check(old, new)
        _check_refusals(wine, findings, new)
        _check_full_disk(wine, findings, work, old)
        _check_move(wine, findings, old, new)
    finally:
        wine.close()
    _check_signing(findings, work)
    return findings


class _Life:
    """One installation from its first file to its last."""

    def __init__(
        self, wine: Wine, findings: Findings, *, everybody: bool, folder: Path | None
    ) -> None:
        self._wine = wine
        self._findings = findings
        self._everybody = everybody
        self._given = folder
        usual = (
            wine.drive_c / "Program Files" / "Gliascope"
            if everybody
            else wine.local_app_data / "Programs" / "Gliascope"
        )
        self.folder = folder or usual
        self._hive = "HKLM" if everybody else "HKCU"
        self._user_data = wine.local_app_data / "gliascope"

    def check(self, old: Path, new: Path) -> None:
        """Install, use, upgrade and remove."""
        self._user_data.mkdir(parents=True, exist_ok=True)
        (self._user_data / "settings.json").write_text("{}")
        self._install(old)
        self._use()
        self._upgrade_while_running(new)
        self._upgrade(new)
        self._remove()

    def _expect(self, condition: bool, what: str) -> None:
        where = "everybody" if self._everybody else "one user"
        place = "given folder" if self._given else "usual folder"
        self._findings.expect(condition, f"{where}, {place}: {what}")

    def _arguments(self) -> str:
        mode = "/AllUsers" if self._everybody else "/CurrentUser"
        given = f" /D={self._wine.windows_path(self._given)}" if self._given else ""
        return f"/S {mode} /Desktop{given}"

    def _install(self, old: Path) -> None:
        self._expect(self._wine.run(old, self._arguments()) == 0, "installs")
        expected = {*program_files(_OLD), LIST_NAME, "Uninstall.exe"}
        self._expect(files_below(self.folder) == expected, "every file and no other")
        values = self._wine.registry(rf"{self._hive}\{UNINSTALL_KEY}")
        location = self._wine.windows_path(self.folder)
        self._expect(values.get("InstallLocation", "").lower() == location.lower(), "its folder")
        self._expect(values.get("DisplayVersion") == _OLD, "its version under Add or Remove")
        self._expect({"EstimatedSize", "Publisher", "QuietUninstallString"} <= set(values), "size")
        for verb in (r"Directory", r"Directory\Background", "Drive"):
            key = rf"{self._hive}\{CLASSES}\{verb}\shell\Gliascope"
            self._expect(
                self._wine.registry(key).get("") == "Open with Gliascope", f"entry for {verb}"
            )
            command = self._wine.registry(rf"{key}\command").get("", "")
            self._expect(command.lower().startswith(f'"{location}\\glias'.lower()), "its command")
        programs = self._wine.registry(rf"{self._hive}\{CLASSES}\.dcm\OpenWithProgids")
        self._expect("Gliascope.dicom" in programs, "among the programs for .dcm")
        self._expect(all(link.is_file() for link in self._links()), "start menu and desktop")

    def _links(self) -> list[Path]:
        menu = self._wine.start_menu(everybody=self._everybody)
        desktop = self._wine.desktop(everybody=self._everybody)
        return [menu / "Gliascope.lnk", desktop / "Gliascope.lnk"]

    def _use(self) -> None:
        (self.folder / "my notes.txt").write_text("notes")
        (self.folder / "_internal" / "my own.txt").write_text("own")

    @contextmanager
    def _running(self, program: str) -> Iterator[None]:
        hold = self._wine.drive_c / "hold"
        hold.touch()
        process = self._wine.start(self.folder / program, "/hold=C:\\hold")
        try:
            yield
        finally:
            hold.unlink()
            process.wait(timeout=60)

    def _upgrade_while_running(self, new: Path) -> None:
        before = contents(self.folder)
        place = self._wine.windows_path(self.folder)
        for program in (WINDOW_PROGRAM, CONSOLE_PROGRAM):
            with self._running(program):
                code = self._wine.run(new, "/S")
                self._expect(code == _RUNS, f"refuses to upgrade while {program} runs ({code})")
                code = self._wine.run(self.folder / "Uninstall.exe", f"/S _?={place}")
                self._expect(code == _RUNS, f"refuses to remove while {program} runs ({code})")
        self._expect(contents(self.folder) == before, "both leave everything as it was")

    def _upgrade(self, new: Path) -> None:
        # Neither mode nor folder is told: what is there is found.
        self._expect(self._wine.run(new, "/S") == 0, "upgrades")
        kept = {"my notes.txt", "kept-files-1/_internal/my own.txt"}
        expected = {*program_files(_NEW), LIST_NAME, "Uninstall.exe", *kept}
        self._expect(files_below(self.folder) == expected, "new files, no old ones, the user's")
        values = self._wine.registry(rf"{self._hive}\{UNINSTALL_KEY}")
        self._expect(values.get("DisplayVersion") == _NEW, "the new version's number")

    def _remove(self) -> None:
        self._expect(self._wine.run(self.folder / "Uninstall.exe", "/S") == 0, "is removed")
        self._wine.settle()
        kept = {"my notes.txt", "kept-files-1/_internal/my own.txt"}
        self._expect(files_below(self.folder) == kept, "the user's files stay in its folder")
        self._expect((self._user_data / "settings.json").is_file(), "settings stay")
        self._expect(not any(link.exists() for link in self._links()), "no entry is left")
        keys = (UNINSTALL_KEY, rf"{CLASSES}\Directory\shell\Gliascope", rf"{CLASSES}\.dcm")
        left = [key for key in keys if self._wine.has_key(rf"{self._hive}\{key}")]
        self._expect(not left, "nothing is left in the registry")
        shutil.rmtree(self.folder)


def _check_refusals(wine: Wine, findings: Findings, installer: Path) -> None:
    long = wine.drive_c / ("x" * 120) / ("y" * 120)
    code = wine.run(installer, f"/S /D={wine.windows_path(long)}")
    findings.expect(code == _TOO_LONG, f"too long a path is refused ({code})")
    findings.expect(not long.exists(), "and nothing is written")
    windows = wine.run(installer, "/S /NoExplorer")
    verb = rf"HKCU\{CLASSES}\Directory\shell\Gliascope"
    findings.expect(windows == 0 and not wine.has_key(verb), "/NoExplorer leaves Explorer alone")
    windows = wine.run(installer, "/S")
    findings.expect(windows == 0 and wine.has_key(verb), "an upgrade without it adds the entry")
    windows = wine.run(installer, "/S /NoExplorer")
    findings.expect(windows == 0 and not wine.has_key(verb), "one with it takes the entry away")
    wine.run(wine.local_app_data / "Programs" / "Gliascope" / "Uninstall.exe", "/S")
    wine.settle()
    left = (wine.local_app_data / "Programs" / "Gliascope").exists()
    findings.expect(not left, "its folder goes when it is empty")


def _check_full_disk(wine: Wine, findings: Findings, work: Path, old: Path) -> None:
    """Let the disk fill up in the middle of an upgrade, on a small disk of its own."""
    disk = work / "small-disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        print("not checked: a disk that fills up (a small one cannot be mounted here)")
        return
    try:
        folder = disk / "Gliascope"
        given = f"/S /D={wine.windows_path(folder)}"
        findings.expect(wine.run(old, given) == 0, "a small disk: installs")
        before = contents(folder)
        large = frozen_stand_in(work / "large", _NEW, filler_bytes=3_000_000)
        asks = build_installer(large, _NEW, work / "asks", machine=_MACHINE)
        code = wine.run(asks, given)
        findings.expect(code == _FULL, f"a small disk: says so before it begins ({code})")
        # One that believes there is room, as when another program takes it meanwhile.
        believes = build_installer(large, _NEW, work / "believes", machine=_MACHINE, room_mib=0)
        code = wine.run(believes, given)
        findings.expect(code == _FULL, f"a disk that fills up: ends with the code for it ({code})")
        findings.expect(contents(folder) == before, "a disk that fills up: the old version stays")
        wine.run(folder / "Uninstall.exe", "/S")
        wine.settle()
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def _check_move(wine: Wine, findings: Findings, old: Path, new: Path) -> None:
    first, second = wine.drive_c / "first", wine.drive_c / "second"
    wine.run(old, f"/S /D={wine.windows_path(first)}")
    code = wine.run(new, f"/S /D={wine.windows_path(second)}")
    moved = (second / WINDOW_PROGRAM).is_file() and not first.exists()
    findings.expect(code == 0 and moved, "an upgrade into another folder leaves none behind")
    wine.run(second / "Uninstall.exe", "/S")
    wine.settle()
    findings.expect(not second.exists(), "and is removed from there")


def _check_signing(findings: Findings, work: Path) -> None:
    if not (shutil.which("osslsigncode") and shutil.which("openssl")):
        print("not checked: signing (osslsigncode or openssl is missing)")
        return
    key, certificate = work / "key.pem", work / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    request += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=check"]
    request += ["-addext", "extendedKeyUsage=codeSigning"]
    subprocess.run(request, capture_output=True, check=True)
    sign = f"osslsigncode sign -certs {certificate} -key {key} -in {{file}} -out {{file}}.signed"
    os.environ[COMMAND_VARIABLE] = f"sh -c '{sign} && mv {{file}}.signed {{file}}'"
    try:
        signed = _installer(work / "signed", _NEW)
    finally:
        del os.environ[COMMAND_VARIABLE]
    verify = ["osslsigncode", "verify", "-CAfile", str(certificate), "-in", str(signed)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    findings.expect("Signature verification: ok" in done.stdout, "the installer is signed")


def _installer(work: Path, version: str) -> Path:
    payload = frozen_stand_in(work / f"payload-{version}", version)
    return build_installer(payload, version, work / "installers", machine=_MACHINE)


def program_files(version: str) -> set[str]:
    """Return the stand-in's files; each version has one that the other lacks."""
    inner = ("base.dll", f"only-{version}.dll", "torch/lib/core.dll", f"data-{version}/one.txt")
    return {WINDOW_PROGRAM, CONSOLE_PROGRAM, *(f"_internal/{name}" for name in inner)}


def frozen_stand_in(folder: Path, version: str, *, filler_bytes: int = 1000) -> Path:
    """Write a stand-in for the frozen program and return its folder.

    Raises
    ------
    SetUpError
        When NSIS cannot compile the programs.
    """
    program = folder / WINDOW_PROGRAM
    for name in program_files(version):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(filler_bytes) if filler_bytes > 1000 else version.encode())
    script = Path(__file__).with_name("check_program.nsi")
    compiler = ["makensis", "-V1", f"-DOUTPUT={program}", str(script)]
    if subprocess.run(compiler, capture_output=True, check=False).returncode != 0:
        raise SetUpError("The stand-in was not compiled.", str(script), "Check NSIS.")
    shutil.copy(program, folder / CONSOLE_PROGRAM)
    return folder


def files_below(folder: Path) -> set[str]:
    """Return the files below a folder, relative to it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder with their content."""
    return {name: (folder / name).read_bytes() for name in files_below(folder)}


def main() -> int:
    """Run every check; returns 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder to keep instead of a passing one")
    given: Path | None = parser.parse_args().work
    with tempfile.TemporaryDirectory(prefix="gliascope-wine-") as passing:
        try:
            findings = check_installer(given or Path(passing))
        except SetUpError as error:
            print(error, file=sys.stderr)
            return 2
    print(f"Windows installer: {findings.passed} checks passed, {len(findings.failed)} failed")
    return 1 if findings.failed else 0


if __name__ == "__main__":
    sys.exit(main())
