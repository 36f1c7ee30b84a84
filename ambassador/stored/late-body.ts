import { NotAnObject } from '#shared/dialects/top-level.ts'
import { readUsage, usageObjectInTail } from '#shared/dialects/usage.ts'
import type { Body } from '#shared/http/body.ts'
import { ThroughBody } from '#shared/http/through-body.ts'
import { readResponse } from '../attempt/whole-response.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import type { FinalFacts } from './background-book.ts'

/** Most answers are shorter, and of longer ones usage stands near the end. */
const tailBytes = 64 * 1024

/**
 * A stored response, whole or as events, that passes as it is: at its end `onFinal` is told what it has
 * used, where it says so. One that still runs says nothing.
 */
export class LateBody extends ThroughBody {
  readonly #onFinal: (facts: FinalFacts) => void
  #tail: Buffer = Buffer.alloc(0)
  #isAll = true

  constructor(body: Body, onFinal: (facts: FinalFacts) => void) {
    super(body)
    this.#onFinal = onFinal
  }

  override write(chunk: Buffer): boolean {
    const joined = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    if (this.#tail.length + chunk.length > tailBytes) this.#isAll = false
    // Copied: a slice would keep the whole read alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
    return super.write(chunk)
  }

  override end(): void {
    const facts = factsIn(this.#tail, this.#isAll)
    if (facts !== undefined) this.#onFinal(facts)
    super.end()
  }
}

function factsIn(tail: Buffer, isAll: boolean): FinalFacts | undefined {
  const whole = isAll ? responseIn(tail) : undefined
  if (whole?.isPending === true) return undefined
  const usageObject = whole?.usage ?? usageObjectInTail(tail)
  const usage = readUsage(usageObject)
  if (usage === undefined) return undefined
  const tier = whole === undefined ? tierIn(tail) : whole.tier
  return { usage, usageObject, modifiers: modifiersOf({ service_tier: tier, usage: usageObject }) }
}

/** Undefined for events. */
function responseIn(bytes: Buffer) {
  try {
    return readResponse(bytes)
  } catch (error) {
    if (error instanceof NotAnObject) return undefined
    throw error
  }
}

function tierIn(tail: Buffer): string | undefined {
  const at = tail.lastIndexOf('"service_tier":')
  return /^\s*"([^"\\]{1,40})"/.exec(tail.toString('utf8', at + 15, at + 64))?.[1]
}
