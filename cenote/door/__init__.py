"""One door to all stores: SQL that joins them, and questions that need several at once.

Belongs here: what combines marts, search, graph and features. Must not: a store of its own. ``statement`` plans SQL
with the table functions of ``functions``; ``retrieve`` puts features beside passages; ``recommend`` ranks by several
signals; ``entity`` gathers all about one thing; ``people`` is what every row passes on its way out.
"""
