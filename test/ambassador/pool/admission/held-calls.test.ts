import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldCalls, type Ticket } from '#ambassador/pool/admission/held-calls.ts'
import { poolCall } from '../pool-call.ts'

function ticketOf(id: string): Ticket {
  const bounds = { class: 'interactive', arrivedMs: 0, ttftMs: undefined, patienceUntilMs: 1e6 }
  return { call: poolCall(id, []), bounds, isStream: true, forecast: undefined }
}

test('all have their turn, the newest last', () => {
  const tickets = [1, 2, 3, 4, 5].map((id) => ticketOf(String(id)))
  const held = new HeldCalls()
  for (const ticket of tickets) held.add(ticket, () => undefined)
  const turns = [held.turn(2), held.turn(2), held.turn(2), held.turn(9)]
  const places = turns.map((turn) => turn.map(([ticket]) => tickets.indexOf(ticket)))
  assert.deepEqual(places, [
    [0, 1],
    [2, 3],
    [4, 0],
    [1, 2, 3, 4, 0],
  ])
})
