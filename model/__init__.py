"""Networks, weights, training and inference: arrays in, arrays out, no product code."""
