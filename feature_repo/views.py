"""Feature views: one for each SQL file of transforms/features, with the same name, owner, description and columns.

Belongs here: what Feast must know of a view (entity, schema, time to live, where its files are). Must not: how
values are computed (the SQL file says). A view reads the Parquet files of the lake's Delta table
``features/<view>``; Cenote keeps that folder free of files that are not in the table's current version.
"""

import os
from datetime import timedelta
from pathlib import Path

from entities import customer, product
from feast import Entity, FeatureView, Field, FileSource
from feast.data_format import ParquetFormat
from feast.types import FeastType, Float64, Int64, String, UnixTimestamp

LAKE = Path(os.environ.get("CENOTE_HOME") or Path(__file__).resolve().parent.parent / "data").absolute()


def _view(
    name: str,
    entity: Entity,
    features: dict[str, FeastType],
    *,
    description: str,
    tags: list[str],
    ttl: timedelta = timedelta(0),
) -> FeatureView:
    """A view over the table ``features/<name>``. ``ttl`` of 0: a value is good until the next one."""
    made = {"layer": "features", "sql": f"transforms/features/{name}.sql", **dict.fromkeys(tags, "yes")}
    return FeatureView(
        name=name,
        entities=[entity],
        schema=[
            Field(name=entity.join_key, dtype=String),
            *(Field(name=feature, dtype=dtype) for feature, dtype in features.items()),
        ],
        source=FileSource(
            name=f"features.{name}",
            path=f"{LAKE}/features/{name}/*.parquet",
            file_format=ParquetFormat(),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            description=f"Delta table features/{name} of the lake.",
            owner=entity.owner,
        ),
        ttl=ttl,
        online=True,
        description=description,
        owner=entity.owner,
        tags=made,
    )


customer_features = _view(
    "customer_features",
    customer,
    {
        "total_orders": Int64,
        "total_spent": Float64,
        "avg_order_value": Float64,
        "last_order_at": UnixTimestamp,
    },
    description="How much and when a customer has bought, as of each moment at which that changed: an order was "
    "placed, or an order was cancelled or returned.",
    tags=["customers", "orders"],
)
product_features = _view(
    "product_features",
    product,
    {"sales_last_30d": Int64, "revenue_last_30d": Float64, "avg_rating": Float64},
    description="Units and revenue that a product sold in the 30 days before each moment, and its average rating so "
    "far, as of each moment at which one of them changed: a sale, a sale that left the window or was undone, a review.",
    tags=["products", "orders", "reviews"],
)
product_inventory = _view(
    "product_inventory",
    product,
    {"inventory_level": Int64},
    description="Units in stock as the shop last reported them. The level is good for one hour after the report: a "
    "view of its own, since Feast keeps one time to live for a view.",
    tags=["products", "stock"],
    ttl=timedelta(hours=1),
)
customer_graph_features = _view(
    "customer_graph_features",
    customer,
    {"pagerank": Float64, "community_size": Int64, "followers": Int64, "following": Int64},
    description="Where a customer stands in the relationship graph: importance, size of the community, followers and "
    "followed. A snapshot: each build notes the customers for whom something changed.",
    tags=["customers", "graph", "snapshot"],
)
