import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import type { BodySink } from '#shared/http/body.ts'
import { HeldPieces } from '#shared/http/held-pieces.ts'

const error = new CallError('upstream-reset', 'Cannot read: reset')

/** A reader that says whether it takes more, by turns. */
class Reader implements BodySink {
  readonly heard: string[] = []
  isOpen: boolean

  constructor(isOpen: boolean) {
    this.isOpen = isOpen
  }

  write(piece: Buffer): boolean {
    this.heard.push(piece.toString())
    return this.isOpen
  }

  end(): void {
    this.heard.push('end')
  }

  fail({ code }: CallError): void {
    this.heard.push(code)
  }
}

test('a reader that pauses is given nothing until it goes on, and all in order', () => {
  const step = fc.constantFrom('write', 'pipe', 'pause', 'open', 'resume')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, fails) => {
      const held = new HeldPieces()
      const reader = new Reader(true)
      const written: string[] = []
      let isPiped = false
      // Until the next `resume`: its last answer was no.
      let isPaused = false
      for (const what of steps) {
        const before = reader.heard.length
        if (what === 'write') {
          written.push(`piece ${written.length}`)
          const mayGoOn = held.write(Buffer.from(written.at(-1) ?? ''))
          if (isPaused && !held.isClear) assert.equal(mayGoOn, false)
        }
        const isAsked = what === 'resume' || (what === 'pipe' && !isPiped)
        if (what === 'pipe' && !isPiped) {
          isPiped = true
          isPaused = !held.pipe(reader)
        }
        if (what === 'resume') isPaused = !held.resume() && isPiped
        if (what === 'pause' || what === 'open') reader.isOpen = what === 'open'
        if (isAsked && !reader.isOpen) assert.ok(reader.heard.length - before <= 1)
        assert.deepEqual(reader.heard, written.slice(0, reader.heard.length))
      }
      if (fails) held.fail(error)
      else held.end()
      if (!isPiped) held.pipe(reader)
      assert.deepEqual(reader.heard, [...written, fails ? 'upstream-reset' : 'end'])
    }),
  )
})

test('an ending waits for no reader that has paused', () => {
  for (const [ending, told] of [
    ['end', 'end'],
    ['fail', 'upstream-reset'],
  ] as const) {
    const held = new HeldPieces()
    for (const piece of ['a', 'b', 'c']) held.write(Buffer.from(piece))
    const reader = new Reader(false)
    assert.equal(held.pipe(reader), false)
    assert.deepEqual(reader.heard, ['a'])
    held[ending](error)
    assert.deepEqual(reader.heard, ['a', 'b', 'c', told])
    assert.equal(held.resume(), false)
    assert.equal(reader.heard.length, 4)
  }
})

test('a reader that cancels while it is given the rest hears no more', () => {
  const held = new HeldPieces()
  for (const piece of ['a', 'b', 'c']) held.write(Buffer.from(piece))
  held.end()
  const heard: string[] = []
  held.pipe({
    write(piece) {
      heard.push(piece.toString())
      if (heard.length === 2) held.cancel()
      return true
    },
    end: () => heard.push('end'),
    fail: () => heard.push('fail'),
  })
  assert.deepEqual(heard, ['a', 'b'])
})
