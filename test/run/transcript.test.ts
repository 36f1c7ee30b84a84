import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Transcript } from './transcript.ts'

function transcript() {
  let text = ''
  const pages = new Transcript((written) => {
    text += written
  })
  const lines = () => text.split('\n').slice(0, -1)
  return { pages, lines }
}

test('one part is shown as it writes, another once that has ended', () => {
  const { pages, lines } = transcript()
  const one = pages.begin('one', 0)
  const other = pages.begin('other', 1)
  one.line('1')
  other.line('a')
  one.line('2')
  assert.deepEqual(lines(), ['== one', '1', '2'])
  one.end()
  other.line('b')
  assert.deepEqual(lines(), ['== one', '1', '2', '== other', 'a', 'b'])
  other.end()
  assert.equal(lines().length, 6)
})

test('a part that ended while another was shown is told of whole, before any that goes on', () => {
  const { pages, lines } = transcript()
  const one = pages.begin('one', 1)
  const long = pages.begin('long', 0)
  const short = pages.begin('short', 2)
  long.line('l')
  short.line('s')
  short.end()
  one.end()
  assert.deepEqual(lines(), ['== one', '== short', 's', '== long', 'l'])
  long.line('m')
  assert.equal(lines().at(-1), 'm')
})

test('of what is kept nothing is lost when all ends early', () => {
  const { pages, lines } = transcript()
  pages.begin('one', 0).line('1')
  pages.begin('other', 1).line('a')
  pages.close()
  assert.deepEqual(lines(), ['== one', '1', '== other', 'a'])
})
