import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type Provider, startProvider } from './harness.ts'
import { isHeard, type PoolStage, startPool } from './pool-stage.ts'

let replicas: Provider[] = []
let stage: PoolStage
const undos: (() => unknown)[] = []

before(async () => {
  const options = { storesResponses: true }
  replicas = await Promise.all([1, 2, 3].map((seed) => startProvider({ ...options, seed })))
  stage = await startPool(
    {
      after: (undo: unknown) => {
        if (typeof undo === 'function') undos.push(() => undo())
      },
    },
    replicas.map(({ port }) => port),
  )
  await stage.statusOnce(isHeard)
})
after(async () => {
  for (const undo of undos.toReversed()) await undo()
  await Promise.all(replicas.map((replica) => replica.close()))
})

interface Answer {
  readonly status: number
  readonly replica: string
  readonly text: string
  readonly id: string
}

async function ask(method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${stage.pair.port}/v1/responses${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  const replica = response.headers.get('x-outrigger-replica') ?? ''
  const { id = '' } = JSON.parse(text)
  return { status: response.status, replica, text, id }
}

const question = { model: 'tiny', input: 'hello', max_output_tokens: 4 }

/** One response at each replica: a busy one is passed over, so many at once come everywhere. */
async function onePerReplica(): Promise<Map<string, Answer>> {
  const made = new Map<string, Answer>()
  for (let turn = 0; made.size < replicas.length; turn++) {
    assert.ok(turn < 50, 'some replica is never asked')
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => {
        const input = `${turn} ${at} ${'word '.repeat(200)}`
        return ask('POST', '', { ...question, input })
      }),
    )
    for (const answer of answers) {
      assert.equal(answer.status, 200, answer.text)
      made.set(answer.replica, answer)
    }
  }
  return made
}

test('what a replica keeps is asked of it alone, and gone on with there', async () => {
  const made = await onePerReplica()
  for (const [replica, { id }] of made) {
    const found = await ask('GET', `/${id}`)
    assert.deepEqual([found.status, found.replica, found.id], [200, replica, id])
    let previous = id
    for (let turn = 0; turn < 4; turn++) {
      const next = await ask('POST', '', { ...question, previous_response_id: previous })
      assert.deepEqual([next.status, next.replica], [200, replica], next.text)
      assert.equal(JSON.parse(next.text).previous_response_id, previous)
      previous = next.id
    }
    const cancelled = await ask('POST', `/${id}/cancel`)
    assert.equal(cancelled.status, 400)
    assert.match(cancelled.text, /Cannot cancel a synchronous response/)
  }
})

test('a conversation that the caller keeps binds nothing, and its items may be of several replicas', async () => {
  const made = await onePerReplica()
  const input = [...made.values()].flatMap(({ text }) => JSON.parse(text).output)
  const ids = input.map((_, at) => ({ type: 'reasoning', id: `rs_${at}`, summary: [] }))
  const answer = await ask('POST', '', { ...question, input: [...input, ...ids] })
  assert.equal(answer.status, 200, answer.text)
})

test('what is stored at two replicas cannot be brought together', async () => {
  const [one, other] = [...(await onePerReplica()).values()]
  const answer = await ask('POST', '', {
    ...question,
    previous_response_id: one?.id,
    prompt_cache_options: { comparison_response_id: other?.id },
  })
  assert.equal(answer.status, 400, answer.text)
  assert.match(answer.text, /different providers or credentials/)
})

test('a replica that is gone has taken along what it kept', async () => {
  const made = await onePerReplica()
  const last = replicas.pop()
  const [gone, stays] = [`http://127.0.0.1:${last?.port}`, `http://127.0.0.1:${replicas[0]?.port}`]
  await last?.close()
  await stage.statusOnce(({ replicas: seen }) =>
    seen.some(({ origin, error }) => origin === gone && error !== undefined),
  )
  const id = made.get(gone)?.id ?? ''
  const found = await ask('GET', `/${id}`)
  assert.ok(found.status >= 500, `${found.status} ${found.text}`)
  const next = await ask('POST', '', { ...question, previous_response_id: id })
  assert.ok(next.status >= 500, `${next.status} ${next.text}`)
  // Another one does not answer in its place.
  assert.ok(!next.text.includes('"output"'))
  const { ambassador } = stage.pair
  const from = ambassador.mark
  const config = JSON.parse(await readFile(ambassador.file, 'utf8'))
  config.providers.pool.replicas.addresses = [stays]
  await writeFile(ambassador.file, JSON.stringify(config))
  await ambassador.line((line) => line['msg'] === 'configuration taken', from)
  for (const answer of [
    await ask('GET', `/${id}`),
    await ask('POST', '', { ...question, previous_response_id: id }),
  ]) {
    assert.equal(answer.status, 404, answer.text)
    assert.ok(answer.text.includes(`with id '${id}' not found.`), answer.text)
  }
  const kept = await ask('GET', `/${made.get(stays)?.id}`)
  assert.equal(kept.status, 200)
})
