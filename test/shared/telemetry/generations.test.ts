import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambassadorMetrics } from '#ambassador/telemetry/metrics.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import { namesIn, valueIn } from '#shared/telemetry/generations.ts'

test('what has another name today has its earlier one in the earlier generation, or both', () => {
  const of = (key: string) =>
    (['latest', 'previous', 'both'] as const).map((generation) => namesIn(generation, key))
  assert.deepEqual(of(genAi.providerName), [
    ['gen_ai.provider.name'],
    ['gen_ai.system'],
    ['gen_ai.provider.name', 'gen_ai.system'],
  ])
  assert.deepEqual(of(genAi.usageInputTokens), [
    ['gen_ai.usage.input_tokens'],
    ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
    ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  ])
  const unchanged = [genAi.requestModel, genAi.operationName, genAi.tenant]
  for (const key of unchanged) assert.deepEqual(of(key), [[key], [key], [key]])
  assert.deepEqual(
    [valueIn('gen_ai.system', 'x_ai'), valueIn('gen_ai.provider.name', 'x_ai')],
    ['xai', 'x_ai'],
  )
})

test('labels of metrics follow the generation from one scrape to the next', () => {
  const { metrics, render, speak } = ambassadorMetrics()
  metrics.genAiTokenUsage.observe(7, ['chat', 'pool', 'tiny', 'input'])
  const labels = () => /gen_ai_client_token_usage_count\{(.*)\}/.exec(render('prometheus'))?.[1]
  const others = 'gen_ai_request_model="tiny",gen_ai_token_type="input"'
  const one = 'gen_ai_operation_name="chat"'
  assert.equal(labels(), `${one},gen_ai_provider_name="pool",${others}`)
  speak('previous')
  assert.equal(labels(), `${one},gen_ai_system="pool",${others}`)
  speak('both')
  assert.equal(labels(), `${one},gen_ai_provider_name="pool",gen_ai_system="pool",${others}`)
})
