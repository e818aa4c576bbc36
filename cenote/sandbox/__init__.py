"""Running SQL that nobody vouches for, over a lake, in processes that can do no harm.

Belongs here: ``guard`` judges a statement, ``worker`` is the process that runs it, ``pool`` keeps such processes.
Must not: what agents may ask besides SQL (cenote/tools). The package itself imports nothing, since the process should
start at once.
"""
