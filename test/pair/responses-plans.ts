type Json = Readonly<Record<string, unknown>>

const usage = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 8, cache_write_tokens: 0 },
  output_tokens: 12,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 42,
}

export const base = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  model: 'tiny-2026',
  output: [],
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
}

/** Behind `usage` a response repeats what its caller has named as it likes. */
const behind = { user: null, metadata: { usage: 'mine', model: 'mine', status: 'failed' } }

function response(more: Json): Json {
  return { ...base, status: 'completed', usage, ...behind, ...more }
}

const running = { ...base, status: 'in_progress', usage: null, ...behind }
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }

function message(text: string) {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content }
}

const opening: readonly Json[] = [
  { type: 'response.created', response: running },
  { type: 'response.in_progress', response: running },
]

function textEvents(pieces: readonly string[]): Json[] {
  const item = { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant' }
  const part = { type: 'output_text', annotations: [], logprobs: [], text: '' }
  const events: Json[] = [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...place, part },
  ]
  for (const delta of pieces) {
    events.push({
      type: 'response.output_text.delta',
      ...place,
      delta,
      logprobs: [],
      obfuscation: 'x',
    })
  }
  return events
}

function textEnd(text: string): Json[] {
  const part = { type: 'output_text', annotations: [], logprobs: [], text }
  return [
    { type: 'response.output_text.done', ...place, text, logprobs: [] },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item: message(text) },
  ]
}

const pieces = ['Hel', 'lo, "response.completed"', ' {"error": 1}']
const text = pieces.join('')
const whole = response({ output: [message(text)] })

const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'weather' }
const asked = '{"city":"Oslo"}'
const calls: Json[] = [
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...call, status: 'in_progress', arguments: '' },
  },
  ...['{"city":', '"Oslo"}'].map((delta) => ({
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: 0,
    delta,
  })),
  {
    type: 'response.function_call_arguments.done',
    item_id: 'fc_1',
    output_index: 0,
    arguments: asked,
  },
  {
    type: 'response.output_item.done',
    output_index: 0,
    item: { ...call, status: 'completed', arguments: asked },
  },
]

function failed(code: string): Json {
  const error = { code, message: `it says ${code}` }
  return { type: 'response.failed', response: response({ status: 'failed', error, usage: null }) }
}

function error(code: string): Json {
  return { type: 'error', code, message: `it says ${code}`, param: null }
}

const cutShort = response({
  status: 'incomplete',
  incomplete_details: { reason: 'max_output_tokens' },
  output: [message(text)],
})

const queued = { ...running, background: true, status: 'queued' }
const image = 'A'.repeat(1_500_000)
const drawn = response({ output: [{ id: 'ig_1', type: 'image_generation_call', result: image }] })
const free = { ...usage, output_tokens: 0, total_tokens: 30 }

/** One way to answer: its events without their numbers, and how it goes when it is not streamed. */
export interface Plan {
  readonly events: readonly Json[]
  readonly whole?: Json
  /** What is written behind the events. */
  readonly tail?: string
  readonly ends?: 'cleanly' | 'by a cut' | 'never'
  /** Its last event waits until somebody has read the others, and says so. */
  readonly isLate?: true
}

const structured = '{"city":"Oslo","degrees":7}'
const done = 'data: [DONE]\n\n'
const told = [...opening, ...textEvents(pieces)]
const completed = { type: 'response.completed', response: whole }

export const plans = {
  text: { events: [...told, ...textEnd(text), completed], whole },
  'with [DONE]': { events: [...told, ...textEnd(text), completed], tail: done },
  'only [DONE]': { events: told, tail: done },
  tool: {
    events: [
      ...opening,
      ...calls,
      { type: 'response.completed', response: response({ output: [call] }) },
    ],
    whole: response({ output: [{ ...call, status: 'completed', arguments: asked }] }),
  },
  structured: {
    events: [
      ...opening,
      ...textEvents([structured]),
      ...textEnd(structured),
      { type: 'response.completed', response: response({ output: [message(structured)] }) },
    ],
    whole: response({ output: [message(structured)] }),
  },
  incomplete: {
    events: [...told, ...textEnd(text), { type: 'response.incomplete', response: cutShort }],
    whole: cutShort,
  },
  'fails early': {
    events: [...opening, failed('server_error')],
    whole: response({ status: 'failed', error: { code: 'server_error', message: 'no' } }),
  },
  'limited early': { events: [...opening, failed('rate_limit_exceeded')] },
  'refused early': {
    events: [...opening, failed('invalid_prompt')],
    whole: response({ status: 'failed', error: { code: 'invalid_prompt', message: 'no' } }),
  },
  'fails late': { events: [...told, failed('server_error')], isLate: true },
  'error early': { events: [...opening, error('server_error')] },
  'error late': { events: [...told, error('server_error')], isLate: true },
  cut: { events: told, ends: 'by a cut' },
  'early end': { events: told },
  stall: { events: told, ends: 'never' },
  aborted: {
    events: [...opening, { type: 'response.completed', response: response({ usage: free }) }],
    whole: response({ usage: free }),
  },
  cancelled: {
    events: [...told, { type: 'response.completed', response: response({ status: 'cancelled' }) }],
    isLate: true,
    whole: response({ status: 'cancelled' }),
  },
  background: {
    events: [
      { type: 'response.queued', response: queued },
      { type: 'response.in_progress', response: { ...queued, status: 'in_progress' } },
    ],
    whole: queued,
    ends: 'never',
  },
  large: {
    events: [
      ...opening,
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { id: 'ig_1', type: 'image_generation_call', status: 'in_progress' },
      },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { id: 'ig_1', type: 'image_generation_call', result: image },
      },
      { type: 'response.completed', response: drawn },
    ],
    whole: drawn,
  },
} as const satisfies Readonly<Record<string, Plan>>

export type PlanName = keyof typeof plans

export function linesOf({ events, tail }: Plan): string[] {
  const lines = events.map((event, at) => {
    const data = JSON.stringify({ ...event, sequence_number: at })
    return `event: ${String(event['type'])}\ndata: ${data}\n\n`
  })
  return tail === undefined ? lines : [...lines, tail]
}

/** The stream of a plan as it is written, numbers and all. */
export function streamOf(name: PlanName): string {
  return linesOf(plans[name]).join('')
}
