import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { presetNames } from '#shared/config/presets.ts'
import { azureDeployments } from '../../../ambassador/providers/azure.ts'
import { type Profile, presetProfiles, profiles } from '../../../ambassador/providers/profile.ts'

const file = new URL('../../../README.md', import.meta.url)
const begin = '<!-- providers:begin -->'
const end = '<!-- providers:end -->'

const code = (text: string) => `\`${text}\``
const all = (texts: readonly string[], none: string) =>
  texts.length === 0 ? none : texts.join(', ')

function row(profile: Profile, configuration: string): string {
  const { title, baseUrl, auth, dialects, counts, usage, limitShape, prices } = profile
  const limits = limitShape.dimensions.map(({ name }) => name.replaceAll('-', ' '))
  const cells = [
    title,
    code(configuration),
    baseUrl === undefined ? 'your own' : code(baseUrl),
    auth.join(', '),
    dialects.join(', '),
    all(counts, '–'),
    usage.ofStreams,
    all(limits, 'none by rate'),
    prices === undefined ? 'your own' : 'published',
  ]
  return `| ${cells.join(' | ')} |`
}

/** The table of the README, from the profiles alone. */
function generated(): string {
  const kinds = ['openai', 'anthropic', 'azure'] as const
  const head = [
    'provider',
    'configuration',
    'address',
    'key sent as',
    'dialects',
    'counts',
    'usage of streams',
    'limits followed',
    'prices',
  ]
  return [
    `| ${head.join(' | ')} |`,
    `|${'---|'.repeat(head.length)}`,
    ...kinds.map((kind) => row(profiles[kind], `kind: ${kind}`)),
    row({ ...azureDeployments, title: 'Azure, versioned paths' }, 'kind: azure, api: deployments'),
    row(profiles['openai-compatible'], 'kind: openai-compatible'),
    ...presetNames.map((name) => row(presetProfiles[name], `preset: ${name}`)),
    row(profiles.vllm, 'kind: vllm'),
  ].join('\n')
}

function split(text: string): [before: string, table: string, after: string] {
  const [before = '', rest = ''] = text.split(`${begin}\n`)
  const [table = '', after = ''] = rest.split(`\n${end}`)
  return [before, table, after]
}

test('the table of providers in the README is the generated one (UPDATE=1 writes it)', () => {
  const [before, table, after] = split(readFileSync(file, 'utf8'))
  assert.ok(after !== '', 'the README has both marks')
  const wanted = generated()
  if (process.env['UPDATE'] === '1' && table !== wanted) {
    writeFileSync(file, `${before}${begin}\n${wanted}\n${end}${after}`)
    return
  }
  assert.equal(table, wanted)
})
