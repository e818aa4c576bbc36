"""Taking people out of stores, one file per store.

Belongs here: what each store needs so that nothing of a person is left in its present, its past, its indexes and its
files. Must not: the order of the stores (cenote/erasure/life.py). Every purge works by set, in one pass over its store;
does nothing where nothing is to be done; and finishes what an interrupted one began.
"""
