import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldLine, type Ticket } from '#ambassador/pool/admission/held-line.ts'

/** A call that waits, of so many blocks and as many milliseconds of prefill. */
function ticketOf(size: number, { arrivedMs = 0, name = 'interactive' } = {}): Ticket {
  const chain = { length: 0, low: new Uint32Array(0), high: new Uint32Array(0) }
  const who = { id: '', adapter: '', tenant: 't', session: '', class: name }
  const call = { ...who, tokens: 100, chain, arrivedMs, outputMax: 10 }
  const bounds = { class: name, arrivedMs, ttftMs: undefined, patienceUntilMs: 1e6 }
  const work = { blocks: size, plainMs: size }
  const forecast = { waitMs: 1, ttftMs: 1, aloneMs: 1, work }
  return { call, bounds, isStream: true, forecast }
}

function lineOf(tickets: readonly Ticket[]): HeldLine {
  const line = new HeldLine()
  line.ageing = 0.1
  for (const ticket of tickets) {
    if (ticket.forecast !== undefined) line.add(ticket, ticket.forecast, () => undefined)
  }
  return line
}

const aheadOf = (line: HeldLine, ticket: Ticket) =>
  line.aheadOf(ticket, ticket.forecast?.work ?? { blocks: 0, plainMs: 0 }).blocks

test('what takes less goes before, and what has waited long enough', () => {
  const line = lineOf([ticketOf(10), ticketOf(200), ticketOf(50)])
  assert.equal(aheadOf(line, ticketOf(100)), 60)
  assert.equal(aheadOf(line, ticketOf(100, { arrivedMs: 1_500 })), 260)
})

test('a batch call waits for all others, and none of them for it', () => {
  const line = lineOf([ticketOf(10, { name: 'batch' }), ticketOf(500)])
  assert.equal(aheadOf(line, ticketOf(1_000)), 500)
  assert.equal(aheadOf(line, ticketOf(20, { name: 'batch' })), 510)
})

test('a call waits for those of higher classes, whichever they are, and none of them for it', () => {
  const names = ['urgent', 'usual', 'idle']
  const line = lineOf(names.map((name, at) => ticketOf(10 ** at, { name })))
  line.classes = names
  assert.deepEqual(
    [...names, 'gone'].map((name) => aheadOf(line, ticketOf(10, { name }))),
    [1, 11, 11, 11],
  )
})

test('of a long line a sample tells about as much', () => {
  const line = lineOf(Array.from({ length: 5_000 }, () => ticketOf(2)))
  assert.equal(aheadOf(line, ticketOf(3)), 10_000)
})

test('all have their turn, the newest last', () => {
  const tickets = [1, 2, 3, 4, 5].map((size) => ticketOf(size))
  const line = lineOf(tickets)
  const turns = [line.turn(2), line.turn(2), line.turn(2), line.turn(9)]
  const places = turns.map((turn) => turn.map(([ticket]) => tickets.indexOf(ticket)))
  assert.deepEqual(places, [
    [0, 1],
    [2, 3],
    [4, 0],
    [1, 2, 3, 4, 0],
  ])
})
