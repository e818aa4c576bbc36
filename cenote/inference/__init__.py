"""How a contract is drafted from unseen JSON; put together by cenote/infer.py.

Belongs here: shapes of records, types of values, roles of fields, the text of the draft. Must not: reading files.
"""
