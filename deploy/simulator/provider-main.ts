import { parseArgs } from 'node:util'
import { startProvider } from './providers/provider.ts'
import { type ProviderOptions, providerDefaults, vendors } from './providers/provider-options.ts'

const numbers = {
  port: 'port',
  seed: 'seed',
  'prefill-ms': 'prefillMs',
  'prefill-token-ms': 'prefillTokenMs',
  'token-ms': 'tokenMs',
  'answer-tokens': 'answerTokens',
  rpm: 'requestsPerMinute',
  tpm: 'tokensPerMinute',
  itpm: 'inputTokensPerMinute',
  otpm: 'outputTokensPerMinute',
} as const

const limitNames: ReadonlySet<string> = new Set(['rpm', 'tpm', 'itpm', 'otpm'])

/** Reads the command line. Errors: an unknown option or vendor, a value that is no number >= 0. */
function readOptions(): ProviderOptions {
  const named = Object.fromEntries(
    Object.keys(numbers).map((name) => [name, { type: 'string' as const }]),
  )
  const { values } = parseArgs({
    options: {
      ...named,
      vendor: { type: 'string', default: 'openai' },
      key: { type: 'string', multiple: true },
      model: { type: 'string', multiple: true },
    },
  })
  const vendor = vendors.find((name) => name === values.vendor)
  if (vendor === undefined) throw new Error(`Cannot read --vendor: "${values.vendor}" is not known`)
  const given: Record<string, number> = {}
  const limits: Record<string, number> = {}
  for (const [name, field] of Object.entries(numbers)) {
    const text = Object.entries(values).find(([key]) => key === name)?.[1]
    if (text === undefined) continue
    const value = Number(text)
    if (text === '' || !Number.isFinite(value) || value < 0) {
      throw new Error(`Cannot read --${name}: "${String(text)}" is not a number of at least 0`)
    }
    if (limitNames.has(name)) limits[field] = value
    else given[field] = value
  }
  return {
    ...providerDefaults,
    ...given,
    vendor,
    limits,
    keys: values.key ?? providerDefaults.keys,
    models: values.model ?? providerDefaults.models,
  }
}

const provider = await startProvider(readOptions())
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void provider.close().then(() => process.exit(0))
  })
}
process.stdout.write(`${JSON.stringify({ ready: true, port: provider.port })}\n`)
