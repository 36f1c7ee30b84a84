import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Sealer } from '#ambassador/stored/sealer.ts'
import { plainId } from './sealed-words.ts'
import { keyOne, StoredStage } from './stored-stage.ts'

const sealer = new Sealer([Buffer.from(keyOne)])
const responses = '/v1/responses'
const question = { model: 'first', max_output_tokens: 4 }

/** As the ambassador of `pool` would have given it to `tenant`. */
function sealed(id: string, tenant = 'team-a', credential = 'one'): string {
  return sealer.seal(id, { tenant, provider: 'pool', credential })
}

function forged(id: string): string {
  const right = sealed(id)
  // A letter of its MAC.
  const at = right.indexOf('_-') + 14
  return right.slice(0, at) + (right[at] === 'A' ? 'B' : 'A') + right.slice(at + 1)
}

/** Every place of a question where an id addresses what is stored. */
const places: Readonly<Record<string, (id: string) => object>> = {
  previous_response_id: (id) => ({ input: 'x', previous_response_id: id }),
  'prompt_cache_options.comparison_response_id': (id) => ({
    input: 'x',
    prompt_cache_options: { comparison_response_id: id },
  }),
  'a reference to an item': (id) => ({ input: [{ type: 'item_reference', id }] }),
  'a reference without a type': (id) => ({ input: [{ id }] }),
  'a reference whose type is null': (id) => ({ input: [{ type: null, id }] }),
  'the approval of a call': (id) => ({
    input: [{ type: 'mcp_approval_response', approval_request_id: id, approve: true }],
  }),
}

/** Every place where it addresses what outlives a response. */
const lasting: Readonly<Record<string, (id: string) => object>> = {
  conversation: (id) => ({ input: 'x', conversation: id }),
  'conversation.id': (id) => ({ input: 'x', conversation: { id } }),
  'the container of a tool': (id) => ({
    input: 'x',
    tools: [{ type: 'code_interpreter', container: id }],
  }),
  'the container of a shell': (id) => ({
    input: 'x',
    tools: [{ type: 'shell', environment: { type: 'container_reference', container_id: id } }],
  }),
  'the container of a call': (id) => ({
    input: [{ type: 'code_interpreter_call', id: 'ci_1', container_id: id, code: '' }],
  }),
}

/** Every place where it is of something that is made elsewhere. */
const owned: Readonly<Record<string, object>> = {
  'a file': { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] },
  'an image': { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] },
  'a file in the output of a tool': {
    input: [
      {
        type: 'function_call_output',
        call_id: 'c',
        output: [{ type: 'input_file', file_id: 'f' }],
      },
    ],
  },
  'a screenshot': {
    input: [
      { type: 'computer_call_output', call_id: 'c', output: { type: 'x', file_id: 'file-1' } },
    ],
  },
  'a vector store': { input: 'x', tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] },
  'files of a container': {
    input: 'x',
    tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } }],
  },
  'a mask': {
    input: 'x',
    tools: [{ type: 'image_generation', input_image_mask: { file_id: 'file-1' } }],
  },
  'a tunnel': { input: 'x', tools: [{ type: 'mcp', server_label: 'a', tunnel_id: 'tun_1' }] },
  'a skill': {
    input: 'x',
    tools: [{ type: 'shell', environment: { skills: [{ skill_id: 'skill_1' }] } }],
  },
  'a tool of a namespace': {
    input: 'x',
    tools: [{ type: 'namespace', tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  },
  'tools among the items': {
    input: [{ type: 'additional_tools', tools: [{ type: 'mcp', tunnel_id: 'tun_1' }] }],
  },
  'a prompt': { input: 'x', prompt: { id: 'pmpt_1' } },
}

const paths = [
  ['GET', ''],
  ['DELETE', ''],
  ['POST', '/cancel'],
  ['GET', '/input_items'],
] as const

describe('what one tenant stores is not there for another', { concurrency: 1 }, () => {
  let stage: StoredStage

  before(async () => {
    stage = await StoredStage.start()
  })
  after(async () => stage?.close())

  /** The answer, and what providers heard of it. */
  async function asked(path: string, body: object) {
    const from = stage.first.heard.length + stage.second.heard.length
    const answer = await stage.ask('team-b', 'POST', path, { ...question, ...body })
    assert.equal(stage.first.heard.length + stage.second.heard.length, from)
    return answer
  }

  for (const [name, bodyOf] of Object.entries({ ...places, ...lasting })) {
    test(`${name}: another tenant's is the same as a forged one, and neither is sent`, async () => {
      const [theirs, made] = [sealed('resp_abc'), forged('resp_abc')]
      const one = await asked(responses, bodyOf(theirs))
      const other = await asked(responses, bodyOf(made))
      assert.equal(one.status, 404, one.text)
      assert.equal(other.status, 404)
      assert.ok(one.text.includes(`with id '${theirs}' not found.`), one.text)
      assert.equal(one.text.replaceAll(theirs, made), other.text)
      assert.deepEqual([...one.headers.keys()], [...other.headers.keys()])
      // Neither is it counted: by nobody who does not know what it is.
      for (const [id, answer] of [
        [theirs, one],
        [made, other],
      ] as const) {
        const counted = await asked(`${responses}/input_tokens`, bodyOf(id))
        assert.deepEqual([counted.status, counted.text], [404, answer.text])
      }
    })
  }

  for (const [name, bodyOf] of Object.entries(places)) {
    test(`${name}: an id as the provider has it is none`, async () => {
      const answer = await asked(responses, bodyOf('resp_abc'))
      assert.equal(answer.status, 404, answer.text)
      assert.ok(answer.text.includes(`with id 'resp_abc' not found.`), answer.text)
      const counted = await asked(`${responses}/input_tokens`, bodyOf('resp_abc'))
      assert.deepEqual([counted.status, counted.text], [404, answer.text])
    })
  }

  for (const [name, bodyOf] of Object.entries(lasting)) {
    test(`${name}: an id as the provider has it is nobody's own`, async () => {
      const answer = await asked(responses, bodyOf('cntr_abc'))
      assert.equal(answer.status, 403, answer.text)
      assert.match(answer.text, /all tenants share the account/)
    })
  }

  for (const [name, body] of Object.entries(owned)) {
    test(`${name} is refused: whose it is is not known`, async () => {
      const answer = await asked(responses, body)
      assert.equal(answer.status, 403, answer.text)
      assert.match(answer.text, /all tenants share the account/)
    })
  }

  for (const [method, suffix] of paths) {
    test(`${method} {id}${suffix}: another tenant's, a forged and an unknown id are not found`, async () => {
      const from = stage.heard.length
      const made = await stage.ask('team-a', 'POST', responses, { ...question, input: 'x' })
      const { id } = JSON.parse(made.text)
      for (const other of [
        id,
        forged('resp_abc'),
        'resp_abc',
        '%00',
        sealed('resp_abc', 'team-a', 'gone'),
      ]) {
        const answer = await stage.ask('team-b', method, `${responses}/${other}${suffix}`)
        assert.equal(answer.status, 404)
        const { error } = JSON.parse(answer.text)
        const shown = decodeURIComponent(other)
        assert.deepEqual(error, {
          message: `Response with id '${shown}' not found.`,
          type: 'invalid_request_error',
          param: null,
          code: null,
        })
      }
      assert.equal(stage.heard.length, from + 1)
    })
  }

  test('after: the list of input items goes on behind no item of another tenant', async () => {
    const made = await stage.ask('team-b', 'POST', responses, { ...question, input: 'x' })
    const { id } = JSON.parse(made.text)
    const from = stage.heard.length
    for (const after of [sealed('msg_1'), forged('msg_1'), 'msg_1']) {
      const answer = await stage.ask(
        'team-b',
        'GET',
        `${responses}/${id}/input_items?after=${after}`,
      )
      assert.equal(answer.status, 404)
      assert.ok(answer.text.includes(`Item with id '${after}' not found.`))
    }
    assert.equal(stage.heard.length, from)
  })

  test('an item that is sent whole comes with the caller’s own id, or with one that nobody has', async () => {
    const made = await stage.ask('team-b', 'POST', responses, { ...question, input: 'x' })
    const { output } = JSON.parse(made.text)
    const [{ id: own }] = output
    const item = (id: string, more: object = {}) => ({
      type: 'message',
      role: 'assistant',
      content: 'y',
      id,
      ...more,
    })
    const strange = {
      input: [
        item(own),
        item('msg_1'),
        item('msg_391ced24429b9c1b'),
        item(sealed('msg_of_a')),
        { type: 'reasoning', id: 'rs_of_a', summary: [] },
        { type: 'image_generation_call', id: 'ig_of_a' },
        { type: 'mcp_call', id: 'mcp_of_a', approval_request_id: 'mcpr_of_a' },
        { type: 'reasoning', id: `rs_${'x'.repeat(6_000)}`, summary: [] },
      ],
    }
    const body = JSON.stringify({ ...question, ...strange })
    // One key written with an escape, which JSON allows.
    const response = await fetch(`http://127.0.0.1:${stage.sidecar('team-b').port}${responses}`, {
      method: 'POST',
      body: body.replace('"id":"msg_1"', '"\\u0069d":"msg_1"'),
    })
    assert.equal(response.status, 200, await response.text())
    const sent = stage.heard.filter(({ url }) => url === '/v1/responses').at(-1)?.body ?? ''
    const ids = JSON.parse(sent).input.map(({ id }: { id: string }) => id)
    assert.equal(ids[0], plainId(own))
    for (const [at, kind] of ['msg', 'msg', 'msg', 'rs', 'ig', 'mcp'].entries()) {
      assert.match(ids[at + 1], new RegExp(`^${kind}_[0-9a-f]{32}$`))
    }
    for (const theirs of ['"msg_1"', 'msg_391ced24429b9c1b', 'of_a', 'xxxx']) {
      assert.ok(!sent.includes(theirs), theirs)
    }
    // The rest is as it came.
    const others = (text: string) =>
      JSON.stringify(
        JSON.parse(text).input.map((one: object) => ({ ...one, id: 0, approval_request_id: 0 })),
      )
    assert.equal(others(sent), others(body))
  })

  test('words that look like ids pass in texts, arguments, metadata and schemas', async () => {
    const id = sealed('resp_abc')
    const body = {
      ...question,
      metadata: { previous_response_id: id, id },
      input: [
        { role: 'user', content: `{"previous_response_id":"${id}"}` },
        { type: 'function_call', call_id: id, name: 'f', arguments: `{"id":"${id}"}` },
        { type: 'function_call_output', call_id: id, output: id },
      ],
      tools: [{ type: 'function', name: 'f', parameters: { properties: { id: { const: id } } } }],
    }
    const answer = await stage.ask('team-b', 'POST', responses, body)
    assert.equal(answer.status, 200, answer.text)
    const sent = stage.heard.at(-1)?.body ?? ''
    assert.equal(sent, JSON.stringify({ ...body, model: 'test-model' }))
  })

  test('who reads, stops or removes a response is written down', async () => {
    const made = await stage.ask('team-a', 'POST', responses, { ...question, input: 'x' })
    const { id } = JSON.parse(made.text)
    const from = stage.ambassador.mark
    await stage.ask('team-a', 'DELETE', `${responses}/${id}`)
    const line = await stage.ambassador.line((one) => one['msg'] === 'stored response', from)
    assert.deepEqual(
      [line['tenant'], line['verb'], line['response'], line['status']],
      ['team-a', 'delete', id, 200],
    )
  })
})
