import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { getHeapSnapshot } from 'node:v8'
import fc from 'fast-check'
import { HeapScrub } from '#shared/lifecycle/diagnostics/heap-scrub.ts'
import { writeHeapSnapshot } from '#shared/lifecycle/diagnostics/heap-snapshot.ts'

/** As V8 writes it: two columns that matter among others, strings at the end. */
const small = `{"snapshot":{"meta":{"node_fields":["type","name","id"],"node_types":[["object","string"],"string","number"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["property","element"],"string_or_number","node"]},"node_count":2,"edge_count":2},
"nodes":[0,1,7
,1,2,9],
"edges":[0,3,3
,1,4,0,0,5,0],
"samples":[],
"strings":["<dummy>",
"Keeper",
"canary \\"text\\"",
"key",
"element 4 is no name",
"sk-canary-1"]}`

const expected = small
  .replace('"<dummy>"', '"[text]"')
  .replace('"canary \\"text\\""', '"[text]"')
  .replace('"element 4 is no name"', '"[text]"')
  .replace('"sk-canary-1"', '"[text]"')

test('names stay and texts go, however the snapshot is split', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const scrub = new HeapScrub(['sk-canary-1'])
      let out = ''
      for (let at = 0, piece = 0; at < small.length; piece++) {
        const size = sizes[piece % sizes.length] ?? 1
        out += scrub.push(small.slice(at, at + size))
        at += size
      }
      assert.equal(out + scrub.end(), expected)
    }),
  )
})

test('what is no snapshot, or half of one, is not passed on', () => {
  assert.throws(() => new HeapScrub([]).push('{"snapshot":{"meta":{}},"nodes":[1'), /columns/)
  const half = new HeapScrub([])
  half.push(small.slice(0, -20))
  assert.throws(() => half.end(), /too early/)
})

/** A secret as processes hold it: in a map, a header, a closure, a property's name, a split token. */
class Keeper {
  readonly canaryProperty: string
  readonly more: unknown
  constructor(secret: string) {
    this.canaryProperty = secret
    const headers = ['authorization', `Bearer ${secret}`]
    this.more = [new Map([[secret, 1]]), headers, () => secret, { [secret]: 1 }, secret.split('-')]
  }
}

test('a snapshot of this process has its classes and no secret of it', async () => {
  // Joined at run time, so that the text of this file does not hold it.
  const secret = ['sk', 'canaryOfTheHeap', String(process.pid)].join('-')
  const keeper = new Keeper(secret)
  const raw = getHeapSnapshot()
  let plain = ''
  for await (const piece of raw) plain += String(piece)
  assert.ok(plain.includes('canaryOfTheHeap'))
  let text = ''
  const written = new Writable({
    write(piece, _encoding, done) {
      text += String(piece)
      done()
    },
  })
  await writeHeapSnapshot([secret], written)
  assert.ok(!text.includes('canaryOfTheHeap'))
  assert.ok(text.includes('"Keeper"') && text.includes('"canaryProperty"'))
  const { snapshot, nodes, strings } = JSON.parse(text)
  assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length)
  assert.ok(strings.length > 1_000)
  assert.ok(keeper.more !== undefined)
})
