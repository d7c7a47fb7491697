"""Evaluation of a network against reference segmentations."""
