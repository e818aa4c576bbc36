"""Feast's Redis store, held to the lake's rules. Imported by Feast alone, by name; needs the package ``redis``.

Belongs here: the class that Feast's configuration names when online features live in Redis. Must not: anything else.
"""

from typing import Literal

from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig

from cenote.features.stores import Expiring


class LakeRedisOnlineStoreConfig(RedisOnlineStoreConfig):
    """As Feast's, under this store's name."""

    type: Literal["cenote.features.redis.LakeRedisOnlineStore"] = "cenote.features.redis.LakeRedisOnlineStore"  # type: ignore[assignment]


class LakeRedisOnlineStore(Expiring, RedisOnlineStore):
    """Feast's Redis store; an expired value is not served."""
