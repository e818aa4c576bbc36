/* ---
description: What each customer allows now - the latest answer for every purpose they were ever asked about.
owner: privacy@shop.example
grain: [customer_id, purpose]
tags: [privacy, customers]
columns:
  customer_id: Pseudonym of the customer.
  is_granted: Whether the purpose is allowed.
  since_at: When the latest answer was given.
  answer_count: How many times the customer answered for this purpose.
--- */
SELECT
  customer_id,
  purpose,
  granted AS is_granted,
  given_at AS since_at,
  count(*) OVER (PARTITION BY customer_id, purpose) AS answer_count
FROM silver.consents
QUALIFY row_number() OVER (PARTITION BY customer_id, purpose ORDER BY given_at DESC, consent_id DESC) = 1
