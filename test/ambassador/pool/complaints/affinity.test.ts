import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from '../placing/stage.ts'
import { counted, stageOf } from './stage.ts'

test('complaint 8: a sibling that comes before the first answer goes where the first one is', async (t) => {
  const { addresses, place } = stageOf(t, 8)
  const siblings = await Promise.all(Array.from({ length: 4 }, () => place(4_000, 'shared ')))
  assert.deepEqual(
    counted(siblings, addresses).filter((count) => count > 0),
    [4],
  )
  for (const placement of siblings) placement.end()
})

test('complaint 13: a call goes where the least work is left, not where the fewest calls are', async (t) => {
  const { addresses, place } = stageOf(t, 2)
  const large = await place(30_000, 'large ')
  const other = addresses.find((address) => address !== large.origin)
  const small = []
  for (let at = 0; at < 4; at++) small.push(await place(100, `small ${at} `))
  assert.deepEqual(
    small.map(({ origin }) => origin),
    [other, other, other, other],
  )
  for (const placement of [large, ...small]) placement.end()
})

test('complaint 19: a replica that joins gets its share of new prompts, and not all of them', async (t) => {
  const { placing, able, addresses, placeMany } = stageOf(t, 4)
  able.delete('http://r3:1')
  placing.changed()
  const before = await placeMany(30)
  for (const placement of before.slice(15)) placement.end()
  able.add('http://r3:1')
  placing.changed()
  const after = await placeMany(20, 500, 'later')
  const joined = counted(after, addresses)[3] ?? 0
  assert.ok(joined >= 5 && joined <= 12, `${joined} of 20`)
  for (const placement of [...before.slice(0, 15), ...after]) placement.end()
})

test('complaint 20: one crowded replica leaves the prefixes of the others where they are', async (t) => {
  const { place, caller } = stageOf(t, 4)
  const answered = async (tokens: number, name: string) => {
    const call = caller()
    const placement = await place(tokens, name, call)
    begin(placement, call)
    placement.end()
    return placement.origin
  }
  const names = ['a ', 'b ', 'c ', 'd ', 'e ', 'f ', 'g ', 'h ']
  const homes = new Map<string, string>()
  for (const name of names) homes.set(name, await answered(2_000, `conversation ${name}`))
  // It alone is crowded, and gets second homes in time.
  const hot = []
  for (let at = 0; at < 25; at++) hot.push(await place(2_000, 'conversation a '))
  assert.equal(hot[0]?.origin, homes.get('a '))
  for (const name of names.slice(1)) {
    assert.equal(await answered(2_200, `conversation ${name}`), homes.get(name))
  }
  for (const placement of hot) placement.end()
})

test('complaint 27: by the hash of a prefix no replica gets more than its bound', async (t) => {
  const policy = 'consistent-hashing-with-bounded-load'
  const { addresses, place } = stageOf(t, 4, { policy })
  const placements = []
  for (let at = 0; at < 40; at++) placements.push(await place(1_000, 'the same '))
  const counts = counted(placements, addresses)
  // 1.25 times the mean of 10, rounded up.
  assert.ok(Math.max(...counts) <= 13, counts.join())
  assert.ok(Math.min(...counts) < 10, counts.join())
  for (const placement of placements) placement.end()
})
