import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createLimiter } from '../limits/limiter.ts'
import { parseJson } from '../narrow.ts'
import { hash32, hexIds, pseudoRandom } from '../pseudo-random.ts'
import { readBody } from '../read-body.ts'
import { TextEngine } from '../text-engine.ts'
import { answerCall } from './answer-call.ts'
import { answerStored } from './answer-stored.ts'
import { failureOf, statusFailure } from './failure.ts'
import { KeyRing } from './key-ring.ts'
import { type ProviderCall, type ProviderParts, sendBody, sendFailure } from './provider-call.ts'
import { modelsBody } from './provider-models.ts'
import { engineOptions, type ProviderOptions, providerDefaults } from './provider-options.ts'
import { ResponseStore } from './response-store.ts'
import { type Route, routeOf } from './route.ts'
import { type Instruction, readInstruction, Script } from './script.ts'
import { Truth, type UsageTruth } from './truth.ts'

/** A provider double that listens on 127.0.0.1. */
export interface ProviderDouble {
  readonly port: number
  /** `http://127.0.0.1:PORT`, to which the vendor's own paths are added. */
  readonly origin: string
  /** What the provider itself has counted. */
  statistics(): ProviderStatistics
  /** Errors: a fault outside the grammar, a key's name that is not known. */
  script(instruction: Instruction): void
  /** Resolves once no request is live. */
  whenIdle(): Promise<void>
  /** Cuts every live request and closes. */
  close(): Promise<void>
}

export interface ProviderStatistics {
  readonly usage: readonly UsageTruth[]
  /** Calls with a key that is not known. */
  readonly unauthorized: number
  /** Calls that asked how many tokens a request has; they are neither limited nor billed. */
  readonly counts: number
}

/** Starts a double. Errors: what `listen` gives, such as a port in use. */
export async function startProvider(given: Partial<ProviderOptions> = {}): Promise<ProviderDouble> {
  const options = { ...providerDefaults, ...given }
  const host = new ProviderHost(options)
  const server = createServer((request, response) => host.serve(request, response))
  // Faults stall on purpose.
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    statistics: () => host.statistics(),
    script(instruction) {
      const refused = host.script(instruction)
      if (refused !== null) throw new Error(refused)
    },
    whenIdle: () => host.whenIdle(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

class ProviderHost {
  readonly #parts: ProviderParts
  readonly #idle: (() => void)[] = []
  #live = 0

  constructor(options: ProviderOptions) {
    const { clock, seed, vendor } = options
    const startUnixMs = clock.unixSeconds() * 1_000
    const startMs = clock.nowMs()
    const unixMs = () => startUnixMs + (clock.nowMs() - startMs)
    const engine = engineOptions(options)
    this.#parts = {
      options,
      engine: new TextEngine(engine),
      engineOptions: engine,
      limiter: createLimiter(vendor, { limits: options.limits, now: unixMs }),
      keys: new KeyRing(vendor, options.keys),
      script: new Script(vendor),
      truth: new Truth(),
      newId: hexIds(hash32(`${seed}:ids`)),
      responses: new ResponseStore(hexIds(hash32(`${seed}:items`))),
      random: pseudoRandom(hash32(`${seed}:splits`)),
      unixMs,
    }
  }

  statistics(): ProviderStatistics {
    const { truth } = this.#parts
    return { usage: truth.list(), unauthorized: truth.unauthorized, counts: truth.counts }
  }

  whenIdle(): Promise<void> {
    if (this.#live === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Follows `instruction`, or says why it cannot. */
  script(instruction: Instruction): string | null {
    const { script, keys, limiter } = this.#parts
    if ('clear' in instruction) {
      script.clear()
      return null
    }
    if ('limits' in instruction) {
      limiter.setLimits(instruction.limits)
      return null
    }
    if ('state' in instruction) {
      const isKnown = keys.setState(instruction.key, instruction.state)
      return isKnown ? null : `Cannot set a key's state: no key is named "${instruction.key}"`
    }
    const isRead =
      'always' in instruction
        ? script.always(instruction.always, instruction)
        : script.add(instruction.faults, instruction, instruction.count)
    return isRead ? null : 'Cannot set a fault: unknown grammar'
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.#live += 1
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#live -= 1
      if (this.#live === 0) for (const resolve of this.#idle.splice(0)) resolve()
    })
    const url = request.url ?? '/'
    const host = this.#parts
    readBody(request, host.options.bodyBytesMax, (bodyText) => {
      const requestId = `req_${host.newId()}`
      const call = { request, response, bodyText: bodyText ?? '', requestId, host }
      const path = url.split('?')[0] ?? '/'
      if (bodyText === null) sendFailure(call, tooLarge(call))
      else if (path.startsWith('/sim/')) this.#admin(call, path)
      else route(call, routeOf(host.options.vendor, url))
    })
  }

  #admin(call: ProviderCall, path: string): void {
    const remote = call.request.socket.remoteAddress ?? ''
    const isLocal =
      remote.startsWith('127.') || remote === '::1' || remote.startsWith('::ffff:127.')
    if (isLocal && path === '/sim/statistics' && call.request.method === 'GET') {
      sendBody(call, JSON.stringify(this.statistics()))
      return
    }
    if (!isLocal || path !== '/sim/script' || call.request.method !== 'POST') {
      sendFailure(call, notFound(call))
      return
    }
    const instruction = readInstruction(parseJson(call.bodyText))
    const refused = instruction === null ? 'Cannot read the instruction' : this.script(instruction)
    const { vendor } = this.#parts.options
    if (refused === null) sendBody(call, '{}')
    else sendFailure(call, statusFailure(vendor, 400, refused))
  }
}

function route(call: ProviderCall, found: Route | null): void {
  const { request, host } = call
  if (found === null) sendFailure(call, notFound(call))
  else if (found.kind === 'hello') sendBody(call, '{}')
  else if (found.kind === 'models') listModels(call, found.model)
  else if (found.kind === 'stored') answerStored(call, found)
  else if (request.method === 'POST') answerCall(call, found)
  else sendFailure(call, statusFailure(host.options.vendor, 405, 'Method Not Allowed'))
}

function listModels(call: ProviderCall, model: string | null): void {
  const { host } = call
  const { vendor } = host.options
  if (host.keys.holderOf(call.request.headers) === null) {
    host.truth.unauthorized += 1
    const failure = failureOf(vendor, 'unauthorized')
    sendFailure(call, failure ?? statusFailure(vendor, 401, 'Unauthorized'))
    return
  }
  const body = modelsBody(host.options, model)
  if (body === null) sendFailure(call, notFound(call))
  else sendBody(call, body)
}

function notFound(call: ProviderCall) {
  const { vendor } = call.host.options
  const failure = statusFailure(vendor, 404, 'Resource not found')
  return vendor === 'azure' ? { ...failure, type: '', code: '404' } : failure
}

function tooLarge(call: ProviderCall) {
  const message = 'Request exceeds the maximum allowed number of bytes.'
  return statusFailure(call.host.options.vendor, 413, message)
}
