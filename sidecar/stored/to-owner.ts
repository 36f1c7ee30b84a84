import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { isBinding, type QuestionId, questionIds, type Use } from '#shared/stored/question-ids.ts'
import { notFound, twoOwners } from '#shared/stored/refusals.ts'
import { readSealed } from '#shared/stored/sealed-id.ts'
import type { SidecarCall } from '../call.ts'
import { isRoute } from '../route/chain.ts'

/**
 * Leaves a question that goes on with what is stored to the provider that has it: of the chain stay the
 * targets there, and a refusal ends it as before. Ends at once, or with a large body in steps. Errors:
 * `stored-not-found`, `invalid-field` where it names two owners or the model has no target at the one.
 */
export function toOwner(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { surface } = context
    // A count that nobody gives is made here: what must not be counted has to be seen.
    const isSeen = surface?.wants === 'count' || mayBind(request.body)
    if (surface?.dialect !== 'responses' || !isSeen) return inner(request, context)
    const ids = questionIds(request.body, context)
    if (ids instanceof Promise) {
      return ids.then((late) => {
        bind(context, late)
        return inner(request, context)
      })
    }
    bind(context, ids)
    return inner(request, context)
  }
}

/** Few questions do: `~` stands in every sealed id, a reference names itself, and so does what is before. */
function mayBind(body: Buffer): boolean {
  return body.includes('~') || body.includes('_id') || body.includes('_reference')
}

function bind(context: SidecarCall, ids: readonly QuestionId[]): void {
  const owners = new Set(ids.flatMap(ownersOf))
  const [owner, other] = owners
  if (owner === undefined) return
  if (other !== undefined) throw twoOwners()
  const chain = context.chain.filter((link) => !isRoute(link) || link.provider === owner)
  if (!chain.some(isRoute)) {
    throw new CallError(
      'invalid-field',
      `Cannot go on with what is stored: model '${context.modelAsked}' has no target at its provider`,
      { field: 'model' },
    )
  }
  context.isBound = ids.some(({ use }) => addressing.has(use))
  context.chain = chain
  context.route = chain.find(isRoute)
}

/** What there is not without its owner; an item that is sent whole is there. */
const addressing: ReadonlySet<Use> = new Set(['response', 'reference', 'container', 'conversation'])

/** What addresses something stored has an owner, or there is no such thing. */
function ownersOf({ use, text = '' }: QuestionId): string[] {
  const sealed = readSealed(text)
  if (use === 'response' || use === 'reference') {
    if (sealed === undefined) {
      throw notFound(use === 'response' ? 'Previous response' : 'Item', text)
    }
    return [sealed.provider]
  }
  return sealed !== undefined && isBinding(use, sealed.id) ? [sealed.provider] : []
}
