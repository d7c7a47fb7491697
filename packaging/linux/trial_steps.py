"""What trials share: steps that say how they ended, and the program used as a user would."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linux.clean_root import HOME, USER, CleanRoot, TrialError

ODD_FOLDER = f"{HOME}/Bilder ä 文"
SAMPLE = "_internal/assets/sample-study/dicom"
SCREEN = ("xvfb-run", "--auto-servernum", "--server-args=-screen 0 1600x1000x24")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is tried, and how it ended."""
    print(f"  {what} ... ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("FAILED", flush=True)
        raise
    print("ok", flush=True)


def expect(condition: bool, otherwise: str) -> None:
    """Raise `TrialError` with the second argument unless the first is true."""
    if not condition:
        raise TrialError(otherwise)


def field(deb: Path, name: str) -> str:
    """Return a field of a package's control file."""
    command = ["dpkg-deb", "--field", str(deb), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def expect_no_python(root: CleanRoot) -> None:
    """Check that the clean system cannot lend the program a Python."""
    done = root.attempt("sh", "-c", "command -v python3 python || ls /usr/lib/python3*")
    expect(done.returncode != 0, f"the clean system has a Python: {done.stdout}")


def expect_loadable(root: CleanRoot, folder: str) -> None:
    """Check that the loader finds what every library of the program needs."""
    with step("every library finds what it needs"):
        # The program's own loader looks into these folders; the rest must come from the system.
        script = (
            'LD_LIBRARY_PATH="$0/_internal:$(ls -d "$0"/_internal/*.libs | tr "\\n" :)"; '
            "export LD_LIBRARY_PATH; find \"$0\" -type f -name '*.so*' -exec ldd {} + 2>/dev/null "
            "| grep 'not found'"
        )
        missing = root.attempt("sh", "-c", script, folder).stdout
        names = sorted({line.split()[0] for line in missing.splitlines()})
        expect(not names, f"not found: {names}")
        dangling = root.run("find", folder, "-xtype", "l")
        expect(dangling == "", f"links to nothing: {dangling.split()}")


def expect_user_data(root: CleanRoot) -> None:
    """Check that what the program keeps for its user is still there."""
    data = root.inside(f"{HOME}/.local/share/gliascope")
    expect(data.is_dir() and any(data.iterdir()), "the user's data are gone")


def use(root: CleanRoot, program: str, folder: str, keep: Path, reference: Path) -> None:
    """Use an installed program as an ordinary user: self-test, sample study, masks compared.

    Parameters
    ----------
    program
        The command.
    folder
        Where the program lies inside the clean system.
    keep
        Folder for screenshot, report and mask.
    reference
        Labels (NIfTI) of the sample study as segmented from source on this machine.
    """
    keep.mkdir(parents=True, exist_ok=True)
    with step("--version, and the self-test without a screen"):
        version = root.run(program, "--version", user=USER)
        expect(version.startswith("gliascope "), version)
        root.run(program, "selftest", "--quick", "--no-window", user=USER)
    with step("the whole self-test on a virtual screen"):
        # Only now: Xvfb brings libraries along that the package might have forgotten.
        root.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "xvfb", "xauth")
        written = ["--json", f"{HOME}/selftest.json", "--screenshot", f"{HOME}/selftest.png"]
        try:
            said = root.run(*SCREEN, program, "selftest", "--quiet", *written, user=USER)
            expect("Warning" not in said, said)
            expect("a picture was drawn" in said, said)
        finally:
            for name in ("selftest.json", "selftest.png"):
                if root.inside(f"{HOME}/{name}").is_file():
                    shutil.copyfile(root.inside(f"{HOME}/{name}"), keep / name)
    with step("the sample study, from and to folders with spaces and foreign letters"):
        root.run("mkdir", "-p", ODD_FOLDER, user=USER)
        study = f"{ODD_FOLDER}/Studie 1 ü"
        root.run("cp", "-r", f"{folder}/{SAMPLE}", study, user=USER)
        root.run(program, "segment", study, "--output", f"{ODD_FOLDER}/Ergebnis 果", "--quiet",
                 "--device", "cpu", user=USER)  # fmt: skip
    with step("the same mask as from source: Dice 1.0"):
        (labels,) = root.inside(f"{ODD_FOLDER}/Ergebnis 果").rglob("segmentation.nii.gz")
        shutil.copyfile(labels, keep / "segmentation.nii.gz")
        compare_labels(keep / "segmentation.nii.gz", reference)


def compare_labels(first: Path, second: Path) -> None:
    """Check that two label images (NIfTI) are the same, voxel by voxel, on the same grid.

    Raises
    ------
    TrialError
        Where they differ; with the Dice coefficient of every label.
    """
    import numpy as np
    from nibabel.nifti1 import Nifti1Image

    images = [Nifti1Image.from_filename(path) for path in (first, second)]
    one, other = (np.asarray(image.dataobj) for image in images)
    expect(one.shape == other.shape, f"shapes {one.shape} and {other.shape}")
    expect(np.allclose(images[0].affine, images[1].affine), "the grids differ")
    expect(bool(one.any()), "nothing was marked")
    dice = {
        int(label): 2 * float(np.sum((one == label) & (other == label)))
        / float(np.sum(one == label) + np.sum(other == label))
        for label in np.union1d(one, other)
    }  # fmt: skip
    expect(bool((one == other).all()), f"Dice by label: {json.dumps(dice)}")
