"""Heads with gliomas made by the software itself: a sample study, and material for training."""

from model.spec import Sequence
from model.synthetic.phantom import HeadPhantom, make_head, simulate
from model.synthetic.signal import PROTOCOLS, Protocol
from model.synthetic.study import SAMPLE_SEED, SampleStudy, read_sample_study, write_sample_study
from model.synthetic.tumour import Side, TumourSpec

__all__ = [
    "PROTOCOLS",
    "SAMPLE_SEED",
    "HeadPhantom",
    "Protocol",
    "SampleStudy",
    "Sequence",
    "Side",
    "TumourSpec",
    "make_head",
    "read_sample_study",
    "simulate",
    "write_sample_study",
]
