"""What the frozen program is made of: what is put in by name, and what is left out and why.

Each pattern below was tried by leaving the files out and passing ``gliascope selftest``.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

# Imported by name at run time, where no analysis of imports can see it.
HIDDEN_IMPORTS = (
    "desktop_app.gui",
    "desktop_app.cli.main",
    "jpeg_ls",
    "openjpeg",
    "openjpeg.utils",
    "pylibjpeg",
)

# Distributions whose version or plug-ins are looked up while the program runs.
WITH_METADATA = (
    "highdicom",
    "numpy",
    "pydicom",
    "pyjpegls",
    "pylibjpeg",
    "pylibjpeg-openjpeg",
    "python-gdcm",
    "torch",
)

# Packages that read files of their own, such as the standard's tables of modules.
WITH_DATA = ("highdicom",)

# Packages that the dependencies would bring along and the program never runs: training and its
# tools, plotting, tables, notebooks, compilers, clusters, tests. Python's OpenSSL too: the program
# opens no connection, and Python's own hash functions stand in. GDCM's wheel for Linux keeps the
# one that it is linked to.
EXCLUDED_MODULES = (
    "IPython",
    "PIL.ImageQt",
    "PIL.ImageTk",
    "PIL._avif",
    "PIL._imagingcms",
    "PIL._imagingft",
    "PIL._webp",
    "_hashlib",
    "_pytest",
    "_ssl",
    "caffe2",
    "cv2",
    "dask",
    "distributed",
    "einops",
    "expecttest",
    "fsspec",
    "functorch",
    "hypothesis",
    "imageio",
    "jinja2",
    "matplotlib",
    "model.bench",
    "model.brain",
    "model.evaluate",
    "model.train",
    "monai",
    "mpmath",
    "mypy",
    "networkx",
    "onnx",
    "onnxscript",
    "optree",
    "pandas",
    "pip",
    "pygments",
    "pytest",
    "readline",
    "scipy.io",
    "setuptools",
    "skimage",
    "sphinx",
    "sympy",
    "tensorboard",
    "tkinter",
    "torch._dynamo",
    "torch._inductor",
    "torch.onnx",
    "torch.testing._internal.common_utils",
    "torch.testing._internal.distributed",
    "torch.testing._internal.generated",
    "torch.testing._internal.opinfo",
    "torch.utils.benchmark",
    "torch.utils.tensorboard",
    "torchvision",
    "triton",
    "vtkmodules.all",
    "wheel",
    "yaml",
)

# Files inside the program's folder, by pattern; `*` also matches a slash. They go without PySide6's
# folder `Qt`, which its wheel for Windows lacks. A library of Qt is libQt6X.so on Linux, Qt6X.dll
# on Windows, and lies below QtX.framework on macOS.
NOT_SHIPPED = {
    "torch's headers, tests and programs": (
        "torch/include/*",
        "torch/share/*",
        "torch/test/*",
        "torch/bin/protoc*",
        "torch/bin/test_*",
        "torch/lib/libtorchbind_test.*",
        "torch/lib/libjitbackend_test.*",
        "torch/lib/libbackend_with_compiler.*",
        "torch/lib/libaoti_custom_ops.*",
        "*.pyi",
    ),
    "Qt for QML, networks, databases and embedded screens": (
        "PySide6/qml/*",
        "PySide6/*Qt*Qml*",
        "PySide6/*Qt*Quick*",
        "PySide6/*Qt*Pdf*",
        "PySide6/*Qt*VirtualKeyboard*",
        "PySide6/*Qt*Network.*",
        "PySide6/lib/libQt6EglF*",
        "PySide6/plugins/egldeviceintegrations/*",
        "PySide6/plugins/generic/*",
        "PySide6/plugins/networkinformation/*",
        "PySide6/plugins/tls/*",
        "PySide6/plugins/imageformats/*qgif*",
        "PySide6/plugins/imageformats/*qicns*",
        "PySide6/plugins/imageformats/*qpdf*",
        "PySide6/plugins/imageformats/*qtga*",
        "PySide6/plugins/imageformats/*qtiff*",
        "PySide6/plugins/imageformats/*qwbmp*",
        "PySide6/plugins/imageformats/*qwebp*",
        "PySide6/plugins/platforminputcontexts/*virtualkeyboard*",
        "PySide6/plugins/platformthemes/*qgtk3*",
        "PySide6/plugins/platforms/*qeglfs*",
        "PySide6/plugins/platforms/*qlinuxfb*",
        "PySide6/plugins/platforms/*qvkkhrdisplay*",
        "PySide6/plugins/platforms/*qvnc*",
        "PySide6/plugins/platforms/*qminimalegl*",
        "PySide6/translations/*",
    ),
    # Loaded first, older ones would keep the graphics driver of a newer system from loading, and
    # with it every 3D picture.
    "libraries that a system's own graphics driver and desktop need as new as they are": (
        "libgcc_s.so*",
        "libglib-2.0.so*",
        "libgthread-2.0.so*",
        "libstdc++.so*",
    ),
    "test data of libraries, and lists of files that were not installed this way": (
        "*.dist-info/RECORD",
        "pydicom/data/test_files/*",
        "*/tests/*",
        "nibabel/*/data/*",
    ),
}

_PICTURE = re.compile(r"!\[[^\]]*\]\(([^):]+)\)")

# Torch reads its own source at two places while it is imported: where functions of several
# signatures are declared, and where a module of settings looks for its comments.
_READS_ITS_SOURCE = re.compile(r"\binstall_config_module\(|\b_overload(_method)?\b|\bjit\.script\b")


def manual_files(root: Path) -> list[tuple[str, str]]:
    """Return the pages of the manual and the pictures in them.

    Parameters
    ----------
    root
        Of the source tree.

    Returns
    -------
    list of tuple
        Each file and its folder inside the program's.
    """
    pages = [*root.glob("docs/*.md"), *root.glob("docs/decisions/*.md")]
    shown = {
        (page.parent / name).resolve()
        for page in pages
        for name in _PICTURE.findall(page.read_text("utf-8"))
    }
    return [
        (str(file), file.relative_to(root).parent.as_posix()) for file in sorted({*pages, *shown})
    ]


def reasons_for(path: str) -> list[str]:
    """Return why a file (its path inside the program's folder) is left out; empty if it is not."""
    posix = path.replace("\\", "/").replace("PySide6/Qt/", "PySide6/")
    return [
        reason
        for reason, patterns in NOT_SHIPPED.items()
        if any(fnmatchcase(posix, pattern) for pattern in patterns)
    ]


def is_left_out(path: str, source: str, kind: str) -> bool:
    """Tell whether an entry of PyInstaller's lists is left out: a link goes with what it names."""
    return bool(reasons_for(path) or (kind == "SYMLINK" and reasons_for(source)))


def is_spare_source(path: str, source: Path) -> bool:
    """Tell whether a file is a source of torch that is in the archive of modules and never read.

    Parameters
    ----------
    path
        Its path inside the program's folder.
    source
        Where it lies now.
    """
    posix = path.replace("\\", "/")
    if not fnmatchcase(posix, "torch/*.py"):
        return False
    return _READS_ITS_SOURCE.search(source.read_text("utf-8")) is None
