import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import { pollMs } from '#shared/config/poll.ts'
import { isMap } from '#shared/config/problems.ts'
import type { Config } from '#shared/config/schema.ts'
import { tenantBytesMax } from '#shared/config/tuned.ts'
import { largeBytes } from '#shared/dialects/scan-body.ts'
import { eventBytesMax } from '#shared/http/sse.ts'
import { seriesMax } from '#shared/telemetry/metric-family.ts'
import { stopMsMax } from '#shared/telemetry/tracing.ts'
import { publisher } from '../../ambassador/prices/publisher.ts'

const text = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => block)

type Entries = Record<string, unknown>

const mapIn = (value: unknown, name: string): Entries => {
  const found = isMap(value) ? value[name] : undefined
  return isMap(found) ? { ...found } : {}
}

const hosted = { kind: 'openai-compatible', baseUrl: 'http://localhost/v1' }
const key = { name: 'main', secret: 'KEY' }

/** Whatever the kind, what every provider of it has to have. */
const whole = (entry: unknown): Entries =>
  isMap(entry) && 'kind' in entry
    ? entry
    : { ...hosted, credentials: [key], ...mapIn({ entry }, 'entry') }

/**
 * What an example says of one part, as a whole file: the models and providers that it only names
 * are there, and keys of a provider stand in one.
 */
function completed(block: string): Entries {
  const value: unknown = parse(block)
  if (!isMap(value)) return {}
  if ('retry' in value) return { providers: { any: { ...hosted, ...value } } }
  const named = (name: string, pattern: RegExp) =>
    [...block.matchAll(pattern)].flatMap(([, list = '']) => list.split(', ')).concat(name)
  const providers = Object.fromEntries(
    named('any', /provider: ([a-z-]+)/g).map((name) => [name, hosted]),
  )
  const target = { targets: [{ provider: 'any', model: 'any' }] }
  const models = Object.fromEntries(
    named('any', /models: \[([a-z, -]+)\]/g).map((name) => [name, target]),
  )
  const own = Object.entries(mapIn(value, 'providers')).map(([name, entry]) => [name, whole(entry)])
  return {
    ...value,
    models: { ...models, ...mapIn(value, 'models') },
    providers: { ...providers, ...Object.fromEntries(own) },
    tenants: mapIn(value, 'tenants'),
  }
}

function configOf(block: string): Config {
  const loaded = parseConfig(JSON.stringify(completed(block)), 'README.md')
  assert.ok(loaded.ok, loaded.ok ? '' : `${describeProblems(loaded.problems)}\n${block}`)
  return loaded.config
}

test('every example of a configuration is valid', () => {
  assert.ok(blocks.length >= 9)
  for (const block of blocks) configOf(block)
})

const defaults = configOf(
  'providers: { openai: { kind: openai, credentials: [{ name: main, secret: KEY }] } }',
)
const openai = defaults.providers['openai']

test('the examples of retry, breaker and queue show the defaults', () => {
  const shown = (word: string) => {
    const found = blocks.filter((block) => new RegExp(`^ +${word}: \\{`, 'm').test(block))
    assert.equal(found.length, 1, word)
    return Object.values(configOf(found[0] ?? '').providers)
  }
  assert.ok(shown('retry').some((entry) => sameAs(entry.retry, openai?.retry)))
  assert.ok(shown('breaker').some((entry) => sameAs(entry.breaker, openai?.breaker)))
  assert.ok(shown('queue').some((entry) => sameAs(entry.queue, openai?.queue)))
})

function sameAs(shown: unknown, wanted: unknown): boolean {
  assert.deepEqual(shown, wanted)
  return true
}

test('defaults that sentences name are those of the schema', () => {
  const { sidecar } = defaults
  const seconds = (ms: number | undefined) => `${(ms ?? 0) / 1_000} s`
  const phrases = [
    `polled every ${seconds(pollMs)}`,
    `(of ${publisher.date})`,
    `waited for ${seconds(stopMsMax)} at most`,
    `has at most ${tenantBytesMax / 1_024} KiB`,
    `at most ${seriesMax.toLocaleString('en')} series`,
    `a stream over ${eventBytesMax / 2 ** 20} MiB`,
    `A body over ${largeBytes / 1_024} KiB is scanned`,
    `${(openai?.commit.holdBytes ?? 0) / 1_024} KiB or ${seconds(openai?.commit.hold)} at most`,
    `\`sidecar.count.wait\` (${sidecar.count.wait} ms)`,
    `\`sidecar.attemptsMax\` (${sidecar.attemptsMax})`,
    `sidecar: { deadline: ${sidecar.deadline / 60_000}m, bodyMax: ${sidecar.bodyMax / 2 ** 20}MiB }`,
  ]
  assert.deepEqual(
    phrases.filter((phrase) => !text.includes(phrase)),
    [],
  )
})

test('the table of limits has the defaults of both halves', () => {
  const { sidecar, ambassador } = defaults
  const mib = (bytes: number) =>
    bytes < 2 ** 20 ? `${bytes / 1_024} KiB` : `${bytes / 2 ** 20} MiB`
  const time = (ms: number) => (ms <= 60_000 ? `${ms / 1_000} s` : `${ms / 60_000} min`)
  assert.ok(openai !== undefined)
  const { timeouts, commit } = openai
  const cells: Record<string, [sidecar: string, ambassador: string]> = {
    bodyMax: [mib(sidecar.bodyMax), mib(ambassador.bodyMax)],
    bodiesMax: [mib(sidecar.bodiesMax), mib(ambassador.bodiesMax)],
    headMax: [mib(sidecar.headMax), mib(ambassador.headMax)],
    'headTimeout`, `bodyTimeout': [
      `${time(sidecar.headTimeout)}, ${time(sidecar.bodyTimeout)}`,
      `${time(ambassador.headTimeout)}, ${time(ambassador.bodyTimeout)}`,
    ],
    callsMax: [`${sidecar.callsMax}`, `${ambassador.callsMax}`],
    connectionsMax: [`${sidecar.connectionsMax}`, `${openai.connectionsMax}`],
    'deadline`, `deadlineMax': [time(sidecar.deadline), time(ambassador.deadlineMax)],
    'idle`, `timeouts.idle': [time(sidecar.idle), time(timeouts.idle)],
    'timeouts.connect`, `head`, `firstContent': [
      '–',
      [timeouts.connect, timeouts.head, timeouts.firstContent].map(time).join(', '),
    ],
    'commit.hold`, `commit.holdBytes': ['–', `${time(commit.hold)}, ${mib(commit.holdBytes)}`],
  }
  for (const [keys, ofHalves] of Object.entries(cells)) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${keys}\` |`)) ?? ''
    assert.deepEqual(row.split(' | ').slice(-2), [ofHalves[0], `${ofHalves[1]} |`], keys)
  }
})
