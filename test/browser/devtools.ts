import { once } from 'node:events'

type Json = Readonly<Record<string, unknown>>

/** An event of the protocol. */
export interface Told {
  readonly method: string
  readonly params: Json
  readonly session: string | undefined
}

interface Waiting {
  resolve(result: Json): void
  reject(error: Error): void
}

/**
 * A connection to a browser by its DevTools protocol: commands with their answers, and events in
 * between (https://chromedevtools.github.io/devtools-protocol).
 */
export class DevTools {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners: ((told: Told) => void)[] = []
  #id = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#heard(JSON.parse(String(data))))
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The browser is gone'))
      this.#waiting.clear()
    })
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    return new DevTools(socket)
  }

  /** Rejects with the browser’s own words. */
  send(method: string, params: Json = {}, session?: string): Promise<Json> {
    const id = ++this.#id
    const answer = new Promise<Json>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
    const to = session === undefined ? {} : { sessionId: session }
    this.#socket.send(JSON.stringify({ id, method, params, ...to }))
    return answer
  }

  onEvent(listener: (told: Told) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.#socket.close()
  }

  #heard(message: {
    readonly id?: number
    readonly result?: Json
    readonly error?: { readonly message: string }
    readonly method?: string
    readonly params?: Json
    readonly sessionId?: string
  }): void {
    const { id, result = {}, error, method, params = {} } = message
    if (id === undefined) {
      const told = { method: method ?? '', params, session: message.sessionId }
      for (const listener of this.#listeners) listener(told)
      return
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error.message))
  }
}
