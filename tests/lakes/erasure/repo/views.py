import os
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Int64, String


def view(name: str, entity: Entity) -> FeatureView:
    source = FileSource(
        name=f"features.{name}",
        path=os.environ["CENOTE_HOME"] + f"/features/{name}/*.parquet",
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    )
    schema = [Field(name=entity.join_key, dtype=String), Field(name="posts", dtype=Int64)]
    return FeatureView(name=name, entities=[entity], ttl=timedelta(0), schema=schema, source=source)


person = Entity(name="person", join_keys=["person_id"], value_type=ValueType.STRING)
item = Entity(name="item", join_keys=["item"], value_type=ValueType.STRING)
person_posts, item_posts = view("person_posts", person), view("item_posts", item)
