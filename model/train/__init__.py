"""Training of the network: configuration, sampling, augmentation, losses, the loop."""
