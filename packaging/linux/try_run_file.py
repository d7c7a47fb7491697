"""The self-extracting file tried as an ordinary user, in folders with odd names."""

import re
import shutil
import subprocess
from pathlib import Path

from linux.clean_root import HOME, NEWER_SUITE, USER, CleanRoot, TrialError, clean_root
from linux.trial_steps import (
    ODD_FOLDER,
    expect,
    expect_loadable,
    expect_no_python,
    expect_user_data,
    field,
    step,
    use,
)


def try_run_file(run_file: Path, deb: Path, work: Path, reference: Path) -> None:
    """Install, use, upgrade and remove the file as an ordinary user of a newer system.

    Parameters are those of `try_deb`; from `deb` comes the list of what a desktop has anyway.
    """
    target = f"{ODD_FOLDER}/Gliascope hier"
    name = f"{HOME}/{run_file.name}"
    with clean_root(work, NEWER_SUITE) as root:
        expect_no_python(root)
        with step("a desktop's libraries"):
            root.run("apt-get", "update", "-qq")
            needed = [part.split()[0] for part in field(deb, "Depends").split(",")]
            root.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *needed)
        shutil.copyfile(run_file, root.inside(name))
        root.run("mkdir", "-p", ODD_FOLDER, user=USER)

        def start(*arguments: str) -> str:
            return root.run("sh", name, *arguments, user=USER)

        with step("the file is whole, and a damaged one is refused"):
            start("--check")
            _expect_damage_is_found(root, name)
        with step("installed without root; menu entry and command point to it"):
            start("--target", target)
            _expect_menu_entry(root, target)
        expect_loadable(root, target)
        with step("a folder with somebody's files is refused"):
            done = root.attempt("sh", name, "--target", ODD_FOLDER, user=USER)
            expect(done.returncode == 1 and "something else" in done.stdout, done.stdout)
        with step("upgraded in place; a file that somebody added is kept"):
            root.run("touch", f"{target}/notes.txt", f"{target}/_internal/mine.txt", user=USER)
            kept = re.search(r"kept: (.*)", start("--target", target))
            if kept is None:
                raise TrialError("nothing is said of files that were added")
            for added in ("notes.txt", "_internal/mine.txt"):
                expect(root.inside(f"{kept[1]}/{added}").is_file(), f"{added} was lost")
        use(root, f"{HOME}/.local/bin/gliascope", target, work / "run", reference)
        with step("removed by its own uninstaller; the user's data stay"):
            root.run(f"{target}/uninstall.sh", user=USER)
            expect(not root.inside(target).exists(), f"{target} stayed")
            left = root.run("find", f"{HOME}/.local", "-iname", "*gliascope*", "-not", "-path",
                            f"{HOME}/.local/share/gliascope*")  # fmt: skip
            expect(left == "", f"left behind: {left.split()}")
            expect_user_data(root)
        with step("unpacked only, then removed"):
            start("--extract-only", "--target", f"{HOME}/unpacked")
            root.run(f"{HOME}/unpacked/gliascope", "--version", user=USER)
            expect(not root.inside(f"{HOME}/.local/bin/gliascope").exists(), "it was linked")
            start("--uninstall", "--target", f"{HOME}/unpacked")
            expect(not root.inside(f"{HOME}/unpacked").exists(), "it stayed")


def _expect_damage_is_found(root: CleanRoot, name: str) -> None:
    damaged = root.inside(f"{HOME}/damaged.run")
    shutil.copyfile(root.inside(name), damaged)
    with damaged.open("r+b") as stream:
        stream.seek(-1000, 2)
        stream.write(b"\0" * 10)
    done = root.attempt("sh", f"{HOME}/damaged.run", user=USER)
    damaged.unlink()
    expect(done.returncode == 1 and "damaged" in done.stdout, done.stdout)


def _expect_menu_entry(root: CleanRoot, target: str) -> None:
    entry = root.inside(f"{HOME}/.local/share/applications/gliascope.desktop")
    expect(f'Exec="{target}/gliascope" open %f\n' in entry.read_text("utf-8"), entry.read_text())
    done = subprocess.run(
        ["desktop-file-validate", str(entry)], capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, done.stdout)
    link = root.inside(f"{HOME}/.local/bin/gliascope").readlink()
    expect(str(link) == f"{target}/gliascope", f"the command points to {link}")
