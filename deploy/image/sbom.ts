import type { BundledPackage } from './app/bundled-packages.ts'
import type { Architecture } from './architecture.ts'
import { fieldsOf } from './debian/apt.ts'
import { type DebianPackage } from './debian/packages.ts'
import { sha256 } from './oci/digest.ts'

/** What a bill of materials tells of. */
export interface BomParts {
  readonly architecture: Architecture
  /** Of the product. */
  readonly version: string
  /** RFC 3339. */
  readonly created: string
  /** Of the image's manifest. */
  readonly digest: string
  readonly node: { readonly name: string; readonly version: string; readonly sha512: string }
  readonly bundled: readonly BundledPackage[]
  readonly debian: readonly DebianPackage[]
  /** Debian's release number, as in `debian-13`. */
  readonly debianRelease: string
}

/** A part of the image. */
interface Component {
  readonly 'bom-ref': string
  readonly type: 'library' | 'application' | 'container'
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly cpe?: string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
  readonly licenses?: readonly { readonly expression: string }[]
}

/**
 * What is inside the image of one architecture, as CycloneDX 1.6: npm packages of which it has code
 * or data, Node, and Debian's packages. The same image gives the same bytes.
 */
export function billOfMaterials(parts: BomParts): Buffer {
  const { architecture, version, digest, created } = parts
  const purl = `pkg:oci/outrigger@${encodeURIComponent(digest)}?arch=${architecture.name}`
  const image: Component = {
    'bom-ref': purl,
    type: 'container',
    name: 'outrigger',
    version,
    purl,
    licenses: [{ expression: 'Apache-2.0' }],
  }
  const components = [
    nodeComponent(parts),
    ...parts.bundled.map(npmComponent),
    ...parts.debian.map((one) => debianComponent(one, parts)),
  ]
  const refs = components.map((component) => component['bom-ref'])
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([image, components, created]))}`,
    version: 1,
    metadata: { timestamp: created, component: image },
    components,
    dependencies: [{ ref: purl, dependsOn: refs }, ...refs.map((ref) => ({ ref }))],
  }
  return Buffer.from(`${JSON.stringify(bom, null, 1)}\n`)
}

function nodeComponent({ node }: BomParts): Component {
  const purl = `pkg:generic/node@${node.version}`
  return {
    'bom-ref': purl,
    type: 'application',
    name: 'node',
    version: node.version,
    purl,
    // What advisories name it by.
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
    hashes: [{ alg: 'SHA-512', content: node.sha512 }],
  }
}

function npmComponent({ name, version, sha512, license }: BundledPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    ...library(purl, name, version),
    hashes: [{ alg: 'SHA-512', content: sha512 }],
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
  }
}

function debianComponent(
  { name, version, sha256: hash, control }: DebianPackage,
  parts: BomParts,
): Component {
  const architecture = fieldsOf(control).get('Architecture') ?? parts.architecture.name
  const distribution = `arch=${architecture}&distro=debian-${parts.debianRelease}`
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${distribution}`
  return { ...library(purl, name, version), hashes: [{ alg: 'SHA-256', content: hash }] }
}

function library(purl: string, name: string, version: string): Component {
  return { 'bom-ref': purl, type: 'library', name, version, purl }
}

/** A UUID of `text`, version 8: RFC 9562, section 5.8. */
function uuidOf(text: string): string {
  const hex = sha256(text)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
