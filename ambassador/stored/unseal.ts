import type { CallError } from '#shared/errors/call-error.ts'
import { isBinding, type QuestionId } from '#shared/stored/question-ids.ts'
import { notFound, notOwned, twoOwners } from '#shared/stored/refusals.ts'
import { namedOwner } from '#shared/stored/sealed-id.ts'
import { withEdits } from './id-rewriter.ts'
import type { Claim, Proven, Sealer } from './sealer.ts'

/** A question as its provider gets it. */
export interface Unsealed {
  readonly body: Buffer
  /** The credential or the replica that holds what the question is bound to; undefined where any will do. */
  readonly owner: string | undefined
  /** What the caller wrote, by the id that the provider knows. */
  readonly written: ReadonlyMap<string, string>
}

export interface Asking {
  readonly sealer: Sealer
  readonly claim: Claim
  /** What the provider looks up by its id: vLLM keeps responses, and no items by themselves. */
  readonly looksUp: 'items' | 'responses'
  /** Credentials of the tenant's own, mostly none: what it names in the account of the first is its own. */
  readonly ownCredentials: readonly string[]
}

/**
 * The body with the ids that the provider knows. An id that addresses what is stored must be proven, or
 * there is no such thing. One of an item that is sent whole need not: SDKs make them up, and a history
 * may come from another provider. OpenAI does look it up all the same (it joins a message to its
 * reasoning, and takes a reasoning item without its encrypted content from what is stored), so one that
 * is not proven is replaced by one that nobody has. Errors: `stored-not-found`, `stored-forbidden`,
 * `invalid-field` for two owners.
 */
export function unsealed(body: Buffer, ids: readonly QuestionId[], asking: Asking): Unsealed {
  const { sealer, claim, looksUp, ownCredentials } = asking
  const written = new Map<string, string>()
  let owner: string | undefined
  const own = (credential: string) => {
    if (owner !== undefined && owner !== credential) throw twoOwners()
    owner = credential
  }
  const proven = ids.map((id) => prove(id, asking))
  for (const [at, { use }] of ids.entries()) {
    const found = proven[at]
    const isLookedUp = looksUp === 'items' || use !== 'item'
    if (found !== undefined && found !== 'own' && isLookedUp && isBinding(use, found.id))
      own(found.credential)
  }
  // What is made outside of Responses is made with the first. A pool keeps nothing of the kind.
  if (looksUp === 'items' && proven.includes('own')) owner ??= ownCredentials[0]
  // Bound to an account that others share, it names nothing there by the ids of its own.
  const isElsewhere = owner !== undefined && !ownCredentials.includes(owner)
  if (isElsewhere && proven.includes('own')) throw notOwned(outside)
  const edits = ids.flatMap(({ start, end, text }, at) => {
    const found = proven[at]
    // Empty is no id: nothing is found by it.
    if (text === '' || found === 'own') return []
    // Known to another credential alone: to this one it is a stranger.
    const isOwners = looksUp === 'responses' || (owner ?? found?.credential) === found?.credential
    const isKnown = found !== undefined && isOwners
    const other = isKnown ? found.id : sealer.standIn(text ?? '', claim.tenant)
    if (isKnown && text !== undefined) written.set(other, text)
    return [{ start, end, text: JSON.stringify(other) }]
  })
  return { body: edits.length === 0 ? body : withEdits(body, edits), owner, written }
}

const outside = 'files, vector stores, prompts, skills and tunnels by id'

/** Undefined for an id that may be a stranger's; `own` for one of the tenant's own account. */
function prove(
  asked: QuestionId,
  { sealer, claim, ownCredentials }: Asking,
): Proven | 'own' | undefined {
  const { use, text } = asked
  const ownsAccount = ownCredentials.length > 0
  if (use === 'owned' && ownsAccount) return 'own'
  if (use === 'owned') throw notOwned(outside)
  const found = use === 'chosen' || text === undefined ? undefined : sealer.prove(text, claim)
  if (found !== undefined || use === 'item' || use === 'chosen' || use === 'told') return found
  const isOutside = use === 'container' || use === 'conversation'
  const isSealed = namedOwner(text ?? '', [claim.provider]) !== undefined
  if (ownsAccount && isOutside && !isSealed) return 'own'
  throw missing(asked, isSealed)
}

function missing({ use, text = '' }: QuestionId, isSealed: boolean): CallError {
  if (use === 'response') return notFound('Previous response', text)
  if (use === 'reference') return notFound('Item', text)
  if (use === 'container') {
    return isSealed ? notFound('Container', text) : notOwned('a container by id')
  }
  return isSealed ? notFound('Conversation', text) : notOwned('a conversation by id')
}
