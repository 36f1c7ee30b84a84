import { setImmediate } from 'node:timers/promises'
import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { IdScanner } from '#shared/stored/id-scanner.ts'
import { notOwned } from '#shared/stored/refusals.ts'
import type { Shape } from '#shared/stored/shape.ts'
import type { AmbassadorCall } from '../call.ts'
import { ownCredentials } from '../passthrough/owned.ts'
import { isPool } from './holder.ts'

const owned: Shape = { text: 'owned' }
const object = (members: Readonly<Record<string, Shape>>): Shape => ({
  members: new Map(Object.entries(members)),
})

/** https://platform.openai.com/docs/api-reference/chat/create: files of parts, sound of earlier answers. */
const chatPart = object({ file: object({ file_id: owned }) })
const chatMessage = object({ content: { items: chatPart }, audio: object({ id: owned }) })
const chat = object({ messages: { items: chatMessage } })

/** https://docs.anthropic.com/en/api/messages: sources of blocks, which stand in results of tools too. */
const blockMembers = new Map<string, Shape>([['file_id', owned]])
const block: Shape = { members: blockMembers }
/** A source may be blocks itself. */
const source = object({ file_id: owned, content: { items: block } })
// What a fetch has found is one document; what executed code has made is told, not asked for.
const found = object({ content: object({ source }) })
blockMembers.set('source', source)
blockMembers.set('content', { items: block, ...found })
const messages = object({
  // By itself, or with skills beside it.
  container: { text: 'owned', members: new Map([['id', owned]]) },
  messages: { items: object({ content: { items: block } }) },
  system: { items: block },
})

/** https://platform.openai.com/docs/api-reference/images/createEdit, as JSON. */
const images = object({
  images: { items: object({ file_id: owned }) },
  mask: object({ file_id: owned }),
})

/** Of an escaped letter of ASCII, by which a key can be written otherwise. */
const escape = '\\u00'

const shapes = {
  chat: { shape: chat, words: ['file_id', '"audio"', escape] },
  messages: { shape: messages, words: ['file_id', '"container"', escape] },
  images: { shape: images, words: ['file_id', escape] },
} as const

/** Bytes between two pauses. */
const stepBytes = 128 * 1024

/**
 * Refuses questions of Chat and Messages that name what is stored in the account that all tenants share. Those
 * of a tenant with credentials of its own go with the first, which stores. Most questions are only searched
 * for a few words. Ends at once, or with a large body in steps. Errors: `stored-forbidden`, `invalid-json`.
 */
export function sharedAccount(): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    const { dialect } = surfaceOf(request.path) ?? {}
    if (dialect !== 'chat' && dialect !== 'messages') return inner(request, context)
    const refused = refuseShared(request.body, context, dialect)
    return refused === undefined
      ? inner(request, context)
      : refused.then(() => inner(request, context))
  }
}

/**
 * Rejects where `body` names what is stored in the shared account; undefined where it cannot. Of a tenant with
 * several credentials it finds the one that stores.
 */
export function refuseShared(
  body: Buffer,
  context: AmbassadorCall,
  form: keyof typeof shapes,
): Promise<void> | undefined {
  const { shape, words } = shapes[form]
  if (!words.some((word) => body.includes(word))) return undefined
  // A pool stores nothing that a question could name.
  if (isPool(context)) return undefined
  const [store, other] = ownCredentials(context)
  // It goes with that one alone, whatever it names.
  if (store !== undefined && other === undefined) return undefined
  return bound(namesStored(body, shape, context), store, context)
}

/** Error: `stored-forbidden` where something was found, and nobody stores for the tenant. */
async function bound(
  finding: Promise<boolean>,
  store: string | undefined,
  context: AmbassadorCall,
): Promise<void> {
  if (!(await finding)) return
  if (store === undefined) throw notOwned('files, sound and containers by id')
  context.owner = store
}

/** Error: `invalid-json`. */
async function namesStored(
  body: Buffer,
  shape: Shape,
  { cancellation }: Pick<CallContext, 'cancellation'>,
): Promise<boolean> {
  let hasFound = false
  const scanner = new IdScanner(shape, ({ text }) => {
    // Empty is no id.
    hasFound ||= text !== ''
  })
  for (let at = 0; at < body.length; at += stepBytes) {
    scanner.feed(body.subarray(at, at + stepBytes), at)
    if (body.length <= stepBytes) break
    await setImmediate()
    cancellation.check()
  }
  // What is seen of a broken body may be less than what its reader sees.
  if (!hasFound && !scanner.isWhole)
    throw new CallError('invalid-json', 'Cannot read the body: it is no JSON')
  return hasFound
}
