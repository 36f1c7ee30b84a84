import { parseArgs } from 'node:util'
import { type ReplicaOptions, replicaDefaults } from './options.ts'
import { startReplica } from './server.ts'

const numbers = {
  port: 'port',
  seed: 'seed',
  'prefill-ms': 'prefillMs',
  'prefill-token-ms': 'prefillTokenMs',
  'token-ms': 'tokenMs',
  'running-max': 'runningMax',
  'queued-max': 'queuedMax',
  blocks: 'blocks',
  'block-tokens': 'blockTokens',
  'context-tokens-max': 'contextTokensMax',
  'answer-tokens': 'answerTokens',
} as const

/**
 * Reads the command line. Errors: an unknown option, or a value that is no number of at least 0.
 */
function readOptions(): ReplicaOptions {
  const named = Object.fromEntries(
    Object.keys(numbers).map((name) => [name, { type: 'string' as const }]),
  )
  const { values } = parseArgs({
    options: { ...named, model: { type: 'string' }, 'no-faults': { type: 'boolean' } },
  })
  const given: Record<string, number> = {}
  for (const [name, field] of Object.entries(numbers)) {
    const text = Object.entries(values).find(([key]) => key === name)?.[1]
    if (text === undefined) continue
    const value = Number(text)
    if (text === '' || !Number.isFinite(value) || value < 0) {
      throw new Error(`Cannot read --${name}: "${text}" is not a number of at least 0`)
    }
    given[field] = value
  }
  return {
    ...replicaDefaults,
    ...given,
    model: values.model ?? replicaDefaults.model,
    faultsByHeader: values['no-faults'] !== true,
    // A process is not asked for its calls, and bodies would fill its memory.
    callsKept: 0,
  }
}

const replica = await startReplica(readOptions())
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void replica.close().then(() => process.exit(0))
  })
}
process.stdout.write(`${JSON.stringify({ ready: true, port: replica.port })}\n`)
