import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Architecture } from '../architecture.ts'
import { runTool } from '../tools.ts'
import type { Pin } from './lock.ts'

/** Debian's own keys, of package debian-archive-keyring: no other signature is taken. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** A folder of apt's own, so that no right is needed and another architecture can be asked for. */
export interface AptParts {
  readonly folder: string
  /** Debian's codename. */
  readonly suite: string
  readonly architecture: Architecture
}

/**
 * Debian's archive seen from a private root of apt: lists, packages and settings in one folder,
 * mirrors those of the machine's own sources. apt checks the signature of each list and the hash
 * of each package.
 */
export class Apt {
  readonly #folder: string
  readonly #config: string

  private constructor(folder: string) {
    this.#folder = folder
    this.#config = join(folder, 'apt.conf')
  }

  /** Fetches the lists. @throws Error where the machine has no sources of Debian. */
  static async open({ folder, suite, architecture }: AptParts): Promise<Apt> {
    const sources = await debianSources(suite)
    for (const name of ['lists/partial', 'archives/partial', 'parts', 'packages'])
      mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'status'), '')
    writeFileSync(join(folder, 'debian.sources'), sources)
    const apt = new Apt(folder)
    writeFileSync(apt.#config, settings(folder, architecture))
    await apt.#run('apt-get', ['update', '--error-on=any'])
    return apt
  }

  /** The newest version of each package. */
  async newest(names: readonly string[]): Promise<Pin[]> {
    const shown = await this.#run('apt-cache', ['show', '--no-all-versions', ...names])
    const paragraphs = shown.toString('utf8').trim().split(/\n\n+/)
    return names.map((name) => {
      const fields = paragraphs.map(fieldsOf).find((one) => one.get('Package') === name)
      const version = fields?.get('Version')
      const sha256 = fields?.get('SHA256')
      if (version === undefined || sha256 === undefined)
        throw new Error(`Cannot pin '${name}': Debian has no such package`)
      return { name, version, sha256 }
    })
  }

  /** Fetches those versions into the folder returned. */
  async fetch(pins: readonly Pin[]): Promise<string> {
    const folder = join(this.#folder, 'packages')
    const wanted = pins.map(({ name, version }) => `${name}=${version}`)
    await this.#run('apt-get', ['download', ...wanted], folder)
    return folder
  }

  /** Fetches the newest of each and all that they need, as on an empty system, into the folder returned. */
  async fetchWhole(names: readonly string[]): Promise<string> {
    const whole = ['install', '--yes', '--download-only', '--no-install-recommends']
    await this.#run('apt-get', [...whole, ...names])
    return join(this.#folder, 'archives')
  }

  #run(tool: 'apt-get' | 'apt-cache', args: readonly string[], cwd?: string): Promise<Buffer> {
    return runTool(tool, ['--config-file', this.#config, ...args], cwd)
  }
}

/** The fields of a paragraph that stand on one line: deb822(5). */
export function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  const lines = paragraph.split('\n').filter((line) => /^[^\s:]+:/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at), line.slice(at + 1).trim()]
    }),
  )
}

/** Read after the machine's own settings, which keep proxies and certificates. */
function settings(folder: string, { name }: Architecture): string {
  const quoted = (path: string) => JSON.stringify(join(folder, path))
  return `Dir::State ${quoted('.')};
Dir::State::lists ${quoted('lists')};
Dir::State::status ${quoted('status')};
Dir::Cache ${quoted('.')};
Dir::Etc::sourcelist ${quoted('debian.sources')};
Dir::Etc::sourceparts ${quoted('parts')};
Dir::Etc::preferencesparts ${quoted('parts')};
APT::Architecture "${name}";
#clear APT::Architectures;
APT::Architectures { "${name}"; };
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
`
}

/**
 * Sources of `suite` and of its updates on the mirrors that this machine takes Debian from,
 * whichever release it runs itself.
 */
async function debianSources(suite: string): Promise<string> {
  const format = '$(ORIGIN)|$(CODENAME)|$(REPO_URI)'
  const targets = (await runTool('apt-get', ['indextargets', '--format', format])).toString('utf8')
  const debian = targets.split('\n').flatMap((line) => {
    const [origin, codename = '', uri] = line.split('|')
    return origin === 'Debian' && uri !== undefined ? [{ codename, uri }] : []
  })
  const ordinary = debian.find(({ codename }) => !codename.includes('-'))
  const security = debian.find(({ codename }) => codename.endsWith('-security'))
  if (ordinary === undefined || security === undefined)
    throw new Error(
      "Cannot fetch Debian packages: apt's sources here name no Debian archive with its security " +
        "updates, or 'apt-get update' has never run",
    )
  return [
    { uri: ordinary.uri, suites: `${suite} ${suite}-updates` },
    { uri: security.uri, suites: `${suite}-security` },
  ]
    .map(({ uri, suites }) =>
      [
        'Types: deb',
        `URIs: ${uri}`,
        `Suites: ${suites}`,
        'Components: main',
        `Signed-By: ${keyring}`,
        '',
      ].join('\n'),
    )
    .join('\n')
}
