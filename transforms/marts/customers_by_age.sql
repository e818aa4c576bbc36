/* ---
description: How many customers of which age live where - to be shown to anyone, since small groups are left out.
owner: growth@shop.example
grain: [country, birth_decade]
tags: [customers, published]
privacy:
  quasi_identifiers: [country, birth_decade]
  people: customer_count
  k: 5
  small_groups: suppress
columns:
  birth_decade: First year of the decade in which the customers were born; null where they did not tell.
  customer_count: Customers who have not left, at least five.
--- */
SELECT
  country,
  birth_year // 10 * 10 AS birth_decade,
  count(*) AS customer_count
FROM silver.customers
WHERE is_current
GROUP BY ALL
