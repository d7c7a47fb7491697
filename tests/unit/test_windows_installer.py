"""The Windows installer's payload, its script and what Windows shows of the programs."""

import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from dev_errors import SetUpError
from icons import ICNS_SIZES, ICO_SIZES, write_icns, write_ico
from PIL import Image
from windows import signing
from windows.installer import build_installer
from windows.payload import (
    CONSOLE_PROGRAM,
    WINDOW_PROGRAM,
    Payload,
    read_payload,
    removal_list,
    unpack_script,
)
from windows.version_info import file_version, version_info

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = ROOT / "packaging" / "windows"


@pytest.fixture
def onedir(tmp_path: Path) -> Path:
    """A folder of the frozen program's shape."""
    folder = tmp_path / "Gliascope"
    inner = folder / "_internal" / "torch" / "lib"
    inner.mkdir(parents=True)
    for path in (folder / "Gliascope.exe", folder / "gliascope-cli.exe", inner / "core.dll"):
        path.write_bytes(b"x" * 2000)
    return folder


def test_payload_knows_files_folders_and_sizes(onedir: Path) -> None:
    payload = read_payload(onedir)
    assert [str(path) for path in payload.files] == [
        "Gliascope.exe",
        "_internal/torch/lib/core.dll",
        "gliascope-cli.exe",
    ]
    assert [len(path.parts) for path in payload.folders] == [3, 2, 1]
    assert (payload.size_kib, payload.room_mib, payload.longest) == (6, 1, 28)


def test_removal_list_names_all_and_folders_after_their_content(onedir: Path) -> None:
    lines = removal_list(read_payload(onedir)).decode("utf-16-le").split("\r\n")
    assert lines == [
        "T Gliascope.exe",
        "T _internal",
        "T gliascope-cli.exe",
        "F Gliascope.exe",
        "F _internal\\torch\\lib\\core.dll",
        "F gliascope-cli.exe",
        "D _internal\\torch\\lib",
        "D _internal\\torch",
        "D _internal",
        "",
    ]


def test_script_unpacks_every_file_and_the_list(onedir: Path, tmp_path: Path) -> None:
    payload = read_payload(onedir)
    script = unpack_script(payload, tmp_path / "list.txt")
    files = re.findall(r'^  File "(?!/oname)(.+)"$', script, re.MULTILINE)
    assert {Path(file) for file in files} == {onedir / path for path in payload.files}
    assert 'SetOutPath "${FOLDER}\\_internal\\torch\\lib"' in script
    assert f'/oname=installed-files.txt" "{tmp_path / "list.txt"}"' in script


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Uninstall.exe", "uses this name itself"),
        ("_internal/größe.txt", "cannot hold this name"),
        ("_internal/a$b.txt", "cannot hold this name"),
        ("_internal/TORCH/lib/core.dll", "one name"),
    ],
)
def test_names_that_windows_or_the_script_cannot_take_are_refused(
    onedir: Path, name: str, reason: str
) -> None:
    path = onedir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        pytest.skip("this system's file names have no case")
    path.write_text("x")
    with pytest.raises(SetUpError, match=reason):
        read_payload(onedir)


def test_links_and_missing_programs_are_refused(onedir: Path) -> None:
    link = onedir / "_internal" / "link.dll"
    link.symlink_to(onedir / "Gliascope.exe")
    with pytest.raises(SetUpError, match="no links"):
        read_payload(onedir)
    link.unlink()
    (onedir / "gliascope-cli.exe").unlink()
    with pytest.raises(SetUpError, match="missing"):
        read_payload(onedir)


def test_room_counts_what_files_waste() -> None:
    payload = Payload(Path(), (Path("a"),), (), size_bytes=100 * 1024 * 1024)
    assert payload.room_mib == 110


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs NSIS, which makes installers")
def test_installer_compiles_without_a_warning(onedir: Path, tmp_path: Path) -> None:
    made = build_installer(onedir, "1.2.3", tmp_path / "out")
    assert made.name == "Gliascope-1.2.3-windows-x64.exe"
    assert made.read_bytes()[:2] == b"MZ"


def test_removal_and_upgrade_wait_for_the_window_and_for_batches() -> None:
    script = (WINDOWS / "gliascope.nsi").read_text("utf-8")
    files = (WINDOWS / "files.nsh").read_text("utf-8")
    names = dict(re.findall(r'^!define (\w+_PROGRAM) "(.+)"$', script, re.MULTILINE))
    looked_at = re.findall(r'RefuseWhileOneRuns "\$\{FOLDER\}\\\$\{(\w+)\}"', files)
    assert {names[one] for one in looked_at} == {WINDOW_PROGRAM, CONSOLE_PROGRAM}


def test_every_exit_code_of_the_script_is_told_to_administrators() -> None:
    script = (WINDOWS / "gliascope.nsi").read_text("utf-8")
    codes = re.findall(r"^!define [A-Z_]+ +(\d+)", script, re.MULTILINE)
    guide = (ROOT / "docs" / "INSTALL.md").read_text("utf-8")
    assert len(codes) == 5
    for code in codes:
        assert f"| {code} |" in guide


def test_everything_written_to_the_registry_is_removed() -> None:
    entries = (WINDOWS / "entries.nsh").read_text("utf-8")
    written = set(re.findall(r'WriteReg\w+ SHCTX "\$\{(\w+)\}', entries)) - {"KEY"}
    written |= set(re.findall(r'insertmacro WriteVerb "\$\{(\w+)\}', entries))
    removed = set(re.findall(r'DeleteReg\w+ (?:/ifempty )?SHCTX "\$\{(\w+)\}', entries))
    assert written == removed
    assert len(written) >= 7


def test_manifest_asks_for_long_paths_and_sharp_windows() -> None:
    manifest = ET.parse(WINDOWS / "gliascope.manifest")
    values = {element.tag.rpartition("}")[2]: element.text for element in manifest.iter()}
    assert values["longPathAware"] == "true"
    assert (values["dpiAwareness"] or "").startswith("PerMonitorV2")
    assert values["activeCodePage"] == "UTF-8"


def test_version_becomes_four_numbers() -> None:
    assert file_version("1.2.3") == (1, 2, 3, 0)
    assert file_version("1.2.3rc1") == (1, 2, 3, 0)
    with pytest.raises(ValueError, match="three numbers"):
        file_version("1.2")


def test_version_information_names_the_program() -> None:
    text = version_info("1.2.3", "Gliascope.exe", "Gliascope")
    assert "filevers=(1, 2, 3, 0)" in text
    assert "StringStruct('OriginalFilename', 'Gliascope.exe')" in text
    compile(text, "version", "eval")


def test_icons_hold_every_size(tmp_path: Path) -> None:
    write_ico(tmp_path / "a.ico")
    write_icns(tmp_path / "a.icns")
    with Image.open(tmp_path / "a.ico") as icon:
        assert {side for side, _ in icon.info["sizes"]} == set(ICO_SIZES)
    with Image.open(tmp_path / "a.icns") as icon:
        assert {side * scale for side, _, scale in icon.info["sizes"]} >= set(ICNS_SIZES) - {16, 64}


def test_signing_runs_the_given_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "with blank.exe"
    file.write_text("program")
    program = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('signed')"
    monkeypatch.setenv(signing.COMMAND_VARIABLE, f'"{sys.executable}" -c "{program}" {{file}}')
    signing.sign(file)
    assert file.read_text() == "signed"


@pytest.mark.parametrize("command", ["", "signtool", "no-such-signer {file}"])
def test_failing_signatures_stop_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv(signing.COMMAND_VARIABLE, command)
    with pytest.raises(SetUpError):
        signing.sign(tmp_path / "a.exe")


def test_signer_that_fails_is_told_without_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = f'"{sys.executable}" -c "raise SystemExit(3)" --password secret {{file}}'
    monkeypatch.setenv(signing.COMMAND_VARIABLE, template)
    with pytest.raises(SetUpError, match="code 3") as caught:
        signing.sign(tmp_path / "a.exe")
    assert "secret" not in str(caught.value)
