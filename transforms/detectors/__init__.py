"""The columnar detectors of personal data in free text: one small file per concept.

Belongs here: patterns, validators, dictionaries and how they are run over a whole column at once. Must not: deciding
what becomes of a span (transforms/detect.py), keys, stores. A detector is a function ``(scene: Scene) ->
pl.DataFrame`` of spans (transforms/detectors/spans.py); it sees one chunk of distinct texts as one byte buffer.
"""
