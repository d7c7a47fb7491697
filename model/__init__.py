"""Networks, weights, training and inference: arrays in, arrays out, no product code."""

import os

# Read by the thread library when torch loads it, so it must stand here. Threads that spin while
# they wait take the cores from each other wherever other programs compute: measured on two busy
# cores, a pass took 30 s spinning and 2.5 s sleeping.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
