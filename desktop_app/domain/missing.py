"""What is less certain without one of the four sequences."""

from desktop_app.domain.study import Sequence

WITHOUT = {
    Sequence.T1: "haemorrhage may be taken for enhancement",
    Sequence.T1C: "enhancing tumour cannot be told from necrosis",
    Sequence.T2: "the outline of the tumour core is less certain",
    Sequence.FLAIR: "the outline of the oedema is less certain",
}
"""By the sequence that is missing; the end of a sentence."""
