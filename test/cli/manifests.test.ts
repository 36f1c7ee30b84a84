import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { parse, parseAllDocuments } from 'yaml'
import { readDocuments } from '#deploy/cli/manifests/documents.ts'
import { injectOn } from '#deploy/inject/inject.ts'
import { injectManifest, uninjectManifest } from '#deploy/inject/manifest.ts'
import { outdated } from '#deploy/inject/outdated.ts'
import { readSettings } from '#deploy/inject/read-settings.ts'
import { runCli } from './run-cli.ts'

const image = `registry.example/outrigger@sha256:${'0123456789abcdef'.repeat(4)}`
const reading = readSettings(`image: ${image}`)
assert.ok(reading.ok)
const { settings } = reading
const folder = mkdtempSync(join(tmpdir(), 'outrigger-cli-'))
after(() => rmSync(folder, { recursive: true }))
const settingsFile = join(folder, 'inject.yaml')
writeFileSync(settingsFile, `image: ${image}\n`)

const manifest = `# First: nothing of ours.
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data:
  on: "yes"   # kept as it is
---
# The application.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: app
        image: app:1
        env:
        - name: MODE
          value: "on"
      volumes:
      - name: data
        configMap:
          name: data
          defaultMode: 0644
--- # a Service
apiVersion: v1
kind: Service
metadata: {name:   web}
`

const inject = (args: readonly string[], input = manifest) =>
  runCli(['inject', ...args, '--settings', settingsFile], { input })

test('a manifest keeps its order, its comments, and the bytes of documents without pods', async () => {
  const { exit, out, told } = await inject(['-'])
  assert.equal(exit, 0)
  assert.match(told, /^Deployment\/web: injected, template [0-9a-f]{12}\n/)
  const [first = '', second = '', third = ''] = out.split(/^(?=---)/m)
  const [before = '', , last = ''] = manifest.split(/^(?=---)/m)
  assert.equal(first, before)
  assert.equal(third, last)
  for (const kept of ['# The application.', 'name: web # its name', 'defaultMode: 0644', '"on"']) {
    assert.ok(second.includes(kept), kept)
  }
  assert.match(second, /name: outrigger-sidecar/)
})

test('uninject gives the very bytes back', async () => {
  const { out } = await inject(['-'])
  const back = await runCli(['uninject', '-'], { input: out })
  assert.deepEqual({ exit: back.exit, out: back.out }, { exit: 0, out: manifest })
  assert.equal(back.told, 'Deployment/web: sidecar taken out\n')
})

test('the command and the annotation give the same template', async () => {
  const { out } = await inject(['-'])
  const written: unknown = parseAllDocuments(out, { version: '1.1' })[1]?.toJS()
  const byCommand: unknown = Reflect.get(Object(Reflect.get(Object(written), 'spec')), 'template')
  const asked = {
    metadata: { labels: { app: 'web' }, annotations: { 'outrigger.dev/inject': 'true' } },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  }
  const namespace = { name: 'default' }
  const byWebhook = injectOn({ pod: asked, namespace, settings, consent: 'annotation' })
  assert.equal(byWebhook.kind, 'patch')
  const one = outdated(byCommand, settings)
  const other = byWebhook.kind === 'patch' ? outdated(byWebhook.pod, settings) : undefined
  assert.equal(one.kind, 'current')
  assert.deepEqual(one, other)
  // What the command has done, the webhook leaves alone.
  const again = injectOn({ pod: byCommand, namespace, settings, consent: 'annotation' })
  assert.equal(again.kind === 'skip' && again.reason, 'already-injected')
})

test('JSON comes out as JSON, with its own indentation', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'one' },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  }
  const input = `${JSON.stringify(pod, undefined, 4)}\n`
  const { out } = await inject(['-'], input)
  assert.match(out, /^\{\n {4}"apiVersion"/)
  assert.match(out, /outrigger-sidecar/)
  const back = await runCli(['uninject', '-'], { input: out })
  assert.equal(back.out, input)
})

test('where one pod is refused nothing is printed, and it is named', async () => {
  const refused = manifest.replace('containers:', 'hostNetwork: true\n      containers:')
  const fine = manifest.replace('name: web # its name', 'name: other')
  const { exit, out, told } = await inject(['-'], `${fine}\n---\n${refused}`)
  assert.equal(exit, 1)
  assert.equal(out, '')
  assert.match(told, /^Deployment\/web: Cannot inject the Outrigger sidecar: .*hostNetwork/m)
  assert.match(told, /Nothing is printed/)
})

test('what is no YAML is told with its line', async () => {
  const { exit, told } = await inject(['-'], `${manifest}---\na: [\n`)
  assert.equal(exit, 2)
  assert.match(told, /Cannot read standard input, line \d+: /)
})

test('without settings and without a cluster the command says what to give', async () => {
  const { exit, told } = await runCli(['inject', '-'], { input: manifest })
  assert.equal(exit, 3)
  assert.equal(
    told,
    'outrigger: Cannot find a cluster: there is no kubeconfig.\n  Give --kubeconfig FILE, or set KUBECONFIG, or write ~/.kube/config.\n',
  )
})

test('anchors and merge keys lose their form, never their meaning', () => {
  const text = `apiVersion: v1
kind: List
items:
- &one
  apiVersion: v1
  kind: Pod
  metadata: {name: a}
  spec: {containers: [{name: app, image: x}]}
- <<: *one
  metadata: {name: b}
`
  const [document] = readDocuments(text, 'x')
  assert.ok(document)
  const { manifest: changed } = injectManifest(document.value, { name: 'default' }, settings)
  const written = document.withValue(changed)
  assert.deepEqual(parse(written, { version: '1.1' }), changed)
  const [again] = readDocuments(written, 'x')
  assert.deepEqual(uninjectManifest(again?.value).manifest, document.value)
})

test('whatever the documents are, their texts in a row are the file', () => {
  const line = fc.constantFrom('a: 1', '---', '--- # x', 'b: |', '  ---', '...', '', '# c', '---x')
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), (lines, end) => {
      const text = lines.join(end)
      let documents
      try {
        documents = readDocuments(text, 'x')
      } catch {
        // No YAML: said so, nothing written.
        return
      }
      assert.equal(documents.map(({ value, withValue }) => withValue(value)).join(''), text)
    }),
  )
})
