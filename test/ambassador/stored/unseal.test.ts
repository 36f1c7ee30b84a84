import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sealer } from '#ambassador/stored/sealer.ts'
import { unsealed } from '#ambassador/stored/unseal.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { questionIds } from '#shared/stored/question-ids.ts'

const sealer = new Sealer([Buffer.alloc(32, 7)])
const claim = { tenant: 'team-a', provider: 'openai', credentials: ['shared', 'mine'] }

async function undone(question: object, ownCredentials: readonly string[] = []) {
  const body = Buffer.from(JSON.stringify(question))
  const ids = await questionIds(body, { cancellation: new Cancellation() })
  const asking = { sealer, claim, looksUp: 'items', ownCredentials } as const
  const { body: sent, owner } = unsealed(body, ids, asking)
  return { sent: sent.toString(), owner }
}

const sealed = (id: string, credential: string) =>
  sealer.seal(id, { tenant: 'team-a', provider: 'openai', credential })

test('a container that a citation names is undone where it is the tenant’s, else nobody’s', async () => {
  const cited = (id: string) => {
    const annotations = [{ type: 'container_file_citation', container_id: id }]
    const content = [{ type: 'output_text', text: 'x', annotations }]
    return { input: [{ type: 'message', role: 'assistant', content }] }
  }
  const own = await undone(cited(sealed('cntr_1', 'shared')))
  assert.deepEqual([own.sent, own.owner], [JSON.stringify(cited('cntr_1')), undefined])
  // Repeated in the list of items it would come back sealed, as if it were the tenant's.
  for (const theirs of ['resp_abc', 'cntr_abc']) {
    const { sent } = await undone(cited(theirs))
    assert.ok(!sent.includes(theirs), sent)
  }
})

test('with what is stored in the shared account nothing is named there that was made outside', async () => {
  const refused = (error: unknown) =>
    error instanceof CallError && error.code === 'stored-forbidden'
  const outside = [
    { tools: [{ type: 'file_search', vector_store_ids: ['vs_theirs'] }] },
    { tools: [{ type: 'code_interpreter', container: 'cntr_theirs' }] },
    { conversation: 'conv_theirs' },
  ]
  for (const more of outside) {
    const bound = (credential: string) => ({
      previous_response_id: sealed('resp_1', credential),
      ...more,
    })
    await assert.rejects(undone(bound('shared'), ['mine']), refused)
    assert.equal((await undone(bound('mine'), ['mine'])).owner, 'mine')
    assert.equal((await undone(more, ['mine'])).sent, JSON.stringify(more))
    await assert.rejects(undone(more), refused)
  }
})

test('what is made outside of Responses is looked for with the first credential of the tenant’s own', async () => {
  const own = ['mine', 'second']
  const question = { input: 'x', conversation: 'conv_1' }
  assert.equal((await undone(question, own)).owner, 'mine')
  assert.equal((await undone({ input: 'x' }, own)).owner, undefined)
  // A response leads to its own.
  const previous_response_id = sealer.seal('resp_1', {
    tenant: 'team-a',
    provider: 'openai',
    credential: 'mine',
  })
  assert.equal(
    (await undone({ input: 'x', previous_response_id }, ['other', 'mine'])).owner,
    'mine',
  )
})
