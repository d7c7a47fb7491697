"""Speed and memory of the network, beside its peers; every figure from a process of its own."""
