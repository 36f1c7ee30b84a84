import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { CallError, toCallError } from '#shared/errors/call-error.ts'
import type { Origins } from '#shared/http/client.ts'
import type { AmbassadorCall } from '../../call.ts'
import { signalDefaults } from '../signals/ask-page.ts'
import type { Notice } from '../signals/notices.ts'
import { postPage } from '../signals/post-page.ts'
import type { Placement } from './placement.ts'

export interface AdapterSettings {
  /** Of adapters that replicas are given when a call asks for one: their paths, as the servers have them. */
  readonly adapters: Readonly<Record<string, string>>
  /** For pages that `--api-key` guards; flat list. */
  readonly headers: readonly string[]
}

interface LoadParts {
  readonly clock: Clock
  readonly origins: Pick<Origins, 'exchange'>
  /** Whether a replica lists a model; undefined where it has not said what it serves. */
  readonly serves: (origin: string, model: string) => boolean | undefined
}

/** Reading an adapter of 1 GB from a network disk: no load takes longer. */
export const adapterLoadMs = 60_000
/** Before a load that failed is tried again. */
const restMs = 10_000
/** Adapters that one replica is given before the one used longest ago is taken away. */
const loadedMax = 64
/** Of a server’s words about one. */
const reasonCharsMax = 200

type State =
  /** As the replica lists it, or does not. */
  | { readonly kind: 'unknown' }
  /** `over` never rejects. */
  | { readonly kind: 'loading'; readonly over: Promise<void> }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'failed'; readonly reason: string; readonly untilMs: number }

/** One adapter of one replica. */
interface Given {
  state: State
  /** Calls that run with it. */
  calls: number
}

/** Gives replicas the adapters that calls ask for (vLLM with `VLLM_ALLOW_RUNTIME_LORA_UPDATING`). */
export class AdapterLoads {
  readonly #parts: LoadParts
  readonly #cancellation = new Cancellation()
  /** By replica and adapter, the one used longest ago first. */
  readonly #replicas = new Map<string, Map<string, Given>>()
  #settings: AdapterSettings = { adapters: {}, headers: [] }

  constructor(parts: LoadParts) {
    this.#parts = parts
  }

  configure(settings: AdapterSettings): void {
    this.#settings = settings
  }

  /** Those that stay keep what they were given. */
  follow(origins: readonly string[]): void {
    for (const origin of this.#replicas.keys()) {
      if (!origins.includes(origin)) this.#replicas.delete(origin)
    }
  }

  /** Its server has started anew, with what its command line names. */
  restarted(origin: string): void {
    this.#replicas.delete(origin)
  }

  /** It has said that it does not know the adapter. */
  missed(origin: string, model: string): void {
    const given = this.#replicas.get(origin)?.get(model)
    if (given?.state.kind === 'loaded') given.state = { kind: 'unknown' }
  }

  /** For statusz: what could not be loaded there. */
  noticesOf(origin: string): readonly Notice[] {
    const adapters = [...(this.#replicas.get(origin) ?? [])]
    return adapters.flatMap(([name, { state }]) => {
      if (state.kind !== 'failed') return []
      const sentence = `adapter '${name}' cannot be loaded: ${state.reason}`
      return [{ code: 'adapter-not-loaded', sentence }]
    })
  }

  /**
   * Goes on when the replica has the call’s adapter, or could not be given it: then its own refusal tells.
   * Rejects with the reason of a cancelling; the placement has ended then.
   */
  async before(placement: Placement, context: AmbassadorCall): Promise<Placement> {
    const { model, adapter, cancellation, atEnd } = context
    const path = pathOf(this.#settings, model)
    const { origin } = placement
    if (path === undefined) {
      // vLLM lists what it has loaded; an adapter that it finds by itself is listed after its first call.
      if (adapter !== undefined && this.#parts.serves(origin, model) === true)
        placement.hasAdapter()
      return placement
    }
    const given = this.#adapter(origin, model)
    given.calls++
    atEnd.push(() => {
      given.calls--
    })
    if (this.#isAbsent(origin, model, given)) {
      given.state = { kind: 'loading', over: this.#load(origin, { model, path, given }) }
    }
    if (given.state.kind === 'loading') {
      placement.lacksAdapter()
      await unlessCancelled(given.state.over, cancellation)
      placement.hasAdapter()
    } else if (given.state.kind === 'loaded' || this.#parts.serves(origin, model) === true) {
      placement.hasAdapter()
    }
    if (cancellation.reason === undefined) return placement
    placement.end()
    throw cancellation.reason
  }

  close(): void {
    const why = 'Cannot load an adapter: this process is ending'
    this.#cancellation.cancel(new CallError('draining', why))
  }

  #adapter(origin: string, model: string): Given {
    const adapters = this.#replicas.get(origin) ?? new Map<string, Given>()
    this.#replicas.set(origin, adapters)
    const given = adapters.get(model) ?? { state: { kind: 'unknown' }, calls: 0 }
    adapters.delete(model)
    adapters.set(model, given)
    return given
  }

  #isAbsent(origin: string, model: string, { state }: Given): boolean {
    if (state.kind === 'loading' || state.kind === 'loaded') return false
    if (state.kind === 'failed' && this.#parts.clock.now() < state.untilMs) return false
    return this.#parts.serves(origin, model) === false
  }

  async #load(
    origin: string,
    { model, path, given }: { readonly model: string; readonly path: string; given: Given },
  ): Promise<void> {
    this.#makeRoom(origin)
    const { status, text } = await this.#post(origin, 'load', { lora_name: model, lora_path: path })
    // Or somebody else was faster.
    const isThere = status === 200 || text.includes('already been loaded')
    const untilMs = this.#parts.clock.now() + restMs
    given.state = isThere
      ? { kind: 'loaded' }
      : { kind: 'failed', reason: text.slice(0, reasonCharsMax), untilMs }
  }

  /** Takes away what was used longest ago and no call runs with. */
  #makeRoom(origin: string): void {
    const adapters = this.#replicas.get(origin) ?? new Map<string, Given>()
    for (const [name, { calls, state }] of adapters) {
      if (adapters.size <= loadedMax) return
      if (calls > 0 || state.kind === 'loading') continue
      adapters.delete(name)
      if (state.kind === 'loaded') void this.#post(origin, 'unload', { lora_name: name })
    }
  }

  /** Never rejects. */
  async #post(
    origin: string,
    what: 'load' | 'unload',
    value: object,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { clock, origins } = this.#parts
    const settings = { ...signalDefaults, timeoutMs: adapterLoadMs }
    const cancellation = new Cancellation()
    const undoParent = this.#cancellation.onCancel((reason) => cancellation.cancel(reason))
    // Of the whole: the limits of an exchange are those of its parts.
    const undoTimer = clock.after(adapterLoadMs, () => cancellation.cancel(late(origin)))
    const parts = { clock, origins, settings, cancellation }
    const { headers } = this.#settings
    try {
      cancellation.check()
      return await postPage(parts, { origin, path: `/v1/${what}_lora_adapter`, headers }, value)
    } catch (error) {
      return { status: 0, text: toCallError(error).message }
    } finally {
      undoTimer()
      undoParent()
    }
  }
}

function late(replica: string): CallError {
  const why = 'Cannot load an adapter: its server has not said in time that it is done'
  return new CallError('deadline-exceeded', why, { replica, limitMs: adapterLoadMs })
}

/** Of an adapter that is given on demand; undefined for all other names, which anybody may ask for. */
export function pathOf(
  { adapters }: Pick<AdapterSettings, 'adapters'>,
  model: string,
): string | undefined {
  return Object.hasOwn(adapters, model) ? adapters[model] : undefined
}

/** Whichever comes first. */
function unlessCancelled(loading: Promise<void>, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve) => {
    const undo = cancellation.onCancel(() => resolve())
    void loading.then(() => {
      undo()
      resolve()
      return undefined
    })
  })
}
