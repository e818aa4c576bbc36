"""What names of fields mean, and what their values look like; put together by transforms/classify.py.

Belongs here: words, kinds of personal data, evidence from values. Must not: the verdict itself, contracts.
"""
