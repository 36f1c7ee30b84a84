import * as v from 'valibot'
import { say } from './child.ts'
import { Latencies } from './latencies.ts'
import { type CallWatch, LoadConnection } from './load-connection.ts'
import { type Job, orderSchema, type Reply } from './messages.ts'
import { question } from './mock-wire.ts'

/** The application of the bench: a process that calls over raw keep-alive connections. */
const latencies = new Latencies()
const lateness = new Latencies()

/** One job at a time. */
class Load implements CallWatch {
  readonly #job: Job
  readonly #request: Buffer
  readonly #idle: LoadConnection[] = []
  readonly #counts = { calls: 0, events: 0, losses: 0 }
  #firstLoss = ''
  readonly #problems: Record<string, number> = {}
  #inFlight = 0
  #isMeasuring = false
  #isStopping = false
  #timer: NodeJS.Timeout | undefined
  #whenIdle: (() => void) | undefined

  constructor(job: Job) {
    this.#job = job
    const body = question(job)
    this.#request = Buffer.from(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer bench\r\n' +
        'content-type: application/json\r\naccept: application/json\r\nuser-agent: bench/1.0\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }

  begin(): void {
    latencies.clear()
    lateness.clear()
    const { plan } = this.#job
    if (plan.kind === 'inFlight') {
      for (let at = 0; at < plan.calls; at++) this.#call()
    } else if (plan.kind === 'perSecond') this.#schedule(plan.calls, Number.POSITIVE_INFINITY)
    else this.#schedule((plan.calls * 1_000) / plan.spreadMs, plan.calls)
  }

  open(): void {
    latencies.clear()
    lateness.clear()
    this.#isMeasuring = true
  }

  close(): void {
    this.#isMeasuring = false
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#job.plan.kind !== 'once') clearInterval(this.#timer)
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  reply(): Reply {
    return {
      counts: { ...this.#counts },
      latency: latencies.summary(),
      lateP99Ms: lateness.summary().p99Ms,
      firstLoss: this.#firstLoss,
      problems: { ...this.#problems },
    }
  }

  event(ms: number): void {
    this.#counts.events++
    if (this.#isMeasuring) latencies.add(ms)
  }

  ended(connection: LoadConnection, ms: number, problem: string): void {
    this.#inFlight--
    this.#counts.calls++
    if (problem !== '') {
      this.#counts.losses++
      this.#firstLoss ||= problem
      this.#problems[problem] = (this.#problems[problem] ?? 0) + 1
    } else if (this.#isMeasuring && this.#job.events === 0) latencies.add(ms)
    // A refusal leaves a connection as good as it was: clients keep it.
    if (connection.isUsable && this.#job.connections !== 'one a call') this.#idle.push(connection)
    else connection.close()
    if (this.#isStopping) {
      if (this.#inFlight === 0) this.#whenIdle?.()
    } else if (this.#job.plan.kind === 'inFlight') {
      // A refused call comes back at once: the loop must not spin on it.
      if (problem === '') this.#call()
      else setTimeout(() => this.#isStopping || this.#call(), 10)
    }
  }

  #schedule(perSecond: number, most: number): void {
    const { plan } = this.#job
    const places = (plan.kind === 'perSecond' && plan.inFlightMax) || Number.POSITIVE_INFINITY
    const startedMs = performance.now()
    let sent = 0
    this.#timer = setInterval(() => {
      const nowMs = performance.now() - startedMs
      const due = Math.min(most, Math.floor((nowMs * perSecond) / 1_000))
      for (; sent < due && this.#inFlight < places; sent++) {
        if (this.#isMeasuring) lateness.add(nowMs - ((sent + 1) * 1_000) / perSecond)
        this.#call()
      }
      if (sent === most) clearInterval(this.#timer)
    }, 1)
  }

  #call(): void {
    this.#inFlight++
    let connection = this.#idle.pop()
    while (connection !== undefined && !connection.isUsable) connection = this.#idle.pop()
    connection ??= new LoadConnection(this.#job.port, this)
    connection.send(this.#request, this.#job.events)
  }
}

let load: Load | undefined

async function obey(message: unknown): Promise<void> {
  const order = v.parse(orderSchema, message)
  if (order.say === 'begin') {
    load = new Load(order.job)
    load.begin()
    return
  }
  if (load === undefined) return
  // The counts of the moment the order came; summarising latencies takes time of its own.
  if (order.say === 'open') load.open()
  else if (order.say === 'close') load.close()
  else if (order.say === 'stop') await load.stop()
  say(load.reply())
}

process.on('message', (message: unknown) => void obey(message))
say({ port: 0 })
