"""A harness that kills the pipeline, again and again, and holds the lake against one that nobody disturbed.

``python -m tests.crash --kills 300 --seed 7`` prints a line per kill and a verdict; the lines are the same for the same
seed. Belongs here: choosing where to kill (points), living through it (life), comparing (digests). Must not: anything
that the pipeline itself would import; it is killed as it is.
"""
