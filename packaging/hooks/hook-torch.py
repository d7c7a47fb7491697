"""Torch as the program runs it: its libraries, and the Python modules that importing it loads.

PyInstaller's own hook collects every module, header and data file; a third of them would never
be used.
"""

import sys

from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_data_files, collect_dynamic_libs

# Some functions read their own source while torch is imported.
module_collection_mode = "pyz+py"
warn_on_missing_hiddenimports = False

binaries = collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])
# Importing torch fails without this program, even where no memory is ever shared.
datas = collect_data_files("torch", includes=["bin/torch_shm_manager", "version.py"])
hiddenimports = ["torch._C", "torch.nn.modules", "numpy"]

if sys.platform.startswith("linux"):
    # Links beside the program would mislead torch about where its libraries lie.
    bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
