import type { Config, Provider } from '#shared/config/schema.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import type { PlannedDouble } from './demo/doubles.ts'
import { tryIt } from './demo/try-it.ts'
import type { Plan } from './plan.ts'

/** What the banner tells about. */
export interface BannerFacts {
  readonly port: number
  /** Path of the user's file. */
  readonly file: string
  readonly config: Config
  readonly plan: Plan
  readonly pid: (name: string) => number | undefined
}

/** What runs, what does not and why, and calls that can be pasted as they are. */
export function banner(facts: BannerFacts): string {
  const { port, file, config, plan } = facts
  const disabled = new Set(
    plan.providers.filter((one) => one.disabled !== undefined).map(({ name }) => name),
  )
  const chat = modelFor(config, 'chat', disabled)
  const messages = modelFor(config, 'messages', disabled)
  const calls = [
    ...(chat === undefined ? [] : [section('OpenAI dialect', chatCurl(port, chat))]),
    ...(messages === undefined ? [] : [section('Anthropic dialect', messagesCurl(port, messages))]),
    ...(chat === undefined ? [] : [section('openai, in TypeScript', openaiSnippet(port, chat))]),
    ...(messages === undefined
      ? []
      : [section('@anthropic-ai/sdk, in TypeScript', anthropicSnippet(port, messages))]),
  ]
  const none = 'No model has an enabled provider: set a key, or add a vllm provider, and try again.'
  return [
    'Outrigger runs on this machine',
    table(processRows(facts)),
    section('Providers', table(providerRows(facts))),
    ...pageSections(facts),
    ...(calls.length === 0 ? [none] : calls),
    ...demoSections(facts, chat),
    section(
      'Configuration',
      `Edit ${file} and save: it holds within a second, without a restart.\n` +
        `What holds: curl -s http://127.0.0.1:${port + 2}/configz`,
    ),
    'Ctrl-C ends it; once more ends it at once.',
  ]
    .join('\n\n')
    .concat('\n')
}

function section(title: string, text: string): string {
  return `${title}\n${text.replace(/^(?=.)/gm, '  ')}`
}

function processRows({ port, plan, pid }: BannerFacts): string[][] {
  const row = (what: string, name: string, at: number) => [
    what,
    name === what ? '' : name,
    `http://127.0.0.1:${at}`,
    `pid ${pid(name) ?? '-'}`,
  ]
  return [
    row('sidecar', 'sidecar', port),
    ...plan.ambassadors.map((one) => row('ambassador', one.provider, one.port)),
    ...plan.replicas.map((one) => row('simulated vLLM', one.name, one.port)),
    ...plan.doubles.map((one) => row('double', one.name, one.port)),
  ]
}

function providerRows({ config, plan }: BannerFacts): string[][] {
  return plan.providers.map(({ name, disabled, replicas, double }) => {
    const provider = config.providers[name]
    const kind = provider?.kind ?? ''
    if (disabled !== undefined) return [name, kind, `not enabled: ${disabled}`]
    if (double !== undefined) return [name, kind, `enabled: a double, ${limitsOf(double)}`]
    return [
      name,
      kind,
      replicas === undefined ? `enabled: ${whereOf(provider)}` : 'enabled: simulated',
    ]
  })
}

/** Where a browser sees what a pool does with its calls. */
function pageSections({ config, plan }: BannerFacts): string[] {
  const pools = plan.ambassadors.filter(
    ({ provider }) => config.providers[provider]?.kind === 'vllm',
  )
  const rows = pools.map(({ provider, port }) => [provider, `http://127.0.0.1:${port + 2}/pool`])
  return rows.length === 0 ? [] : [section('Live, in a browser', table(rows))]
}

const limitWords: Readonly<Record<string, string>> = {
  rpm: 'calls',
  tpm: 'tokens',
  itpm: 'input tokens',
  otpm: 'output tokens',
}

/** `2 keys, each 30 calls, 20000 tokens a minute`. */
function limitsOf({ keys, manners }: PlannedDouble): string {
  const limits = Object.entries(limitWords).flatMap(([name, word]) =>
    manners[name] === undefined ? [] : `${manners[name]} ${word}`,
  )
  const who = keys.length === 1 ? '1 key:' : `${keys.length} keys, each`
  return limits.length === 0 ? 'without limits' : `${who} ${limits.join(', ')} a minute`
}

/** Where doubles run: what to try with the one that `model` is asked of first. */
function demoSections({ port, config, plan }: BannerFacts, model: string | undefined): string[] {
  const entry = model === undefined ? undefined : config.models[model]
  const [first] = entry === undefined ? [] : allTargets(entry)
  const double = plan.doubles.find(({ provider }) => provider === first?.provider)
  const ambassador = plan.ambassadors.find(({ provider }) => provider === double?.provider)
  if (model === undefined || double === undefined || ambassador === undefined) return []
  return [section('Try it', tryIt({ port, model, double, ambassadorPort: ambassador.port }))]
}

function whereOf(provider: Provider | undefined): string {
  if (provider === undefined) return ''
  return provider.kind === 'vllm' ? provider.replicas.addresses.join(', ') : provider.baseUrl
}

function table(rows: readonly string[][]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length)
    })
  }
  const line = (row: string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

/** The first model whose first target is enabled and speaks `dialect`. */
function modelFor(
  { models, providers }: Config,
  dialect: 'chat' | 'messages',
  disabled: ReadonlySet<string>,
): string | undefined {
  const found = Object.entries(models).find(([, model]) => {
    const name = allTargets(model)[0]?.provider ?? ''
    const spoken: readonly string[] = providers[name]?.dialects ?? []
    return !disabled.has(name) && spoken.includes(dialect)
  })
  return found?.[0]
}

/** JSON in a shell's single quotes: a name may hold any character. */
function quoted(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`
}

const question = [{ role: 'user', content: 'Say hello' }]

function chatCurl(port: number, model: string): string {
  return (
    `curl -N http://127.0.0.1:${port}/v1/chat/completions -H 'content-type: application/json' \\\n` +
    `  -d ${quoted({ model, stream: true, messages: question })}`
  )
}

function messagesCurl(port: number, model: string): string {
  const body = { model, max_tokens: 64, stream: true, messages: question }
  return (
    `curl -N http://127.0.0.1:${port}/v1/messages -H 'content-type: application/json' \\\n` +
    `  -H 'anthropic-version: 2023-06-01' -d ${quoted(body)}`
  )
}

/** Both SDKs insist on a key; the sidecar neither needs nor forwards it. */
function openaiSnippet(port: number, model: string): string {
  return `import OpenAI from 'openai'
const client = new OpenAI({ baseURL: 'http://127.0.0.1:${port}/v1', apiKey: 'unused' })
const stream = await client.chat.completions.create({
  model: ${JSON.stringify(model)}, stream: true, messages: ${JSON.stringify(question)},
})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')`
}

function anthropicSnippet(port: number, model: string): string {
  return `import Anthropic from '@anthropic-ai/sdk'
const client = new Anthropic({ baseURL: 'http://127.0.0.1:${port}', apiKey: 'unused' })
client.messages
  .stream({ model: ${JSON.stringify(model)}, max_tokens: 64, messages: ${JSON.stringify(question)} })
  .on('text', (text) => process.stdout.write(text))`
}
