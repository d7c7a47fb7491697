"""Whole studies through the network: windows, devices, memory, progress and cancel."""

from model.inference.segmenter import Segmenter, segment
from model.messages import InferenceRequest, InferenceResult

__all__ = ["InferenceRequest", "InferenceResult", "Segmenter", "segment"]
