"""Makes the disk image for macOS from the frozen bundle: sign, image, notarise, staple.

Without an identity the bundle gets the signature without a name that Apple silicon asks of every
program; then macOS wants the user's consent at the first start, and that is said.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dev_errors import SetUpError
from licences import FILE_NAME as LICENCES
from shipped import contents_folder

HERE = Path(__file__).resolve().parent
ENTITLEMENTS = HERE / "entitlements.plist"
BUNDLE = "Gliascope.app"

# A "Developer ID Application" in the keychain, and a profile that `notarytool store-credentials`
# made, with its keychain where that is not the user's own; no secret is ever on a command line.
IDENTITY_VARIABLE = "GLIASCOPE_CODESIGN_IDENTITY"
PROFILE_VARIABLE = "GLIASCOPE_NOTARY_PROFILE"
KEYCHAIN_VARIABLE = "GLIASCOPE_NOTARY_KEYCHAIN"
_WITHOUT_NAME = "-"


def build_installer(onedir: Path, version: str, output: Path) -> Path:
    """Make the disk image.

    Parameters
    ----------
    onedir
        The frozen program's folder with its licences; PyInstaller puts the bundle beside it.
    version
        As pyproject.toml has it.
    output
        Folder for the image; made where it is missing.

    Returns
    -------
    Path
        ``Gliascope-VERSION-macos-arm64.dmg`` in `output`.

    Raises
    ------
    SetUpError
        Without the bundle, or where one of Apple's tools fails.
    """
    bundle = onedir.with_name(BUNDLE)
    licences = contents_folder(onedir) / LICENCES
    if not (bundle.is_dir() and licences.is_file()):
        raise SetUpError(
            "The bundle or the file of licences is missing.",
            f"{bundle}, {licences}",
            "Build the program on macOS first.",
        )
    shutil.copy(licences, bundle / "Contents" / "Resources" / LICENCES)
    output.mkdir(parents=True, exist_ok=True)
    image = output / f"Gliascope-{version}-macos-arm64.dmg"
    identity = os.environ.get(IDENTITY_VARIABLE, "")
    sign_bundle(bundle, identity)
    _make_image(bundle, image)
    profile = os.environ.get(PROFILE_VARIABLE, "")
    if identity:
        _run("codesign", "--force", "--timestamp", "--sign", identity, str(image))
    if identity and profile:
        _notarise(image, profile)
    else:
        print("The disk image is not notarised: identity or profile was not given.", flush=True)
    return image


def sign_bundle(bundle: Path, identity: str) -> None:
    """Sign every library and program of a bundle, innermost first, then the bundle itself.

    Parameters
    ----------
    bundle
        The .app folder.
    identity
        Name in the keychain; empty for the signature without a name.
    """
    options = ["--force", "--sign", identity or _WITHOUT_NAME]
    if identity:
        options += ["--timestamp", "--options", "runtime", "--entitlements", str(ENTITLEMENTS)]
    for path in native_files(bundle):
        _run("codesign", *options, str(path))
    _run("codesign", *options, str(bundle))
    _run("codesign", "--verify", "--strict", "--deep", str(bundle))


def native_files(bundle: Path) -> list[Path]:
    """Return the bundle's files of native code, the deepest first; links are left out.

    They are found by their first bytes, since programs have no ending: Mach-O of 64 bits, and
    files with code for several processors (mach-o/loader.h, mach-o/fat.h).
    """
    found = []
    for path in sorted(bundle.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            if stream.read(4) in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
                found.append(path)
    return sorted(found, key=lambda path: -len(path.parts))


def _make_image(bundle: Path, image: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gliascope-dmg-") as folder:
        content = Path(folder) / "Gliascope"
        content.mkdir()
        # ditto keeps signatures and links as they are.
        _run("ditto", str(bundle), str(content / BUNDLE))
        (content / "Applications").symlink_to("/Applications")
        made = Path(folder) / image.name
        create = ["hdiutil", "create", "-volname", "Gliascope", "-fs", "HFS+", "-format", "UDZO"]
        _run(*create, "-srcfolder", str(content), "-ov", str(made))
        shutil.move(made, image)


def _notarise(image: Path, profile: str) -> None:
    account = ["--keychain-profile", profile]
    # The keychains that codesign searches are not looked into.
    if keychain := os.environ.get(KEYCHAIN_VARIABLE, ""):
        account += ["--keychain", keychain]
    _run("xcrun", "notarytool", "submit", str(image), *account, "--wait")
    _run("xcrun", "stapler", "staple", str(image))
    _run("xcrun", "stapler", "validate", str(image))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetUpError(
            f"{command[0]} failed with code {done.returncode}.",
            (done.stderr or done.stdout).strip()[-400:],
            f"The command was: {' '.join(command)}",
        )
