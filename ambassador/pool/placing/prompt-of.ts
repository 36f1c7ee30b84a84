import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Chain } from '../prefix/chain.ts'
import { ChainBuilder, type HashSeed } from '../prefix/hash.ts'
import { byteIds } from '../tokens/canonical.ts'
import { type PromptFacts, readPrompt } from '../tokens/prompt-facts.ts'
import { fullIds, type PromptIds } from '../tokens/prompt-ids.ts'
import { cacheSaltOf } from './cache-salt.ts'

/** What a call asks, as far as the choice of a replica goes by it. */
export interface Prompt {
  /** Undefined where it has none that is read: an embedding, a body that the replica will refuse. */
  readonly ids: PromptIds | undefined
  readonly model: string
  /** vLLM's `cache_salt`; empty for none. */
  readonly salt: string
  /** Whether the replica has to be told it: it is the tenant's, and not the caller's. */
  readonly isTenantSalt?: boolean
  /** Of the prompt; about, where the ids are no tokens. */
  readonly tokens: number
  /** Exact ids that came when the call had gone on without them. */
  readonly late?: { ids: PromptIds | undefined }
}

/** Gives ids for what a prompt says; at once or a little later. Never rejects. */
export type IdsOf = (
  facts: PromptFacts,
  onLate: (ids: PromptIds) => void,
) => PromptIds | Promise<PromptIds>

/** Reads the question of a call. Rejects as `cacheSaltOf` throws. Costs about 10 ms for 1 MB of text. */
export async function promptOf(
  { body }: CallRequest,
  context: AmbassadorCall,
  idsOf: IdsOf = byteIds,
): Promise<Prompt> {
  const { model, inputEstimate } = context
  const dialect: Dialect = context.surface?.dialect ?? 'chat'
  const facts = readPrompt(dialect, body)
  const own = facts === undefined ? '' : saltOf(body, context)
  const ofTenant = cacheSaltOf(context, own)
  const salted = { salt: ofTenant ?? own, isTenantSalt: ofTenant !== undefined }
  if (facts === undefined) return { ids: undefined, model, tokens: inputEstimate, ...salted }
  const late: Prompt['late'] = { ids: undefined }
  const ids = await idsOf(facts, (found) => {
    late.ids = found
  })
  return { ids, model, tokens: Math.max(1, ids.ids.length), late, ...salted }
}

/** The full blocks of a prompt, to which its answer can be added. */
export interface GrowingChain extends Chain {
  /** The full blocks of the prompt with `ids` behind it; to be asked once. */
  grownBy(ids: Uint32Array): Chain
}

const nothing = { length: 0, low: new Uint32Array(0), high: new Uint32Array(0) }
const noChain: GrowingChain = { ...nothing, grownBy: () => nothing }

/**
 * The full blocks of a prompt. Models, adapters, salts, and ids of different kinds share nothing:
 * all of them are part of the first hash.
 */
export function chainOf(prompt: Prompt, blockTokens: number, seed: HashSeed): GrowingChain {
  const { ids: found, model, salt } = prompt
  if (found === undefined) return noChain
  // A kind is one word: the text is another one for each pair.
  const builder = new ChainBuilder({ blockTokens, seed, adapter: `${found.kind} ${model}`, salt })
  let at = 0
  for (const media of found.media) {
    builder.push(found.ids.subarray(at, media.at))
    builder.multimodal(media.identifier)
    at = media.at
  }
  builder.push(found.ids.subarray(at, fullIds(found)))
  return {
    ...builder.chain(),
    grownBy(ids) {
      builder.push(ids)
      return builder.chain()
    },
  }
}

/** Few bodies have one: only those are parsed again. */
/** However its key is written: the replica reads it with all its escapes. */
function saltOf(body: Buffer, { bodyValues }: AmbassadorCall): string {
  if (!bodyValues.has('cache_salt') && !body.includes('"cache_salt"')) return ''
  const value: unknown = JSON.parse(body.toString())
  const salt = isObject(value) ? value['cache_salt'] : undefined
  return typeof salt === 'string' ? salt : ''
}
