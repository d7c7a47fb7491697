"""Freed memory is kept during a study and given back after it."""

import subprocess
import sys

import pytest

CODE = """
import numpy as np, psutil
from model.allocator import keep_freed_memory, return_freed_memory
assert keep_freed_memory()
process = psutil.Process()
before = process.memory_info().rss
array = np.ones(100_000_000, dtype=np.uint8)
del array
kept = process.memory_info().rss - before
return_freed_memory()
print(kept, process.memory_info().rss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library needs telling")
def test_freed_memory_is_kept_until_it_is_returned():
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)
    kept, left = map(int, answer.stdout.split())
    assert kept > 90_000_000
    assert left < 10_000_000
