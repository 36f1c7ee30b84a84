import { setImmediate } from 'node:timers/promises'
import type { CallContext } from '#shared/call/context.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Found, IdScanner } from './id-scanner.ts'
import { questionShape } from './shape.ts'

/**
 * What an id in a question does there. `response` and `reference` address what is stored; `item` is that
 * of an item which is sent whole; `container` and `conversation` address what outlives the response;
 * `owned` is made outside of Responses; `chosen` is the caller's own for the response to come;
 * `told` is looked up by nobody, but repeated.
 */
export type Use =
  | 'response'
  | 'reference'
  | 'item'
  | 'container'
  | 'conversation'
  | 'owned'
  | 'chosen'
  | 'told'

export interface QuestionId {
  readonly use: Use
  /** Bytes [start, end) in the body, with its quotes. */
  readonly start: number
  readonly end: number
  /** Undefined where it is too long to be an id, or no string of JSON. */
  readonly text: string | undefined
}

/** What generates nothing by itself is as good without its owner; the rest is looked up, or sealed to it. */
const floating = /^(?:msg|fc|fco|ctc|ctco)_/

/** Whether a question that has `id` (as its provider knows it) can only be answered by its owner. */
export function isBinding(use: Use, id: string): boolean {
  if (use === 'chosen' || use === 'owned' || use === 'told') return false
  return use !== 'item' || !floating.test(id)
}

/** Bytes between two pauses: most of a body is text, at 1 GB/s; of the rest 100 KiB take 1 ms. */
const stepBytes = 128 * 1024

/** Of ids, types and roles: 10,000 items and more. Each takes memory, and a proof. */
const foundMax = 32_768

/** Lets other work run. */
type Pause = () => Promise<unknown>

/**
 * Every id in the body of a question, in the order of the bytes: at once, or of a large body in steps.
 * Throws or rejects with `invalid-json` where the body is none, `invalid-field` where it has more ids than any
 * question, or with the reason of a cancellation.
 */
export function questionIds(
  body: Buffer,
  { cancellation }: Pick<CallContext, 'cancellation'>,
  pause: Pause = setImmediate,
): readonly QuestionId[] | Promise<readonly QuestionId[]> {
  const found: Found[] = []
  const scanner = new IdScanner(questionShape, (one) => {
    if (found.length === foundMax) throw tooMany()
    found.push(one)
  })
  if (body.length > stepBytes) return inSteps()
  scanner.feed(body, 0)
  return classified()

  async function inSteps(): Promise<readonly QuestionId[]> {
    for (let at = 0; at < body.length; at += stepBytes) {
      scanner.feed(body.subarray(at, at + stepBytes), at)
      await pause()
      cancellation.check()
    }
    return classified()
  }

  function classified(): readonly QuestionId[] {
    // What is seen of a broken body may be less than what its reader sees.
    if (!scanner.isWhole) throw new CallError('invalid-json', 'Cannot read the body: it is no JSON')
    return classify(found)
  }
}

function tooMany(): CallError {
  return new CallError('invalid-field', 'Cannot read the body: it has too many items', {
    field: 'input',
  })
}

/** The words of an item that tell what its ids are for; a word that occurs twice counts as each. */
interface Words {
  readonly types: Set<string | undefined>
  hasRole: boolean
}

function classify(found: readonly Found[]): readonly QuestionId[] {
  const scopes = new Map<number, Words>()
  for (const { place, scope, text } of found) {
    if (place !== 'type' && place !== 'role') continue
    const words = scopes.get(scope) ?? { types: new Set(), hasRole: false }
    if (place === 'type') words.types.add(text)
    else words.hasRole = true
    scopes.set(scope, words)
  }
  return found.flatMap((one) => {
    const use = useOf(one, scopes.get(one.scope))
    return use === undefined ? [] : [{ use, start: one.start, end: one.end, text: one.text }]
  })
}

function useOf({ place }: Found, words: Words | undefined): Use | undefined {
  if (place === 'type' || place === 'role') return undefined
  if (place === 'approval') {
    return words?.types.has('mcp_approval_response') === true ? 'reference' : 'item'
  }
  if (place !== 'item') return place
  // `type` may be left out of a reference, and out of a message, which has a role.
  return words === undefined || words.types.has('item_reference') ? 'reference' : 'item'
}
