import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FollowedFile } from '#shared/config/followed-file.ts'
import { poll, pollMs } from '#shared/config/poll.ts'
import { Volume } from '../../chaos/config-writers.ts'
import { manualClock } from '../../manual-clock.ts'

/** Two files of a volume, of which the first holds a number and the second any text. */
async function stage(context: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-followed-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const files = ['number', 'text'].map((name) => join(directory, name))
  const [number = '', text = ''] = files
  const volume = new Volume()
  const write = (value: string, rest = '') =>
    volume.write(
      new Map([
        [number, value],
        [text, rest],
      ]),
    )
  const followed = new FollowedFile<number>(files, ([first = '']) =>
    Number.isNaN(Number(first))
      ? { ok: false, reason: 'it is no number' }
      : { ok: true, value: Number(first) },
  )
  return { followed, write, remove: () => rm(directory, { recursive: true }) }
}

test('what cannot be used is told once, and leaves the last good value in force', async (context) => {
  const { followed, write, remove } = await stage(context)
  assert.equal(followed.look(), 'refused')
  assert.deepEqual([followed.value, followed.trouble], [undefined, 'number does not exist'])
  await write('7')
  assert.deepEqual([followed.look(), followed.value, followed.trouble], ['taken', 7, undefined])
  await write('seven')
  assert.deepEqual([followed.look(), followed.look()], ['refused', 'same'])
  assert.deepEqual([followed.value, followed.trouble], [7, 'it is no number'])
  await remove()
  assert.deepEqual([followed.look(), followed.value], ['refused', 7])
})

test('another text that says the same is the same, and ends the trouble', async (context) => {
  const { followed, write } = await stage(context)
  await write('7')
  followed.look()
  await write('seven')
  followed.look()
  await write('7.0', 'another')
  assert.deepEqual([followed.look(), followed.trouble], ['same', undefined])
})

test('a poll looks every ten seconds until it is undone, even by its own look', () => {
  const clock = manualClock()
  let looks = 0
  const undo = poll(clock, () => {
    looks++
    if (looks === 3) undo()
  })
  clock.advance(pollMs * 2)
  assert.equal(looks, 2)
  clock.advance(pollMs * 9)
  assert.deepEqual([looks, clock.pending()], [3, 0])
})
