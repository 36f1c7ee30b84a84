import assert from 'node:assert/strict'
import { familyOf } from '#shared/dialects/surfaces.ts'
import { answersIn } from './bad-input-answers.ts'
import type { Asking } from './bad-input-bodies.ts'
import type { WireCase } from './bad-input-wire.ts'
import { say } from './client.ts'

/** Sends one case on a connection of its own, and fails where other answers come than are wanted. */
export async function checkWire(
  port: number,
  asking: Asking,
  { name, bytes, answers, code }: WireCase,
): Promise<void> {
  const said = await say(port, Buffer.from(bytes, 'latin1'))
  const seen = answersIn(said)
  const what = `${name} at ${asking.path}: ${said.slice(0, 300)}`
  assert.deepEqual(
    seen.map(({ status }) => status),
    answers,
    what,
  )
  const last = seen.at(-1)
  if (code === undefined || last === undefined) return
  const { error, type } = JSON.parse(last.body || assert.fail(what))
  assert.equal(error.code, code, what)
  // Where the parser gives up on what follows, it is told as the one who asked before.
  const lines = [...bytes.matchAll(/^\w+ (\/\S*|http\S+)/gim)].map((line) => line[1] ?? '/')
  const family = familyOf(lines.at(-1) ?? '/', false)
  assert.equal(type, family === 'anthropic' ? 'error' : undefined, what)
}
