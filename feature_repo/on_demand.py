"""On-demand features: computed when they are asked for, by the same code for training and for serving.

Belongs here: pure functions of features and of the moment that is asked about. Must not: reading a clock. The
moment is the request's ``event_timestamp``: in a training set the spine's own column of that name, online the
moment of the request (Cenote fills it in; over Feast's own API the caller sends it).
"""

from typing import Any

from feast import Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, UnixTimestamp
from views import customer_features

moment = RequestSource(
    name="moment",
    schema=[Field(name="event_timestamp", dtype=UnixTimestamp)],
    description="The moment that is asked about.",
    owner="growth@shop.example",
)


@on_demand_feature_view(
    name="customer_recency",
    sources=[customer_features[["last_order_at"]], moment],
    schema=[Field(name="last_order_days_ago", dtype=Int64), Field(name="churn_risk_score", dtype=Float64)],
    mode="python",
    description="How long ago a customer last ordered, and how likely that makes it that the customer has left.",
    owner="growth@shop.example",
    tags={"layer": "features", "customers": "yes", "orders": "yes"},
)
def customer_recency(inputs: dict[str, Any]) -> dict[str, Any]:
    """Whole days since the last order, and a churn risk from 0 to 1 that halves its distance to 1 every 90 days.

    Null where the customer never ordered. An order after the moment (clocks differ) counts as an order just now.
    """
    half_life = 90.0
    ages = [
        None if last is None or last != last else max((now - last).total_seconds(), 0.0) / 86400.0
        for last, now in zip(inputs["last_order_at"], inputs["event_timestamp"], strict=True)
    ]
    return {
        "last_order_days_ago": [None if age is None else int(age) for age in ages],
        "churn_risk_score": [None if age is None else 1.0 - 0.5 ** (age / half_life) for age in ages],
    }
