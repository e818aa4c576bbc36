"""Feature services: the sets of features that a model or an application asks for by one name.

Belongs here: which features belong together, for whom. Must not: new features.
"""

from feast import FeatureService
from on_demand import customer_recency
from views import customer_features, customer_graph_features, product_features, product_inventory

customer_churn = FeatureService(
    name="customer_churn",
    features=[customer_features, customer_graph_features, customer_recency],
    description="All that is known of a customer, to predict whether the customer comes back.",
    owner="growth@shop.example",
    tags={"team": "growth"},
)
product_ranking = FeatureService(
    name="product_ranking",
    features=[product_features, product_inventory],
    description="How a product sells, is rated and is stocked, to rank it in recommendations.",
    owner="merchandising@shop.example",
    tags={"team": "merchandising"},
)
shop_assistant = FeatureService(
    name="shop_assistant",
    features=[
        customer_features[["total_orders", "total_spent"]],
        customer_recency,
        product_features[["sales_last_30d", "avg_rating"]],
        product_inventory,
    ],
    description="What an assistant needs at hand when a customer asks about a product.",
    owner="growth@shop.example",
    tags={"team": "growth"},
)
