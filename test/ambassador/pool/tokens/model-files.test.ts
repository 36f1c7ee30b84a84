import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { compileTemplate } from '#ambassador/pool/tokens/jinja.ts'
import { readModelFiles } from '#ambassador/pool/tokens/model-files.ts'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import { bytesOf } from '../../../shared/tokens/hugging-face/files.ts'
import { tokenizerFile } from './model.ts'

/** A folder with a compiled tokenizer and these files. */
async function folderOf(t: TestContext, files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-model-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'table'), new Uint8Array(compileTokenizer(bytesOf(tokenizerFile))))
  for (const [name, content] of Object.entries(files)) {
    await writeFile(
      join(folder, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    )
  }
  return folder
}

function read(folder: string, chatTemplate?: string) {
  const named = chatTemplate === undefined ? undefined : join(folder, chatTemplate)
  return readModelFiles({ tokenizer: join(folder, 'table'), chatTemplate: named }, compileTemplate)
}

const config = {
  bos_token: { content: '<s>' },
  eos_token: '</s>',
  pad_token: null,
  chat_template: '{{ bos_token }}{{ messages[0].content }}',
}

test('the template and its tokens are those beside the tokenizer', async (t) => {
  const { template, tokens } = await read(await folderOf(t, { 'tokenizer_config.json': config }))
  assert.deepEqual(tokens, { bos_token: '<s>', eos_token: '</s>' })
  assert.equal(template?.render({ ...tokens, messages: [{ content: 'a' }] }), '<s>a')
})

test('a template of its own goes before that of the configuration, a named one before both', async (t) => {
  const folder = await folderOf(t, {
    'tokenizer_config.json': config,
    'chat_template.jinja': 'own',
    named: 'named',
    'named.json': { chat_template: 'inside' },
  })
  assert.equal((await read(folder)).template?.render({}), 'own')
  assert.equal((await read(folder, 'named')).template?.render({}), 'named')
  assert.equal((await read(folder, 'named.json')).template?.render({}), 'inside')
})

test('of several templates that for tools is taken where there are tools', async (t) => {
  const chat_template = [
    { name: 'default', template: 'usual' },
    { name: 'tool_use', template: 'tools' },
  ]
  const { template } = await read(await folderOf(t, { 'tokenizer_config.json': { chat_template } }))
  assert.equal(template?.render({}), 'usual')
  assert.equal(template?.render({ tools: [] }), 'tools')
})

test('a tokenizer alone has no template; one that is named and absent rejects', async (t) => {
  const folder = await folderOf(t, {})
  assert.equal((await read(folder)).template, undefined)
  await assert.rejects(read(folder, 'absent'), { code: 'ENOENT' })
})

test('a template that is no Jinja rejects', async (t) => {
  const folder = await folderOf(t, { 'chat_template.jinja': '{% if %}' })
  await assert.rejects(read(folder))
})

test('templates have what published ones use', () => {
  const render = (source: string) =>
    compileTemplate(source).render({ xs: [3, 1], tool: { b: [1, 'é'], a: null } })
  assert.equal(render('{{ tool | tojson }}'), '{"b": [1, "é"], "a": null}')
  assert.equal(
    render(
      '{% set n = namespace(x=0) %}{% for x in xs %}{% set n.x = n.x + x %}{% endfor %}{{ n.x }}',
    ),
    '4',
  )
  assert.equal(render('{% for x in xs[::-1] %}{{ loop.index0 }}{{ x }}{% endfor %}'), '0113')
  assert.equal(render('{% macro f(a) %}<{{ a }}>{% endmacro %}{{ f(xs | length) }}'), '<2>')
  assert.throws(() => render('{{ raise_exception("no") }}'), /no/)
})
