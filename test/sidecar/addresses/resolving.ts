import assert from 'node:assert/strict'
import { DnsSource } from '#ambassador/pool/discovery/dns-source.ts'
import { Origins } from '#shared/http/client.ts'
import { Addresses } from '../../../sidecar/addresses/addresses.ts'
import { manualClock } from '../../manual-clock.ts'
import { NameServer, type Records } from './name-server.ts'
import { nameOf, sidecarOf } from './stage.ts'

/** Run by `name-server.test.ts`, in a network of its own. */

const name = 'ambassador-openai.outrigger-system.test'
const list = [`${name}:4100`]
const sidecar = sidecarOf('{ lookupEvery: 30s }')
const server = new NameServer()
await server.listen()
const clock = manualClock()
const addresses = new Addresses({ origins: new Origins(), trust: { current: undefined }, clock })
addresses.retain(list, sidecar)

/** The servers that calls go to. */
function drawn(): string[] {
  const seen = new Set<string>()
  for (let pick = 0; pick < 200; pick++) seen.add(nameOf(addresses.pick(list, sidecar)))
  return [...seen].toSorted()
}

const status = () => JSON.stringify(addresses.status())

/** Has the name looked up again, and waits until `isSo`: resolvers answer in their own time. */
async function become(records: Records, isSo: () => boolean): Promise<void> {
  server.records.set(name, records)
  clock.advance(30_000)
  addresses.pick(list, sidecar)
  while (!isSo()) await new Promise((next) => setImmediate(next))
}

const three = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const isGood = (ips: readonly string[]) => () => drawn().join() === ips.join()

await become(three, isGood(three))

const other = ['10.0.0.3', '10.0.0.4']
await become(other, isGood(other))

// What is broken takes nothing away, and is told.
await become('server failure', () => status().includes('EAI_AGAIN'))
assert.deepEqual(drawn(), other)
await become(three, isGood(three))
await become('no such name', () => status().includes('ENOTFOUND'))
assert.deepEqual(drawn(), three)
await become(other, isGood(other))
await become([], () => !status().includes('"good"'))
assert.deepEqual(drawn(), other)

// One that is slow keeps no call waiting, and one that is silent counts as broken.
const before = server.asked.length
await become('silence', () => server.asked.length > before)
assert.deepEqual(drawn(), other)
server.records.set(name, three)
server.speak()
while (!isGood(three)()) await new Promise((next) => setImmediate(next))
await become('silence', () => status().includes('EAI_AGAIN'))
assert.deepEqual(drawn(), three)

// A name with one record is the name itself again.
await become(['10.0.0.9'], isGood(list))
await become(three, isGood(three))

// The replicas of a pool, by the resolver that an ambassador has: it asks the same name server.
let replicas = ''
const pool = new DnsSource(
  {
    clock,
    log: { info() {}, warn() {} },
    onReplicas(found) {
      replicas = found.map(({ origin }) => new URL(origin).hostname).join()
    },
  },
  { name: 'vllm.models.test', scheme: 'http', everyMs: 10_000, records: 'address', port: 8_000 },
)

async function poolBecomes(records: Records, isSo: () => boolean): Promise<void> {
  server.records.set('vllm.models.test', records)
  while (!isSo()) {
    clock.advance(10_000)
    await new Promise((next) => setImmediate(next))
  }
}

const error = () => pool.status().error ?? 'none'
await poolBecomes(three, () => replicas === three.join())
await poolBecomes('server failure', () => error().includes('ESERVFAIL'))
await poolBecomes('no such name', () => error().includes('no record'))
assert.equal(replicas, three.join())
await poolBecomes(other, () => replicas === other.join())
assert.equal(error(), 'none')
await poolBecomes('silence', () => /TIMEOUT/.test(error()))
assert.equal(replicas, other.join())
await poolBecomes(three, () => replicas === three.join())
pool.close()
server.close()
process.stdout.write('all steps done\n')
