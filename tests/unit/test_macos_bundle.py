"""What macOS is told of the program, and what is signed inside its bundle."""

import plistlib
from pathlib import Path

import pytest
from dev_errors import SetUpError
from macos import installer
from macos.bundle import info_plist

_MACH_O = b"\xcf\xfa\xed\xfe" + bytes(8)


def test_information_can_be_written_and_offers_folders_without_taking_them() -> None:
    values = plistlib.loads(plistlib.dumps(info_plist("1.2.3rc1")))
    assert values["CFBundleShortVersionString"] == "1.2.3"
    assert values["NSHighResolutionCapable"] is True
    ranks = {entry["LSHandlerRank"] for entry in values["CFBundleDocumentTypes"]}
    assert ranks == {"Alternate"}
    with pytest.raises(ValueError, match="three numbers"):
        info_plist("next")


def test_entitlements_allow_no_more_than_is_needed() -> None:
    with installer.ENTITLEMENTS.open("rb") as stream:
        allowed = plistlib.load(stream)
    assert set(allowed) == {
        "com.apple.security.cs.allow-unsigned-executable-memory",
        "com.apple.security.cs.disable-library-validation",
    }


@pytest.fixture
def onedir(tmp_path: Path) -> Path:
    """The frozen program's folder, with its bundle beside it."""
    contents = tmp_path / "Gliascope.app" / "Contents"
    for name in ("MacOS/gliascope", "Frameworks/deep/er/lib.so", "Frameworks/lib.dylib"):
        path = contents / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_MACH_O)
    (contents / "Resources").mkdir()
    (contents / "Resources" / "text.txt").write_text("text")
    (contents / "Frameworks" / "link.dylib").symlink_to("lib.dylib")
    folder = tmp_path / "Gliascope"
    (folder / "_internal").mkdir(parents=True)
    (folder / "_internal" / installer.LICENCES).write_text("licences")
    return folder


def test_native_code_is_found_innermost_first(onedir: Path) -> None:
    found = installer.native_files(onedir.with_name("Gliascope.app"))
    assert [path.name for path in found] == ["lib.so", "lib.dylib", "gliascope"]


@pytest.mark.parametrize("profile", ["", "profile"])
def test_image_is_signed_then_notarised_where_an_account_is_given(
    onedir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    commands: list[tuple[str, ...]] = []

    def run(*command: str) -> None:
        commands.append(command)
        if command[0] == "hdiutil":
            Path(command[-1]).write_bytes(b"image")

    monkeypatch.setattr(installer, "_run", run)
    monkeypatch.setenv(installer.IDENTITY_VARIABLE, "Developer ID Application: A")
    monkeypatch.setenv(installer.PROFILE_VARIABLE, profile)
    monkeypatch.setenv("GLIASCOPE_NOTARY_KEYCHAIN", "release.keychain-db")
    image = installer.build_installer(onedir, "1.2.3", tmp_path / "out")
    assert image.name == "Gliascope-1.2.3-macos-arm64.dmg"
    signed = [Path(command[-1]).name for command in commands if "--options" in command]
    assert signed == ["lib.so", "lib.dylib", "gliascope", "Gliascope.app"]
    steps = [command[0] for command in commands]
    assert steps.index("ditto") < steps.index("hdiutil")
    submitted = [command[4:] for command in commands if command[2:3] == ("submit",)]
    account = ("--keychain-profile", profile, "--keychain", "release.keychain-db", "--wait")
    assert submitted == ([account] if profile else [])
    assert ("xcrun" in steps) is bool(profile)
    bundled = onedir.with_name("Gliascope.app") / "Contents" / "Resources" / installer.LICENCES
    assert bundled.read_text() == "licences"


def test_without_a_bundle_there_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "Gliascope" / "_internal").mkdir(parents=True)
    with pytest.raises(SetUpError, match="bundle"):
        installer.build_installer(tmp_path / "Gliascope", "1.2.3", tmp_path)
