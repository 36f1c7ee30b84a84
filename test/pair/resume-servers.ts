import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { read, streamOf } from '../ambassador/resume/model-server.ts'

/** What happens to the next stream of several servers. */
export interface Plan {
  /** Events after which it is reset; all of it comes where it is undefined. */
  breaksAfter: number | undefined
}

/** A replica that knows one sentence by heart and goes on from anywhere in it. */
export class SentenceServer {
  readonly #plan: Plan
  readonly #server: Server

  constructor(plan: Plan) {
    this.#plan = plan
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get address(): string {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isQuestion = request.url?.endsWith('completions') === true
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (!isQuestion) {
      response.writeHead(request.url === '/health' ? 200 : 404).end()
      return
    }
    const put = read(Buffer.concat(chunks))
    const { breaksAfter } = this.#plan
    this.#plan.breaksAfter = undefined
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const whole = streamOf(put, new URL(this.address).port)
    if (breaksAfter === undefined) {
      response.end(whole)
      return
    }
    const events = whole.toString().split('\n\n').slice(0, breaksAfter)
    // A reset that overtakes the bytes would break the stream before its content.
    response.write(`${events.join('\n\n')}\n\n`, () => {
      setImmediate(() => request.socket.destroy())
    })
  }
}

/** A simulated replica in a process of its own. */
export class ReplicaProcess {
  readonly #child: ChildProcess
  port = 0

  constructor(options: readonly string[]) {
    const main = new URL('../../deploy/simulator/main.ts', import.meta.url).pathname
    const args = [main, '--port', '0', '--model', 'tiny', ...options]
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  async start(): Promise<this> {
    const { stdout } = this.#child
    assert.ok(stdout !== null)
    for await (const line of createInterface({ input: stdout })) {
      this.port = Number(JSON.parse(line).port)
      break
    }
    return this
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
