/* ---
name: customer_graph_features
description: >-
  Where a customer stands in the relationship graph: importance, size of the community, followers and followed.
  A snapshot: each build notes the customers for whom something changed.
owner: growth@shop.example
grain: [customer_id]
tags: [customers, graph, snapshot]
purpose: [personalisation]
entity: customer
join_key: customer_id
--- */
-- The graph is computed as a whole, so its measures have no moment of their own. A feature file without
-- event_timestamp is a snapshot: the build stamps what changed with its own time.
WITH follows AS (
    SELECT source, target
    FROM graph.edges
    WHERE type = 'follows'
        AND (valid_from IS NULL OR valid_from <= $as_of)
        AND (valid_to IS NULL OR valid_to > $as_of)
), followers AS (
    SELECT target AS node, count(DISTINCT source) AS people FROM follows GROUP BY target
), following AS (
    SELECT source AS node, count(DISTINCT target) AS people FROM follows GROUP BY source
)
SELECT
    substr(rank.node, length('customer:') + 1) AS customer_id,
    round(rank.pagerank, 12) AS pagerank,
    CAST(home.size AS BIGINT) AS community_size,
    CAST(coalesce(followers.people, 0) AS BIGINT) AS followers,
    CAST(coalesce(following.people, 0) AS BIGINT) AS following
FROM graph.pagerank AS rank
LEFT JOIN graph.communities AS home ON home.node = rank.node
LEFT JOIN followers ON followers.node = rank.node
LEFT JOIN following ON following.node = rank.node
WHERE starts_with(rank.node, 'customer:')
