"""Whether this processor computes in bfloat16: older ones cannot, and are told apart in tests."""

import pytest
import torch

IS_COMPUTED = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
needs_bf16 = pytest.mark.skipif(
    not IS_COMPUTED, reason="this processor cannot compute in bfloat16 (it has no AVX-512)"
)
