"""Teaching a small network to find the brain in a whole head of any contrast.

Heads are made on the fly from maps of their tissues, with contrasts, shapes, tumours and defects
drawn anew each time, as SynthSeg (Billot et al. 2023, doi 10.1016/j.media.2023.102789) and
SynthStrip (Hoopes et al. 2022, doi 10.1016/j.neuroimage.2022.119474) showed to work on real images
of contrasts never seen.
"""
