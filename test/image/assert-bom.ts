import assert from 'node:assert/strict'

/**
 * Asserts what CycloneDX 1.6 asks of a document like ours (bom-1.6.schema.json: required fields,
 * enumerations, patterns, references); gives the package URLs of its components.
 */
export function assertBom(text: Buffer): string[] {
  const bom = JSON.parse(text.toString('utf8'))
  assert.equal(bom.bomFormat, 'CycloneDX')
  assert.equal(bom.specVersion, '1.6')
  assert.equal(bom.version, 1)
  assert.match(
    bom.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  )
  assert.ok(!Number.isNaN(Date.parse(bom.metadata.timestamp)))
  const components = [bom.metadata.component, ...bom.components]
  for (const component of components) {
    const { type, name, version, purl, hashes = [], licenses = [] } = component
    assert.ok(['library', 'application', 'container'].includes(type), name)
    assert.ok(name.length > 0 && version.length > 0)
    assert.match(purl, /^pkg:(?:oci|generic|npm|deb)\/[^\s@]+@[^\s@]+$/)
    for (const { alg, content } of hashes)
      assert.match(content, alg === 'SHA-512' ? /^[0-9a-f]{128}$/ : /^[0-9a-f]{64}$/)
    for (const { expression } of licenses) assert.ok(expression.length > 0, name)
  }
  const refs = components.map((component) => component['bom-ref'])
  assert.equal(new Set(refs).size, refs.length, 'every bom-ref is there once')
  const [top, ...below] = bom.dependencies
  assert.deepEqual([top.ref, ...top.dependsOn], refs)
  assert.deepEqual(
    below.map(({ ref }: { ref: string }) => ref),
    refs.slice(1),
  )
  return bom.components.map(({ purl }: { purl: string }) => purl)
}
