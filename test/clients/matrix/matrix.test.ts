import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { isFields, parseJson, textOr } from '#deploy/simulator/narrow.ts'
import { aiSdkClients } from './ai-sdk.ts'
import { anthropicMessages } from './anthropic-messages.ts'
import { features } from './feature.ts'
import { langchainClients } from './langchain.ts'
import { openaiChat } from './openai-chat.ts'
import { openaiResponses } from './openai-responses.ts'
import { Stages } from './stage.ts'
import { holdReadme, type Tried } from './table.ts'

const clients = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  ...aiSdkClients,
  ...langchainClients,
]

const manifest = parseJson(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))

function versionOf(name: string): string {
  const versions = isFields(manifest) ? manifest['devDependencies'] : undefined
  return isFields(versions) ? textOr(versions[name], '') : ''
}

let stages: Stages | undefined
const tried: Tried[] = []

before(async () => {
  stages = await Stages.start()
})
after(() => stages?.close())

for (const client of clients) {
  const { dialect, package: name, notes } = client
  const one = { package: name, dialect, version: versionOf(name) }
  for (const feature of features) {
    test(`${name}, ${dialect}: ${feature}`, { timeout: 20_000 }, async () => {
      const result = { ...one, feature, works: false, note: notes?.[feature] }
      tried.push(result)
      if (stages === undefined) return
      await client.features[feature](stages.of(dialect))
      tried.splice(tried.indexOf(result), 1, { ...result, works: true })
    })
  }
}

test('the README shows what each client did', () => holdReadme('clients-javascript', tried))
