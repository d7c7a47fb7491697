"""Heads with gliomas made by the software itself: a sample study, and material for training."""

from model.spec import Sequence
from model.synthetic.brats import BratsCase, as_brats_case, brain_mask, write_brats_case
from model.synthetic.phantom import HeadPhantom, make_head, simulate
from model.synthetic.signal import PROTOCOLS, Protocol
from model.synthetic.study import SAMPLE_SEED, SampleStudy, read_sample_study, write_sample_study
from model.synthetic.tumour import Side, TumourSpec, random_tumour

__all__ = [
    "PROTOCOLS",
    "SAMPLE_SEED",
    "BratsCase",
    "HeadPhantom",
    "Protocol",
    "SampleStudy",
    "Sequence",
    "Side",
    "TumourSpec",
    "as_brats_case",
    "brain_mask",
    "make_head",
    "random_tumour",
    "read_sample_study",
    "simulate",
    "write_brats_case",
    "write_sample_study",
]
