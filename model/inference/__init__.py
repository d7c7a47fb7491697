"""Whole studies through the network: windows, devices, memory, progress and cancel."""

from model.inference.brain import BrainFinder
from model.inference.segmenter import Segmenter
from model.messages import InferenceRequest, InferenceResult

__all__ = ["BrainFinder", "InferenceRequest", "InferenceResult", "Segmenter"]
