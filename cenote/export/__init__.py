"""Access and portability: all that the lake holds about a person, for that person (Articles 15 and 20 GDPR).

Belongs here: the door. ``collect`` finds it, ``others`` keeps other people out of it, ``bundle`` packs it, ``page``
makes it readable. Must not: deciding who may ask; that is the operator's part. Every export is audited before
anything is opened.
"""

from cenote.export.bundle import Exported, export

__all__ = ["Exported", "export"]
