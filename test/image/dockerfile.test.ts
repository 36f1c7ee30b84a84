import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { architectures } from '#deploy/image/architecture.ts'
import { readLock } from '#deploy/image/debian/lock.ts'
import { ownEntries, packageNames } from '#deploy/image/debian/root-file-system.ts'
import { runConfig } from '#deploy/image/oci/image-manifest.ts'
import { places } from '#deploy/image/processes.ts'

const path = join(import.meta.dirname, '..', '..', 'deploy', 'image', 'Dockerfile')
const text = readFileSync(path, 'utf8').replace(/ *\\\n */g, ' ')
const last = text.slice(text.lastIndexOf('\nFROM '))

/** What an instruction of the last stage says. */
function instruction(name: string): string | undefined {
  return new RegExp(`^${name} (.*)$`, 'm').exec(last)?.[1]
}

it('the Dockerfile runs what the layout runs', () => {
  assert.equal(instruction('FROM'), 'scratch')
  assert.equal(instruction('USER'), runConfig.User)
  assert.equal(instruction('WORKDIR'), runConfig.WorkingDir)
  assert.deepEqual([instruction('ENV')], runConfig.Env)
  assert.deepEqual(JSON.parse(instruction('ENTRYPOINT') ?? ''), runConfig.Entrypoint)
  assert.deepEqual(JSON.parse(instruction('CMD') ?? ''), runConfig.Cmd)
})

it('the Dockerfile puts code, Node and the user where the layout has them', () => {
  assert.ok(text.includes(`--outdir /out${places.app} `))
  assert.ok(text.includes(`/out${places.node} `))
  for (const entry of ownEntries) {
    assert.ok(text.includes(`/out/${entry.path}`), entry.path)
    if (entry.kind !== 'file') continue
    const written = JSON.stringify(entry.content.toString('utf8')).slice(1, -1)
    assert.ok(text.includes(`printf '${written}' > /out/${entry.path}`), entry.path)
  }
})

it("the Dockerfile takes Node and Debian's release as the layout does", () => {
  for (const { name, nodePackage } of architectures)
    assert.ok(text.includes(`${name}) name=${nodePackage} ;;`), name)
  assert.match(text, new RegExp(`^FROM debian:${readLock(packageNames).suite}-slim AS root$`, 'm'))
})
