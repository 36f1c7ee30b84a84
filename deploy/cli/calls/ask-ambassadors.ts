import * as v from 'valibot'
import { parsedJson } from '#shared/kubernetes/kubernetes-object.ts'
import { misuse } from '../terminal/failure.ts'
import { type ExplainedCall, explainedCall } from './explained-call.ts'

/** Admin ports of the ambassadors of one machine: the first, and how far each is from the one before. */
export const firstAdminPort = 4_102
const portsApart = 10
const ambassadorsMax = 16
/** One that does not answer in this time, in milliseconds, is busy with something else. */
const askMs = 5_000

/**
 * What one ambassador said of a call. `unknown`: it knows none of that id. `other`: what answers is no
 * ambassador. `nobody`: nothing answers.
 */
export type Answer =
  | { readonly kind: 'found'; readonly call: ExplainedCall }
  | { readonly kind: 'unknown' | 'other' | 'nobody' }

/** Asks the ambassador at `admin`, or all of this machine at once; who knows most answers. */
export async function askAmbassadors(id: string, admin: string | undefined): Promise<Answer> {
  const addresses = admin === undefined ? localAddresses() : [addressOf(admin)]
  const answers = await Promise.all(addresses.map((address) => ask(address, id)))
  const kinds = ['found', 'unknown', 'other'] as const
  const best = kinds
    .map((kind) => answers.find((answer) => answer.kind === kind))
    .find((answer) => answer !== undefined)
  return best ?? { kind: 'nobody' }
}

function localAddresses(): readonly string[] {
  return Array.from(
    { length: ambassadorsMax },
    (_, at) => `127.0.0.1:${firstAdminPort + at * portsApart}`,
  )
}

/** `4102`, `:4102` or `host:4102`. */
function addressOf(admin: string): string {
  const parts = /^(?:([\w.-]+|\[[\da-f:]+\])?:)?(\d{1,5})$/i.exec(admin)
  if (parts !== null) return `${parts[1] ?? '127.0.0.1'}:${parts[2]}`
  throw misuse(`Option --admin does not know '${admin}'.`, 'Write HOST:PORT, or PORT alone.')
}

/** Asks one ambassador. Never rejects. */
export async function ask(address: string, id: string): Promise<Answer> {
  try {
    const url = `http://${address}/explain?call=${encodeURIComponent(id)}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(askMs) })
    const text = await answer.text()
    if (answer.status === 404 && text.startsWith('that call')) return { kind: 'unknown' }
    const read = v.safeParse(explainedCall, answer.status === 200 ? parsedJson(text) : undefined)
    return read.success ? { kind: 'found', call: read.output } : { kind: 'other' }
  } catch {
    // Nobody listens there, or what listens does not speak HTTP: the next one is asked.
    return { kind: 'nobody' }
  }
}
