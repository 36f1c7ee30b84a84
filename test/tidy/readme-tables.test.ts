import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '#deploy/cli/commands.ts'
import { drills } from '#deploy/cli/drill/drills.ts'
import { probesPorts } from '#deploy/cli/fleet/components.ts'
import { exits } from '#deploy/cli/terminal/failure.ts'
import { controllerTable } from '#deploy/controller/metrics.ts'
import { webhookTable } from '#deploy/webhook/metrics.ts'
import { tunableKeys } from '#shared/config/tunable-keys.ts'
import { surfacePaths } from '#shared/dialects/surfaces.ts'
import { errorTable } from '#shared/errors/table.ts'
import type { MetricTable } from '#shared/telemetry/metrics.ts'
import { processTable } from '#shared/telemetry/process-metrics.ts'
import { ambassadorTable } from '../../ambassador/telemetry/metrics.ts'
import { sidecarTable } from '../../sidecar/telemetry/metrics.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const text = read('README.md')

/** The part under `title`, up to the next one. */
function section(title: string): string {
  const [, rest = ''] = text.split(`\n## ${title}\n`)
  return rest.split('\n## ')[0] ?? ''
}

/** Rows that begin with a word in code, whole. */
const rowsIn = (part: string) => part.split('\n').filter((line) => line.startsWith('| `'))

test('the table of errors has each code with its status, origin, replay and advice', () => {
  const rows = Object.entries(errorTable).map(
    ([code, { status, origin, replay, hint }]) =>
      `| \`${code}\` | ${status} | ${origin} | ${replay} | ${hint} |`,
  )
  assert.deepEqual(rowsIn(section('Errors')).toSorted(), rows.toSorted())
})

test('the tables of metrics have each metric of each process with its labels and meaning', () => {
  const ofProcess = new Set<string>(Object.values(processTable).map(({ name }) => name))
  const rowsOf = (table: MetricTable) =>
    Object.values(table)
      .filter(({ name }) => !ofProcess.has(name))
      .map(
        ({ name, type, labels, help }) =>
          `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`,
      )
  const tables = [sidecarTable, ambassadorTable, webhookTable, controllerTable]
  const part = section('Metrics')
  assert.deepEqual(rowsIn(part).toSorted(), tables.flatMap(rowsOf).toSorted())
  for (const name of ofProcess) assert.ok(part.includes(`\`${name}\``), name)
})

test('the drawing has the layers of both pipelines in their order', () => {
  for (const half of ['sidecar', 'ambassador']) {
    const source = read(`${half}/pipeline.ts`)
    const list = /const layers: [^\n]*= \[\n([\s\S]*?)\n {2}\]\n/.exec(source)?.[1] ?? ''
    const layers = [...list.matchAll(/^ {4}([a-z]\w*)\(/gm)].map(([, name]) => name)
    const terminal = /stack\(layers, (\w+)\(/.exec(source)?.[1]
    // A line that ends with a mark goes on in the next.
    const drawn = new RegExp(`^ ${half}/pipeline\\.ts +((?:.*▸\n)*.*)$`, 'm').exec(text)?.[1] ?? ''
    const shown = drawn.split('▸').map((name) => name.replaceAll(/[│\s]/g, ''))
    assert.deepEqual(shown, [...layers, terminal], half)
  }
})

test('every path that applications call is listed', () => {
  const part = section('What applications call')
  assert.deepEqual(
    surfacePaths.filter((path) => !new RegExp(`\`(?:POST|GET) ${path}\``).test(part)),
    [],
  )
})

test('every command of the command line is named, and every exit code', () => {
  const part = section('In Kubernetes')
  const missing = commands.filter(({ name }) => !new RegExp(`\`${name}[ \`]`).test(part))
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  )
  const told = /Exit codes: (.*?)\. /.exec(part)?.[1]?.split(', ').map(Number.parseFloat)
  assert.deepEqual(told, Object.values(exits))
})

test('the table of ports has those that the processes listen on', () => {
  const rows = section('Ports, signals, files').split('\n')
  const isListed = (port: number, process: string) =>
    rows.some((row) => {
      const [ports = '', processes = ''] = row.slice(2).split(' | ')
      return ports.split(', ').includes(String(port)) && processes.includes(process)
    })
  for (const half of ['sidecar', 'ambassador']) {
    const ports = [...read(`${half}/main.ts`).matchAll(/ort: ([\d_]+),/g)].map(([, port = '']) =>
      Number(port.replace('_', '')),
    )
    assert.equal(ports.length, 3)
    for (const port of ports) assert.ok(isListed(port, half), `${port} of the ${half}`)
  }
  for (const [process, port] of Object.entries(probesPorts)) {
    assert.ok(isListed(port, process), `${port} of the ${process}`)
  }
})

test('every drill is named', () => {
  const named = /npm run drill -- \w+ +# ([a-z -]+)/.exec(text)?.[1]
  assert.deepEqual(named?.split(' '), Object.keys(drills))
})

test('every key that a tenant may set for its own sidecars is named, and no other', () => {
  const sentence = /`--tenant-config FILE`\), laid over[^:]*: ([^\n]*?)\. Whatever else/.exec(text)
  let before = ''
  // `.within` goes on from the key before it.
  const keys = [...(sentence?.[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => {
    if (!name.startsWith('.')) before = name.replace(/\.(?:on|log\.level)$/, '')
    return name.startsWith('.') ? `${before}${name}` : name
  })
  assert.deepEqual(keys.toSorted(), tunableKeys.map((path) => path.join('.')).toSorted())
})

test('each option of the halves and of the launcher is named', () => {
  const part = section('Ports, signals, files')
  const options = ['shared/lifecycle/arguments.ts', 'deploy/local/arguments.ts'].flatMap((file) =>
    [...read(file).matchAll(/^ {6}'?([a-z-]+)'?: \{ type: '(?:string|boolean)'/gm)].map(
      ([, name]) => `--${name}`,
    ),
  )
  assert.ok(options.length > 15)
  assert.deepEqual(
    options.filter((option) => !new RegExp(`\`${option}[ \`]`).test(part)),
    [],
  )
})

test('every package that ships is named with its reason', () => {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    read('package.json'),
  )
  const rows = section('Development')
    .split('\n')
    .filter((line) => line.startsWith('| '))
  const named = new Set(rows.flatMap((row) => (row.split(' | ')[0] ?? '').slice(2).split(', ')))
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !named.has(name)),
    [],
  )
})

test('every command that the README runs is one of package.json, and each of those is named', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
  const run = [...text.matchAll(/(?:`|^)npm (?:run )?([a-z:]+)/gm)].map(([, name = '']) => name)
  const named = new Set(run)
  assert.deepEqual(
    Object.keys(scripts).filter((name) => !named.has(name)),
    [],
  )
  assert.deepEqual(
    run.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  )
})

test('every link leads to a file', () => {
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path)
  assert.ok(links.length > 5)
  assert.deepEqual(
    links.filter((path) => !existsSync(join(root, path))),
    [],
  )
})
