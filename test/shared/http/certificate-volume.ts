import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type KeyPair, makeAuthority, makeLeaf } from '#deploy/certificates/x509.ts'
import { Volume } from '../../chaos/config-writers.ts'

export const validity = { from: Date.now() - 3_600_000, until: Date.now() + 24 * 3_600_000 }

export const authority = (name: string): Promise<KeyPair> => makeAuthority(name, validity)

export const leafOf = (
  from: KeyPair,
  names: readonly string[] = ['localhost'],
  valid = validity,
): Promise<KeyPair> => makeLeaf(from, { names, validity: valid })

/** A mounted Secret with certificate and key, or ConfigMap with authorities, as kubelet keeps it. */
export class CertificateVolume {
  readonly directory: string
  readonly #volume = new Volume()

  constructor(directory: string) {
    this.directory = directory
  }

  static async make(test: TestContext): Promise<CertificateVolume> {
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-tls-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    return new CertificateVolume(directory)
  }

  get bundleFile(): string {
    return join(this.directory, 'ca.crt')
  }

  writePair(certificate: string, key: string): Promise<void> {
    return this.#volume.write(
      new Map([
        [join(this.directory, 'tls.crt'), certificate],
        [join(this.directory, 'tls.key'), key],
      ]),
    )
  }

  writeBundle(...certificates: readonly string[]): Promise<void> {
    return this.#volume.write(new Map([[this.bundleFile, certificates.join('')]]))
  }
}
