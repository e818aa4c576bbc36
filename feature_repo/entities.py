"""Who and what features are about.

Belongs here: entities and their join keys. Must not: features.
"""

from feast import Entity, ValueType

customer = Entity(
    name="customer",
    join_keys=["customer_id"],
    value_type=ValueType.STRING,
    description="A customer of the shop, by pseudonym.",
    owner="growth@shop.example",
)
product = Entity(
    name="product",
    join_keys=["product_id"],
    value_type=ValueType.STRING,
    description="A product of the shop.",
    owner="merchandising@shop.example",
)
