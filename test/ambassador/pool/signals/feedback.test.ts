import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedbackInTail, feedbackOf, laterFeedback } from '#ambassador/pool/signals/feedback.ts'
import { readLoadReport } from '#ambassador/pool/signals/load-report.ts'
import { eventsOf, readSample } from '../../../simulator/sample.ts'

const said = (promptTokens: number | undefined, cachedTokens: number | undefined) => ({
  promptTokens,
  cachedTokens,
  times: undefined,
})

/** What all events of a recorded stream together say. */
function ofStream(name: string) {
  const events = eventsOf(readSample(name).body).filter(({ data }) => data !== '[DONE]')
  return events
    .map(({ data }) => feedbackOf(JSON.parse(data)))
    .reduce((earlier, later) => (later === undefined ? earlier : laterFeedback(earlier, later)))
}

test('recorded answers of three dialects say how much of their prompt was cached', () => {
  const of = (name: string) => feedbackOf(JSON.parse(readSample(name).body))
  const chat = of('chat')
  assert.equal(chat?.promptTokens, 38)
  assert.equal(typeof chat?.cachedTokens, 'number')
  assert.equal(of('responses')?.cachedTokens, 0)
  // `input_tokens` leaves out the 32 that were written to the cache.
  assert.deepEqual(of('messages'), said(51, 0))
})

test('the last report of a recorded stream counts', () => {
  assert.deepEqual(ofStream('messages_stream'), said(38, 32))
  assert.equal(ofStream('chat_stream_usage')?.promptTokens, 38)
  assert.equal(typeof ofStream('responses_stream')?.cachedTokens, 'number')
})

test('an answer that does not say what was cached teaches no zero', () => {
  const usage = { prompt_tokens: 38, completion_tokens: 2, total_tokens: 40 }
  assert.deepEqual(feedbackOf({ usage }), said(38, undefined))
  assert.deepEqual(
    feedbackOf({ usage: { ...usage, prompt_tokens_details: null } }),
    said(38, undefined),
  )
  assert.deepEqual(
    feedbackOf({ usage: { input_tokens: 38, output_tokens: 0 } }),
    said(38, undefined),
  )
  assert.equal(feedbackOf({ choices: [] }), undefined)
  assert.equal(feedbackOf({ usage: null, metrics: null }), undefined)
})

const metrics = {
  time_to_first_token_ms: 12.5,
  generation_time_ms: 80,
  queue_time_ms: 3,
  mean_itl_ms: 8.1,
  tokens_per_second: 123,
}
const times = {
  queueMs: 3,
  firstTokenMs: 12.5,
  generationMs: 80,
  betweenTokensMs: 8.1,
  tokensPerSecond: 123,
}

test('the times of a call come from its answer, parsed or as the end of its bytes', () => {
  const usage = { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 4 } }
  const whole = { promptTokens: 10, cachedTokens: 4, times }
  assert.deepEqual(feedbackOf({ choices: [], usage, metrics }), whole)
  const event = `data: ${JSON.stringify({ choices: [], usage, metrics })}\n\ndata: [DONE]\n\n`
  assert.deepEqual(feedbackInTail(Buffer.from(event)), whole)
  assert.equal(feedbackInTail(Buffer.from('data: {"metrics": null}\n\n')), undefined)
  assert.equal(feedbackInTail(Buffer.from('{"metrics":{"queue_time_ms":')), undefined)
  assert.equal(feedbackOf({ metrics: { queue_time_ms: -1, mean_itl_ms: 'x' } }), undefined)
})

test('words in an answer that look like its metrics are none', () => {
  const content = JSON.stringify({ metrics: { queue_time_ms: 99 } })
  const answer = { choices: [{ message: { content } }], usage: { prompt_tokens: 3 } }
  assert.deepEqual(feedbackInTail(Buffer.from(JSON.stringify(answer))), said(3, undefined))
})

test('a recorded load header is read in both of its forms', () => {
  const values = {
    JSON: 'JSON {"named_metrics": {"num_requests_waiting": 3.0, "kv_cache_usage_perc": 0.4}}',
    TEXT: 'TEXT named_metrics.num_requests_waiting=3.0, named_metrics.kv_cache_usage_perc=0.4',
  }
  for (const value of Object.values(values)) {
    assert.deepEqual(readLoadReport(value), { running: undefined, waiting: 3, kvUsage: 0.4 })
  }
})

test('a load header that is cut, foreign or absurd says nothing', () => {
  const wrong = [
    undefined,
    '',
    'JSON',
    'JSON {',
    'JSON []',
    'JSON {"named_metrics":{"kv_cache_usage_perc":"0.4"}}',
    'TEXT named_metrics.kv_cache_usage_perc=',
    'TEXT named_metrics.kv_cache_usage_perc=NaN, num_requests_waiting=3',
    'TEXT named_metrics.num_requests_waiting=-1',
    'BIN CgQIARAC',
    `TEXT ${'named_metrics.num_requests_waiting=1,'.repeat(200)}`,
  ]
  for (const value of wrong) assert.equal(readLoadReport(value), undefined, String(value))
  assert.equal(readLoadReport('TEXT named_metrics.kv_cache_usage_perc=7')?.kvUsage, 1)
  fc.assert(fc.property(fc.string(), (text) => void readLoadReport(`JSON ${text}`)))
})
