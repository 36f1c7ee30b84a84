import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LastPieces } from '#shared/http/last-pieces.ts'

/** What it keeps of `pieces`, each overwritten once it has been taken. */
function keptOf(pieces: readonly string[], bytesMax: number): string {
  const last = new LastPieces(bytesMax)
  for (const [at, text] of pieces.entries()) {
    const piece = Buffer.from(text)
    last.take(piece)
    if (at > 0) piece.fill('!')
  }
  return last.bytes().toString()
}

it('the last two pieces are kept, in their order', () => {
  assert.equal(keptOf([], 8), '')
  assert.equal(keptOf(['one'], 8), 'one')
  assert.equal(keptOf(['one', 'two'], 8), 'onetwo')
  assert.equal(keptOf(['one', 'two', 'four'], 8), 'twofour')
  assert.equal(keptOf(['one', 'two', 'four', 'a', ''], 8), 'a')
})

it('of more than the limit the last bytes are kept', () => {
  assert.equal(keptOf(['0123456789'], 4), '6789')
  assert.equal(keptOf(['ab', '0123456789'], 4), '6789')
  assert.equal(keptOf(['0123456789', 'ab'], 4), '89ab')
})

it('a piece that is larger than those before it has room', () => {
  const long = 'x'.repeat(3_000)
  assert.equal(keptOf(['a', 'b', long], 8_192), `b${long}`)
  assert.equal(keptOf(['a', long, long, 'b', 'c'], 8_192), 'bc')
})
