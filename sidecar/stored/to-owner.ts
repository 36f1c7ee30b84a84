import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { isBinding, type QuestionId, questionIds, type Use } from '#shared/stored/question-ids.ts'
import { notFound, twoOwners } from '#shared/stored/refusals.ts'
import { namedOwner } from '#shared/stored/sealed-id.ts'
import type { SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { isRoute } from '../route/chain.ts'

/**
 * Leaves a question that goes on with what is stored to the provider that has it: of the chain stay the
 * targets there, and a refusal ends it as before. Ends at once, or with a large body in steps. Errors:
 * `stored-not-found`, `invalid-field` where it names two owners or the model has no target at the one.
 */
export function toOwner(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { surface } = context
    if (surface?.dialect !== 'responses') return inner(request, context)
    // A count that nobody gives is made here: what must not be counted has to be seen.
    if (surface.wants !== 'count' && !mayBind(request.body)) return inner(request, context)
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

/** Few questions do: `_-` or `~` stands in every sealed id, a reference names itself, and so does what is before. */
function mayBind(body: Buffer): boolean {
  return ['_-', '~', '_id', '_reference'].some((word) => body.includes(word))
}

function bind(context: SidecarCall, ids: readonly QuestionId[]): void {
  const providers = Object.keys(configOf(context).ambassadors)
  const owners = new Set(ids.flatMap((id) => ownersOf(id, providers)))
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
function ownersOf({ use, text = '' }: QuestionId, providers: readonly string[]): string[] {
  const owner = namedOwner(text, providers)
  if (use === 'response' || use === 'reference') {
    if (owner === undefined) throw notFound(use === 'response' ? 'Previous response' : 'Item', text)
    return [owner.provider]
  }
  return owner !== undefined && isBinding(use, owner.id) ? [owner.provider] : []
}
