"""Networks, weights, training and inference: arrays in, arrays out, no product code."""

import os

# Read by the thread library when torch loads it, so it must stand here. Threads that spin while
# they wait take the cores from each other wherever another program computes: a pass of 0.3 s then
# takes 30 s. Threads that sleep cost a quiet machine about one hundredth.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
