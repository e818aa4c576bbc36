/* ---
description: What was done for each patient, and what it cost.
owner: data@clinic.example
grain: [patient_id]
tags: [care]
columns:
  patient_id: Pseudonym of the patient.
  claimed_usd: Sum of all claims.
--- */
WITH seen AS (
  SELECT patient_id, count(*) AS encounter_count FROM silver.encounters GROUP BY patient_id
),
ill AS (
  SELECT patient_id, count(*) AS condition_count FROM silver.conditions GROUP BY patient_id
),
claimed AS (
  SELECT patient_id, sum(total_usd) AS claimed_usd FROM silver.claims GROUP BY patient_id
)
SELECT
  p.patient_id,
  p.birth_year,
  p.gender,
  coalesce(seen.encounter_count, 0) AS encounter_count,
  coalesce(ill.condition_count, 0) AS condition_count,
  CAST(coalesce(claimed.claimed_usd, 0) AS DECIMAL(18, 2)) AS claimed_usd
FROM silver.patients AS p
LEFT JOIN seen ON seen.patient_id = p.patient_id
LEFT JOIN ill ON ill.patient_id = p.patient_id
LEFT JOIN claimed ON claimed.patient_id = p.patient_id
