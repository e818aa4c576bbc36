"""The trained tier of detection: names, places, organisations and addresses from vectors of the words.

Belongs here: features of words, the head's arithmetic, from scores to spans. Pure: words and their vectors
come in, spans go out. Must not: the encoder that makes the vectors (cenote/tagging.py), training (training/).
"""
