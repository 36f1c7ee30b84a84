import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { textOf } from './api-error.ts'
import type { Switches } from './control-plane/component.ts'
import type { ControlPlane } from './control-plane/plane.ts'
import type { ComponentName } from './control-plane/programs.ts'

/**
 * The suite's process owns the control plane, test files are other processes: they switch its
 * components through HTTP on a UNIX socket. `POST /kube-apiserver/kill` answers once it is done.
 */
export async function serveSwitches(plane: ControlPlane, socket: string): Promise<Server> {
  const actions = new Map<string, () => Promise<unknown>>([
    ['/heal', () => plane.heal()],
    ['/signing-key/keep', () => plane.rotateSigningKey('keep')],
    ['/signing-key/drop', () => plane.rotateSigningKey('drop')],
  ])
  for (const [name, component] of plane.components) {
    actions.set(`/${name}/start`, () => component.start())
    actions.set(`/${name}/stop`, () => component.stop())
    actions.set(`/${name}/kill`, () => component.kill())
    actions.set(`/${name}/freeze`, () => component.freeze())
    actions.set(`/${name}/thaw`, () => component.thaw())
  }
  const server = createServer((request, response) => {
    const action = actions.get(request.url ?? '') ?? (() => Promise.reject(new Error('no such')))
    action().then(
      () => response.writeHead(204).end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  }).listen(socket)
  await once(server, 'listening')
  return server
}

/** The other end of {@link serveSwitches}. */
export class Switchboard {
  readonly #socket: string

  constructor(socket: string) {
    this.#socket = socket
  }

  /** As {@link ControlPlane.heal}. */
  heal(): Promise<void> {
    return this.#post('/heal')
  }

  /** As {@link ControlPlane.rotateSigningKey}. */
  rotateSigningKey(before: 'keep' | 'drop'): Promise<void> {
    return this.#post(`/signing-key/${before}`)
  }

  component(name: ComponentName): Switches {
    return {
      start: () => this.#post(`/${name}/start`),
      stop: () => this.#post(`/${name}/stop`),
      kill: () => this.#post(`/${name}/kill`),
      freeze: () => this.#post(`/${name}/freeze`),
      thaw: () => this.#post(`/${name}/thaw`),
    }
  }

  async #post(path: string): Promise<void> {
    const signal = AbortSignal.timeout(120_000)
    const call = request({ socketPath: this.#socket, path, method: 'POST', agent: false, signal })
    call.end()
    const [answer]: IncomingMessage[] = await once(call, 'response')
    if (answer === undefined) throw new Error(`Cannot post ${path}: no answer`)
    const text = await textOf(answer)
    if (answer.statusCode !== 204) throw new Error(`Cannot post ${path}: ${text}`)
  }
}
