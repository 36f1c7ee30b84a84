import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Profile, presetProfiles, profiles } from '../../../ambassador/providers/profile.ts'
import { classify } from '../../../ambassador/retry/classify.ts'
import { readErrorFacts } from '../../../ambassador/retry/error-facts.ts'

const vendors = { ...profiles, ...presetProfiles }

/** Words that put a key aside, or would change a class, from whichever provider they are known. */
const dangerous = [
  'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
  'Incorrect API key provided: xa***ab. You can obtain an API key from https://console.x.ai.',
  'Your team 16f2 has either used all available credits or reached its monthly spending limit.',
  "Your newly created team doesn't have any credits or licenses yet.",
  'You exceeded your current quota, please check your plan and billing details.',
  'Key limit exceeded (monthly limit). Manage it using https://openrouter.ai/settings/keys',
  'Insufficient Balance',
  'insufficient_quota',
  'billing_error',
  'content_filter',
  'invalid token',
  'overloaded_error',
  'prompt is too long: 210000 tokens > 200000 maximum',
  "This model's maximum context length is 8192 tokens. However, you requested 9000.",
  'Content violates usage guidelines.',
]

/** Such words as they are, inside of others, and longer than any message is read. */
const chosen = fc.oneof(
  fc.constantFrom(...dangerous),
  fc.tuple(fc.string(), fc.constantFrom(...dangerous), fc.string()).map((parts) => parts.join('')),
  fc
    .tuple(fc.constantFrom(...dangerous), fc.integer({ min: 1, max: 5_000 }))
    .map(([text, count]) => text.padEnd(text.length + count, ' x')),
  fc.string(),
)

type Wording = (text: string) => string
type Quoting = (text: string) => object

const openaiSaid =
  (say: Wording, type = 'invalid_request_error', code: string | null = 'invalid_value'): Quoting =>
  (text) => ({ error: { message: say(text), type, param: say(text), code } })
const anthropicSaid =
  (say: Wording): Quoting =>
  (text) => ({ type: 'error', error: { type: 'invalid_request_error', message: say(text) } })

/** Where providers quote a caller: a value, a model, a tool, a member's name, a message. */
const quoting: readonly Quoting[] = [
  openaiSaid((text) => `Invalid value: '${text}'. Supported values are: 'system' and 'user'.`),
  openaiSaid((text) => `Unknown parameter: '${text}'.`, undefined, 'unknown_parameter'),
  openaiSaid(
    (text) => `'${text}' does not match '^[a-zA-Z0-9_-]{1,64}$' - 'tools.0.function.name'`,
  ),
  openaiSaid((text) => `The model \`${text}\` does not exist.`, 'NotFoundError', null),
  openaiSaid((text) => `${text} is not a valid model ID`, '', null),
  // Anthropic's and vLLM's validation begins with the path of what it finds wrong.
  anthropicSaid((text) => `${text}: Extra inputs are not permitted`),
  anthropicSaid((text) => `messages.0.${text}.name: String should match pattern`),
  anthropicSaid(
    (text) => `messages: Unexpected role "${text}". The Messages API accepts a top-level`,
  ),
  (text) => ({
    object: 'error',
    message: `Invalid model: ${text}`,
    type: 'invalid_model',
    code: '1500',
  }),
  (text) => ({ object: 'error', message: { detail: [{ type: 'extra_forbidden', input: text }] } }),
  (text) => ({
    code: 'Client specified an invalid argument',
    error: `Failed to deserialize: \`${text}\``,
  }),
  (text) => ({ detail: `Unknown model ${text}` }),
  (text) => ({ error: `model "${text}" not found, try pulling it first` }),
]

function outcomeOf(profile: Profile, status: number, body: object) {
  const facts = readErrorFacts(Buffer.from(JSON.stringify(body)))
  return classify({ profile, status, headers: [], facts, wallMs: 0 })
}

const statuses = [400, 404, 413, 422] as const

/** Each wording of each vendor with every dangerous text as it is, and with whatever else comes up. */
function everywhere(
  wordings: readonly Quoting[],
  hold: (profile: Profile, say: Quoting, text: string) => void,
): void {
  for (const profile of Object.values(vendors)) {
    for (const say of wordings) {
      for (const text of dangerous) hold(profile, say, text)
      fc.assert(
        fc.property(chosen, (text) => hold(profile, say, text)),
        { numRuns: 20 },
      )
    }
  }
}

test('no text that a caller chooses bars a credential, wherever a provider quotes it', () => {
  everywhere(quoting, (profile, say, text) => {
    for (const status of statuses) {
      const { kind } = outcomeOf(profile, status, say(text))
      assert.equal(kind, 'caller', `${profile.title}: ${JSON.stringify(say(text))}`)
    }
  })
})

test('a quotation behind other words changes nothing at all', () => {
  // One that begins with the caller's own words may at most send this caller to its next target.
  const behind = quoting.filter((say) => !/"message":"x[ :]/.test(JSON.stringify(say('x'))))
  assert.equal(behind.length, quoting.length - 2)
  everywhere(behind, (profile, say, text) => {
    const { reason } = outcomeOf(profile, 400, say(text))
    assert.equal(reason, 'status-400', `${profile.title}: ${JSON.stringify(say(text))}`)
  })
})
