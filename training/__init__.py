"""How the packaged tagger was trained: its own text, its values, the fit. ``python -m training.tagger``.

Belongs here: what makes weights. Must not: anything that runs in the lake (transforms/tagger and cenote/tagging.py do).
"""
