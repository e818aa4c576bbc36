/* ---
description: How well assistants serve customers, by the UTC day and channel in which conversations started.
owner: assistants@shop.example
grain: [day, channel]
tags: [conversations]
columns:
  resolution_rate: Share of ended conversations that were resolved; null while none has ended.
  avg_satisfaction: Mean satisfaction that customers gave, 1 to 5; null without an answer.
  answer_count: Turns in which the assistant answered.
  p50_answer_ms: Median time the assistant took to answer - all stages of a turn together.
  p95_answer_ms: Time within which 95 of 100 answers came.
  cost_usd: What providers charged for all stages of all turns.
--- */
WITH answers AS (
  SELECT
    conversation_id,
    role,
    list_sum(list_transform(stages, lambda stage: stage.latency_ms)) AS answer_ms,
    CAST(list_sum(list_transform(stages, lambda stage: CAST(stage.cost_usd AS DECIMAL(18, 6)))) AS DECIMAL(18, 6))
      AS cost_usd
  FROM silver.turns
),
served AS (
  SELECT
    CAST(c.started_at AT TIME ZONE 'UTC' AS DATE) AS day,
    c.channel,
    count(*) FILTER (WHERE a.role = 'assistant') AS answer_count,
    quantile_cont(a.answer_ms, 0.5) FILTER (WHERE a.role = 'assistant') AS p50_answer_ms,
    quantile_cont(a.answer_ms, 0.95) FILTER (WHERE a.role = 'assistant') AS p95_answer_ms,
    sum(a.cost_usd) AS cost_usd
  FROM silver.conversations AS c
  INNER JOIN answers AS a ON a.conversation_id = c.conversation_id
  GROUP BY ALL
),
ended AS (
  SELECT
    CAST(started_at AT TIME ZONE 'UTC' AS DATE) AS day,
    channel,
    count(*) AS conversation_count,
    count(*) FILTER (WHERE state = 'resolved') AS resolved_count,
    count(*) FILTER (WHERE state = 'handed_over') AS handed_over_count,
    count(*) FILTER (WHERE state = 'abandoned') AS abandoned_count,
    avg(satisfaction) AS avg_satisfaction
  FROM silver.conversations
  GROUP BY ALL
)
SELECT
  ended.day,
  ended.channel,
  ended.conversation_count,
  ended.resolved_count,
  ended.handed_over_count,
  ended.abandoned_count,
  ended.resolved_count / nullif(ended.resolved_count + ended.handed_over_count + ended.abandoned_count, 0)
    AS resolution_rate,
  ended.avg_satisfaction,
  coalesce(served.answer_count, 0) AS answer_count,
  served.p50_answer_ms,
  served.p95_answer_ms,
  CAST(coalesce(served.cost_usd, 0) AS DECIMAL(18, 6)) AS cost_usd
FROM ended
LEFT JOIN served
  ON served.day = ended.day AND served.channel = ended.channel
