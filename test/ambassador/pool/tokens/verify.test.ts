import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import { LocalTokens } from '#ambassador/pool/tokens/local-tokens.ts'
import { probes } from '#ambassador/pool/tokens/probes.ts'
import { questionOf } from '#ambassador/pool/tokens/question.ts'
import { SegmentIds } from '#ambassador/pool/tokens/segment-ids.ts'
import { type AskReplica, verify } from '#ambassador/pool/tokens/verify.ts'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { added } from '../../../shared/tokens/hugging-face/files.ts'
import { apartOf, modelFiles, serverIds, templateSource, tokenizerFile } from './model.ts'

const all = ['text', 'chat', 'tools', 'reasoning', 'reasoning_content']

function localOf(files = modelFiles()): LocalTokens {
  const encoder = openSegments(files.table.table)
  const apart = apartOf(encoder)
  const segments = new SegmentIds({ encoder, apart, cacheBytesMax: 1_000_000 })
  return new LocalTokens({ segments, template: files.template, tokens: files.tokens })
}

function replica(answer: (question: Json) => readonly number[] | undefined): AskReplica {
  return async (facts) => {
    const ids = answer(questionOf(facts, 'm'))
    return ids === undefined ? undefined : Uint32Array.from(ids)
  }
}

test('equal tokens on all probes are believed', async () => {
  assert.ok(probes.length >= 20)
  const verdict = await verify(localOf(), replica(serverIds))
  assert.deepEqual(
    { ...verdict, manner: verdict.manner.format, confirmed: [...verdict.confirmed] },
    { manner: 'string', confirmed: all, differences: [] },
  )
})

test('the token of a beginning is found out', async () => {
  const withBeginning = replica((question) => {
    const ids = serverIds(question)
    return question['prompt'] === undefined || ids === undefined ? ids : [77, ...ids]
  })
  const { manner, confirmed } = await verify(localOf(), withBeginning)
  assert.deepEqual([confirmed.has('text'), [...manner.before]], [true, [77]])
})

test('a template that goes through parts is handed parts', async () => {
  const inParts = templateSource.replace(
    "message.role + '\\n' + message.content }}",
    "message.role + '\\n' }}{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}{{ part.text }}{{ '\\n' if not loop.last }}{% endfor %}{% endif %}",
  )
  assert.notEqual(inParts, templateSource)
  // A system message that goes with tools is written as one text there.
  const local = localOf(
    modelFiles(
      tokenizerFile,
      inParts.replace('{{ messages[0].content }}', '{{ messages[0].content[0].text }}'),
    ),
  )
  const { manner, confirmed } = await verify(local, replica(serverIds))
  assert.deepEqual([[...confirmed], manner.format], [all, 'openai'])
})

test('another template is told by the first conversation that differs', async () => {
  const other = modelFiles(
    tokenizerFile,
    templateSource.replaceAll("assistant\\n' }}", "assistant' }}"),
  )
  const { confirmed, differences } = await verify(localOf(other), replica(serverIds))
  assert.deepEqual([...confirmed], ['text'])
  assert.match(differences[0] ?? '', /^"a question": token \d+ is the end here and \d+ there/)
})

test('a template that refuses what the replica takes differs', async () => {
  const strict = modelFiles(tokenizerFile, templateSource.replace("['system', 'user',", "['user',"))
  const { confirmed, differences } = await verify(localOf(strict), replica(serverIds))
  assert.ok(!confirmed.has('chat'))
  assert.match(differences.join(), /"a system prompt": .* refuses it/)
})

test('refusals on both sides agree, as long as anything was taken', async () => {
  const strict = modelFiles(
    tokenizerFile,
    templateSource.replace("'assistant', 'tool']", "'assistant']"),
  )
  const refusing = replica((question) =>
    JSON.stringify(question).includes('"role":"tool"') ? undefined : serverIds(question),
  )
  assert.deepEqual([...(await verify(localOf(strict), refusing)).confirmed], all)
  const verdict = await verify(
    localOf(),
    replica(() => undefined),
  )
  assert.equal(verdict.confirmed.size, 0)
})

test('another tokenizer differs in both', async () => {
  const other = { ...tokenizerFile, normalizer: null, added_tokens: [added('<|im_start|>', 5001)] }
  const { confirmed } = await verify(localOf(modelFiles(other)), replica(serverIds))
  assert.equal(confirmed.size, 0)
})

test('a replica that does not answer is no verdict', async () => {
  await assert.rejects(
    verify(localOf(), () => Promise.reject(new Error('gone'))),
    /gone/,
  )
})

test('what differs for tools or thoughts alone is told for them alone', async () => {
  const strict = replica((question) => {
    const text = JSON.stringify(question)
    const ids = serverIds(question)
    return text.includes('"tools"') || text.includes('"reasoning_content"') ? ids?.slice(1) : ids
  })
  const { confirmed, differences } = await verify(localOf(), strict)
  assert.deepEqual([...confirmed], ['text', 'chat', 'reasoning'])
  assert.equal(differences.length, 2)
})
